"""Measure the history store: one JSON line per figure.

Usage: python scripts/bench/bench_history_store.py [--symbols 300] [--bars 6000]

Reads are wall and CPU time in this process; "cold" opens the store anew for each round, so that nothing is mapped and
nothing is known of the catalog (the files themselves are in the system's cache). Writing is compared with polars
writing the same rows to one Parquet file in the same run, round by round in turn; both as CPU seconds of this process,
all threads, and as wall time.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import SCALE
from stockpulse_engine.storage.history.rollup import rolled_up
from stockpulse_engine.storage.history.store import open_history

M1, D1 = BarSpec(1, "m"), BarSpec(1, "d")
MINUTE = 60_000_000_000
ASKED, LAST = 100, 500


def report(name: str, **figures: float) -> None:
    """One line of JSON."""
    print(json.dumps({"bench": name} | {key: round(value, 4) for key, value in figures.items()}), flush=True)


def minute_bars(symbols: int, bars: int) -> pl.DataFrame:
    """Minutes of whole sessions, prices that walk, sorted like an import's."""
    calendar = load_calendar()
    session = calendar.session("2023-01-03")
    assert session is not None
    days = [calendar.by_ordinal(session.ordinal + number) for number in range(bars // 390 + 1)]
    starts = np.concatenate([np.arange(day.open, day.close, MINUTE, dtype=np.int64) for day in days])[:bars]
    rng = np.random.default_rng(7)
    total = symbols * len(starts)
    close = (10_000 + rng.integers(-3, 4, total).cumsum() % 5_000) * (SCALE // 100)
    width = rng.integers(0, 9, total) * (SCALE // 100)
    names = np.repeat([f"S{number:04d}.XNAS" for number in range(symbols)], len(starts))
    times = np.tile(starts, symbols)
    prices = {"open_e8": close, "high_e8": close + width, "low_e8": close - width, "close_e8": close}
    volume = rng.integers(1, 900, total) * 100 * SCALE
    return pl.DataFrame(
        {"instrument_id": names, "ts_event": times, "known_at": times + MINUTE, **prices, "volume_e8": volume}
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def spread(rounds: list[tuple[float, float]]) -> dict[str, float]:
    """Median and 95th of a hundred in ms, of wall time and of CPU time."""
    found = {}
    for place, name in ((1, "ms"), (0, "cpu_ms")):
        ordered = sorted(1e3 * one[place] for one in rounds)
        found[f"p50_{name}"] = ordered[len(ordered) // 2]
        found[f"p95_{name}"] = ordered[int(0.95 * (len(ordered) - 1))]
    return found


def bench_write(scratch: Path, frame: pl.DataFrame, rounds: int) -> None:
    """The store's writer against polars alone, each into an empty place, and the same rows once more."""
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for number in range(rounds):
        with open_history(scratch / f"write-{number}", WallClock()) as store:
            writer = store.writer
            ours.append(timed(lambda: writer.write_bars(frame, spec=M1, source="bench")))  # noqa: B023 - called at once
        plain.append(timed(lambda: frame.write_parquet(scratch / "plain.parquet")))
    cpu, wall = (min(one[at] for one in plain) / min(one[at] for one in ours) for at in (0, 1))
    rows_per_s = frame.height / min(one[0] for one in ours)
    with open_history(scratch / "write-0", WallClock()) as store:
        again = timed(lambda: store.writer.write_bars(frame, spec=M1, source="bench"))
    report(
        "history_write",
        ratio_cpu=cpu,
        ratio_wall=wall,
        rows_per_cpu_s=rows_per_s,
        again_rows_per_cpu_s=frame.height / again[0],
    )


def bench_reads(directory: Path, names: list[str], rounds: int) -> None:
    """The last bars of a hundred: mapped, not yet mapped, and without the hot tier; then one chart."""
    rng = random.Random(3)
    with open_history(directory, WallClock()) as store:
        store.reader.last_bars(names, M1, LAST)
        hot = [timed(lambda: store.reader.last_bars(rng.sample(names, ASKED), M1, LAST)) for _ in range(rounds)]
        report("history_hot", **spread(hot))
        charts = [timed(lambda: store.reader.bars(rng.choice(names), M1, limit=LAST)) for _ in range(rounds)]
        made = [timed(lambda: store.reader.bars(rng.choice(names), M1, limit=LAST).to_bars()) for _ in range(rounds)]
        report(
            "history_chart", **spread(charts), **{f"with_bars_{name}": value for name, value in spread(made).items()}
        )
    cold = [timed(lambda: open_and_read(directory, rng.sample(names, ASKED))) for _ in range(rounds // 4)]
    report("history_cold", **spread(cold))
    (directory / "hot").rename(directory / "hot-aside")
    (directory / "hot").write_text("no hot tier here")
    segments = [timed(lambda: open_and_read(directory, rng.sample(names, ASKED))) for _ in range(rounds // 20)]
    report("history_segments", **spread(segments))


def open_and_read(directory: Path, names: list[str]) -> None:
    """What a new process does, after its imports."""
    with open_history(directory, WallClock()) as store:
        found = store.reader.last_bars(names, M1, LAST)
        assert all(len(bars) == LAST for bars in found.values())


def bench_resample(rounds: int) -> None:
    """Ten million minutes to days."""
    frame = minute_bars(1_000, 10_000)
    cpu = min(timed(lambda: rolled_up(frame, M1, D1))[0] for _ in range(rounds))
    report("history_resample", cpu_s=cpu, rows=frame.height)


def main() -> None:
    """Everything, in a directory of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=300)
    parser.add_argument("--bars", type=int, default=6_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spb-") as made:
        scratch = Path(made)
        frame = minute_bars(options.symbols, options.bars)
        bench_write(scratch, frame, 3)
        names = frame["instrument_id"].unique(maintain_order=True).to_list()
        bench_reads(scratch / "write-0", names, 200)
    bench_resample(3)


if __name__ == "__main__":
    main()
