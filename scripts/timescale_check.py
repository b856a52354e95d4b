"""Run everything that is said to TimescaleDB on a real one, in a database that may be filled and emptied.

Usage: PYTHONPATH=. python scripts/timescale_check.py --url postgresql://USER:PASSWORD@HOST/DATABASE [--yes]

It migrates, fills, compresses, corrects what is compressed, refreshes, drops, reads back, and migrates down; one line
per check, exit code 1 when one does not hold. Without --yes a database that has our tables already is left alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.cursors import owner_of
from stockpulse_engine.storage.server.link import Connection, connect
from stockpulse_engine.storage.server.migrate import NOTHING, migrate, revision_of
from stockpulse_engine.storage.server.mirror import HistoryMirror, Refresher
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.timescale import CHUNKS, ROLLUPS, Features
from stockpulse_engine.storage.server.verify import compared
from stockpulse_engine.storage.server.versions import EmbeddedVersions, ServerVersions

M1 = BarSpec(1, "m")
MINUTE = 60_000_000_000
DAYS = 40
PER_DAY = 390


class Check:
    """One database, one store, and what was found."""

    def __init__(self, settings: StorageSettings, features: Features, store: EmbeddedHistory) -> None:
        self.settings = settings
        self.features = features
        self.store = store
        self.connection: Connection = connect(settings, is_autocommit=True)
        self.failed = 0

    def ask(self, question: str) -> Any:
        """The first cell of an answer."""
        row = self.connection.execute(question).fetchone()
        return row[0] if row is not None else None

    def hold(self, what: str, *, is_held: bool) -> None:
        """Say how a check ended."""
        self.failed += not is_held
        print(f"{'ok  ' if is_held else 'FAIL'} {what}", flush=True)

    def copy(self) -> None:
        """Mirror everything and make the aggregates again."""
        with connect(self.settings) as connection:
            mirror = HistoryMirror(self.store, connection, self.features, owner_of(self.store.layout.root))
            while not mirror.step().is_done:
                pass
        if self.features.is_full:
            Refresher(lambda: connect(self.settings, is_autocommit=True)).run()

    def is_equal(self) -> bool:
        """Row for row."""
        with connect(self.settings) as connection:
            return all(one.is_equal for one in compared(EmbeddedVersions(self.store), ServerVersions(connection)))


def minutes(first_day: int, days: int, shift: int = 0) -> pl.DataFrame:
    """Sessions of minutes, counted from some weeks ago."""
    today = int(dt.datetime.now(dt.UTC).timestamp()) // 86_400
    starts = [
        ((today - DAYS + day) * 86_400 + 14 * 3600) * 1_000_000_000 + number * MINUTE
        for day in range(first_day, first_day + days)
        for number in range(PER_DAY)
    ]
    values = {f"{name}_e8": [10**10 + shift] * len(starts) for name in ("open", "high", "low", "close", "volume")}
    known = [start + MINUTE for start in starts]
    return pl.DataFrame({"instrument_id": "A.XNAS", "ts_event": starts, "known_at": known, **values})


def check_tables(check: Check) -> None:
    """Hypertables, policies, and that the same again is nothing."""
    check.hold(
        "every table that should be one is a hypertable",
        is_held=check.ask(
            "SELECT count(*) FROM timescaledb_information.hypertables WHERE hypertable_name NOT LIKE '\\_%'"
        )
        >= len(CHUNKS),
    )
    if check.features.is_full:
        jobs = "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = '{}'"
        for name, least in (("policy_compression", len(CHUNKS)), ("policy_refresh_continuous_aggregate", len(ROLLUPS))):
            check.hold(f"jobs {name}", is_held=check.ask(jobs.format(name)) >= least)
    migrate(check.settings)
    check.hold("the same migration again changes nothing", is_held=revision_of(check.settings) != "")


def check_rows(check: Check) -> None:
    """Copy, read, compress, correct what is compressed."""
    check.store.writer.write_bars(minutes(0, DAYS), spec=M1, source="check")
    check.copy()
    check.hold("rows are equal", is_held=check.is_equal())
    reader = ServerReader(check.settings, WallClock())
    check.hold("the last 500 are read", is_held=len(reader.last_bars(["A.XNAS"], M1, 500)["A.XNAS"]) == 500)
    if check.features.is_full:
        for (chunk,) in check.connection.execute("SELECT show_chunks('bars_minute', older_than => INTERVAL '8 days')"):
            with connect(check.settings, is_autocommit=True) as other:
                other.execute(f"CALL convert_to_columnstore('{chunk}')")
        check.hold("rows in columns are equal", is_held=check.is_equal())
    check.store.writer.write_bars(minutes(3, 2, shift=5), spec=M1, source="check")
    check.copy()
    check.hold("a correction of old rows arrives", is_held=check.is_equal())
    check.hold(
        "both versions are kept", is_held=check.ask("SELECT count(*) FROM bars_minute_superseded") == 2 * PER_DAY
    )
    reader.close()


def check_rollups(check: Check) -> None:
    """Hours and days are what the minutes say, old ones too, and stay when the minutes below are dropped."""
    days = "SELECT count(DISTINCT ts) FROM bars_1d"
    check.hold("each day has its bar", is_held=check.ask(days) == DAYS)
    total = "SELECT sum(volume_e8)::numeric FROM {}"
    minute = check.ask(total.format("bars_minute"))
    check.hold("hours add up to the minutes", is_held=check.ask(total.format("bars_1h")) == minute)
    check.hold("days add up to the minutes", is_held=check.ask(total.format("bars_1d")) == minute)
    if not check.features.is_full:
        return
    check.connection.execute("SELECT drop_chunks('bars_minute', older_than => INTERVAL '20 days')")
    check.copy()
    check.hold("days stay when their minutes are dropped", is_held=check.ask(days) == DAYS)


CHECKS: tuple[Callable[[Check], None], ...] = (check_tables, check_rows, check_rollups)


def main() -> int:
    """Every check in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--yes", action="store_true", help="our tables in it may be emptied")
    parser.add_argument("--plain", action="store_true", help="go on without the extension")
    options = parser.parse_args()
    settings = StorageSettings(url=options.url)
    try:
        if revision_of(settings) and not options.yes:
            print("The database has our tables; say --yes if they may be emptied.")
            return 1
        migrate(settings, NOTHING)
        features = migrate(settings).features
        print(features.words)
        if not features.has_hypertables and not options.plain:
            return 1
        with tempfile.TemporaryDirectory(prefix="spc-") as scratch, open_history(Path(scratch), WallClock()) as store:
            check = Check(settings, features, store)
            for step in CHECKS if features.has_hypertables else CHECKS[1:]:
                step(check)
            check.connection.close()
        check.hold("down again", is_held=migrate(settings, NOTHING).after == "")
    except StockPulseError as error:
        print(f"FAIL {error}")
        return 1
    return 1 if check.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
