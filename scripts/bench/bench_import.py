"""Measure importing: one JSON line per figure.

Usage: python scripts/bench/bench_import.py [--rows 2000000] [--rounds 3]

The same files, round by round in turn, are read by polars and written to one Parquet file (what nobody can do without),
and imported: columns understood, every cell made exact, every row checked, compared with what is held, committed
durably. `ratio` is polars' time over ours: 0.5 means that an import takes twice as long. As CPU seconds of this
process, all threads, and as wall time; the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.importing.identity import Maps
from stockpulse_engine.storage.importing.mapping import Remembered
from stockpulse_engine.storage.importing.plan import ImportOptions, plan_import
from stockpulse_engine.storage.importing.run import Into, run_import

SYMBOLS = 50
START = 1_388_534_400
FORMATS = ("csv", "parquet")


def minute_bars(rows: int) -> pl.DataFrame:
    """Prices in cents that walk, one symbol after the other."""
    rng = np.random.default_rng(7)
    each = rows // SYMBOLS
    close = (10_000 + rng.integers(-3, 4, each * SYMBOLS).cumsum() % 5_000) / 100
    width = rng.integers(0, 9, len(close)) / 100
    times = (
        pl.from_epoch(pl.Series(np.tile(START + 60 * np.arange(each), SYMBOLS)))
        .dt.replace_time_zone("UTC")
        .dt.cast_time_unit("us")
    )
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:03d}" for number in range(SYMBOLS)], each),
            "ts": times,
            "open": close,
            "high": (close + width).round(2),
            "low": (close - width).round(2),
            "close": close,
            "volume": rng.integers(1, 900, len(close)) * 100,
        }
    )


def prints(rows: int) -> pl.DataFrame:
    """Prints of one day of several symbols in the order of time, some of them at one moment."""
    rng = np.random.default_rng(8)
    micros = START * 1_000_000 + rng.integers(0, 9, rows).cumsum() * 100
    return pl.DataFrame(
        {
            "symbol": rng.choice([f"S{number:03d}" for number in range(10)], rows),
            "ts": pl.from_epoch(pl.Series(micros), time_unit="us").dt.replace_time_zone("UTC"),
            "price": (10_000 + rng.integers(-3, 4, rows).cumsum() % 5_000) / 100,
            "size": rng.integers(1, 90, rows) * 100,
            "exchange": rng.choice(["P", "Q", "K"], rows),
        }
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def plain(file: Path, copy: Path) -> None:
    """What nobody can do without."""
    frame = pl.read_csv(file) if file.suffix == ".csv" else pl.read_parquet(file)
    frame.write_parquet(copy, compression="zstd")


def take(file: Path, scratch: Path) -> None:
    """Import a file into an empty store."""
    clock = WallClock()
    with tempfile.TemporaryDirectory(dir=scratch) as name, open_history(Path(name), clock) as store:
        place = Path(name)
        into = Into(
            writer=store.writer, reader=store.reader, maps=Maps(place / "maps.json"), directory=place, clock=clock
        )
        table, plan = plan_import(file, ImportOptions(), Remembered(place / "mappings.json"))
        report = run_import(plan, table, into)
        assert report.added == table.rows, report.lines()


def bench(name: str, frame: pl.DataFrame, suffix: str, scratch: Path, rounds: int) -> None:
    """One kind of rows in one format."""
    file, copy = scratch / f"{name}.{suffix}", scratch / "copy.parquet"
    if suffix == "csv":
        frame.write_csv(file)
    else:
        frame.write_parquet(file)
    ours, theirs = [], []
    for _ in range(rounds + 1):  # the first is to get warm
        theirs.append(timed(lambda: plain(file, copy)))
        ours.append(timed(lambda: take(file, scratch)))
    median = [[statistics.median(one[place] for one in kept[1:]) for place in (0, 1)] for kept in (theirs, ours)]
    figures = {
        "ratio_cpu": median[0][0] / median[1][0],
        "ratio_wall": median[0][1] / median[1][1],
        "rows_per_s": frame.height / median[1][1],
        "rows_per_cpu_s": frame.height / median[1][0],
    }
    print(json.dumps({"bench": f"import_{name}_{suffix}"} | {key: round(value, 3) for key, value in figures.items()}))


def main() -> None:
    """All of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spb-") as name:
        for kind, frame in (("bars", minute_bars(options.rows)), ("trades", prints(options.rows))):
            for suffix in FORMATS:
                bench(kind, frame, suffix, Path(name), options.rounds)


if __name__ == "__main__":
    main()
