"""Run everything that is said to TimescaleDB on a real one, in a database that may be filled and emptied.

Usage: PYTHONPATH=. python scripts/timescale_check.py --url postgresql://USER:PASSWORD@HOST/DATABASE [--yes]

It migrates, fills, compresses, corrects what is compressed, refreshes, drops, reads back, and migrates down. One line
per check: `ok`, `FAIL` with what was found, or `skip` with why; a check that breaks is a failure of its own and the
next one goes on. The last line counts them.

Exit code 0: everything held; 1: something did not; 2: nothing was tried (no server, no extension without --plain, or
our tables are there already without --yes).
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import psycopg

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.history import BARS, AsOf, Query
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.cursors import owner_of
from stockpulse_engine.storage.server.link import Connection, connect
from stockpulse_engine.storage.server.migrate import NOTHING, migrate, newest_revision, revision_of
from stockpulse_engine.storage.server.mirror import HistoryMirror, Refresher
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.timescale import CHUNKS, ROLLUPS, Features, Window, prune, refresh
from stockpulse_engine.storage.server.verify import compared
from stockpulse_engine.storage.server.versions import EmbeddedVersions, ServerVersions

M1 = BarSpec(1, "m")
MINUTE = 60_000_000_000
HOUR, DAY = 60 * MINUTE, 1440 * MINUTE
UNTRIED = 2
DAYS = 40
PER_DAY = 390


class Check:
    """One database, one store, and what was found."""

    def __init__(self, settings: StorageSettings, features: Features, store: EmbeddedHistory) -> None:
        self.settings = settings
        self.features = features
        self.store = store
        self.connection: Connection = connect(settings, is_autocommit=True)
        self.now = WallClock().now_ns() // DAY * DAY
        self.held = self.failed = 0

    def ask(self, question: str) -> Any:
        """The first cell of an answer."""
        row = self.connection.execute(question).fetchone()
        return row[0] if row is not None else None

    def hold(self, what: str, *, is_held: bool, found: object = "") -> None:
        """Say how a check ended; `found` is told where it did not hold."""
        self.held += is_held
        self.failed += not is_held
        told = f": found {found}" if found != "" and not is_held else ""
        print(f"{'ok  ' if is_held else 'FAIL'} {what}{told}", flush=True)

    def equal(self, what: str, found: object, wanted: object) -> None:
        """Whether two values are the same."""
        self.hold(what, is_held=found == wanted, found=f"{found}, not {wanted}")

    def run(self, step: Callable[[Check], None]) -> None:
        """One group of checks; one that breaks does not keep the next from being tried."""
        print(f"-- {(step.__doc__ or step.__name__).splitlines()[0]}", flush=True)
        try:
            step(self)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is what was to be found out
            words = str(error).splitlines()[0][:300] if str(error) else ""
            self.hold(f"{step.__name__}: {type(error).__name__}: {words}", is_held=False)
            self.connection.close()
            self.connection = connect(self.settings, is_autocommit=True)

    def copy(self) -> None:
        """Mirror everything and make the aggregates again."""
        with connect(self.settings) as connection:
            mirror = HistoryMirror(self.store, connection, self.features, owner_of(self.store.layout.root))
            while not mirror.step().is_done:
                pass
        if self.features.is_full:
            Refresher(lambda: connect(self.settings, is_autocommit=True)).run()

    def to_columns(self, table: str) -> None:
        """Turn every old chunk into columns. The procedure takes no subquery, so chunks are asked for first."""
        chunks = self.connection.execute(f"SELECT show_chunks('{table}', older_than => INTERVAL '8 days')").fetchall()
        for (chunk,) in chunks:
            self.connection.execute(f"CALL convert_to_columnstore('{chunk}', if_not_columnstore => true)")
        self.hold(f"{len(chunks)} chunks of {table} become columns", is_held=bool(chunks))

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


def quotes(age: int, bid: int = 1) -> pl.DataFrame:
    """Ten quotes, some days old, one side and every second size of it unknown."""
    today = int(dt.datetime.now(dt.UTC).timestamp()) // 86_400
    starts = [(today - age) * DAY + 15 * HOUR + number // 2 * 1001 for number in range(10)]
    return pl.DataFrame(
        {
            "instrument_id": "A.XNAS",
            "ts_event": starts,
            "known_at": starts,
            "seq": [number % 2 for number in range(10)],
            "bid_e8": bid,
            "bid_size_e8": [None if number % 2 else 5 for number in range(10)],
            "ask_e8": pl.Series([None] * 10, dtype=pl.Int64),
            "ask_size_e8": pl.Series([None] * 10, dtype=pl.Int64),
            "exchange": ["N" if number % 3 else "Q" for number in range(10)],
        }
    )


def check_tables(check: Check) -> None:
    """Hypertables, policies, and that the same again is nothing."""
    tables = "SELECT hypertable_name FROM timescaledb_information.hypertables"
    made = {row[0] for row in check.connection.execute(tables)}
    check.hold("every table that should be one is a hypertable", is_held=set(CHUNKS) <= made, found=sorted(made))
    policies = "SELECT hypertable_name, proc_name FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL"
    if not check.features.is_full:
        check.equal("the Apache build has no policies of ours", check.connection.execute(policies).fetchall(), [])
        return
    found = sorted(check.connection.execute(policies).fetchall())
    compressed = {name for name, proc in found if proc in {"policy_compression", "policy_columnstore"}}
    check.hold("every hypertable has a policy of the columnstore", is_held=set(CHUNKS) <= compressed, found=found)
    refreshed = [name for name, proc in found if proc == "policy_refresh_continuous_aggregate"]
    check.equal("every aggregate is refreshed", len(refreshed), len(ROLLUPS))
    aggregates = "SELECT view_name, compression_enabled FROM timescaledb_information.continuous_aggregates ORDER BY 1"
    wanted = [(name, True) for name in sorted(ROLLUPS)]
    check.equal("aggregates have a columnstore of their own", check.connection.execute(aggregates).fetchall(), wanted)
    before = check.connection.execute(policies).fetchall()
    migrate(check.settings)
    check.equal(
        "the same migration again changes no policy", len(check.connection.execute(policies).fetchall()), len(before)
    )


def check_rows(check: Check) -> None:
    """Copy, read, compress, correct what is compressed."""
    check.store.writer.write_bars(minutes(0, DAYS), spec=M1, source="check")
    for age in (DAYS, 1):
        check.store.writer.write_quotes(quotes(age), source="check")
    check.copy()
    check.hold("rows are equal", is_held=check.is_equal())
    if check.features.is_full:
        for table in ("bars_minute", "quotes"):
            check.to_columns(table)
        check.hold("rows in columns are equal", is_held=check.is_equal())
    check.store.writer.write_bars(minutes(3, 2, shift=5), spec=M1, source="check")
    check.store.writer.write_quotes(quotes(DAYS, bid=3), source="check")
    check.copy()
    check.hold("a correction of old rows arrives", is_held=check.is_equal())
    check.equal("both versions are kept", check.ask("SELECT count(*) FROM bars_minute_superseded"), 2 * PER_DAY)
    check.equal("of quotes too", check.ask("SELECT count(*) FROM quotes_superseded"), 10)


def check_reads(check: Check) -> None:
    """Every read of the port answers as the embedded store does, rows being columns or not."""
    reader = ServerReader(check.settings, WallClock())
    ours, names = check.store.reader, ["A.XNAS"]
    start = check.now - DAYS * DAY
    window: dict[str, Any] = {"start_ns": start + 7, "end_ns": start + 3 * DAY + 14 * HOUR + 9 * MINUTE}
    moments = (AsOf(), AsOf(known_at=start + 5 * DAY), AsOf(recorded_at=1), AsOf(recorded_at=check.now))
    for number, as_of in enumerate(moments):
        for limit in (None, 7):
            found = [one.bars("A.XNAS", M1, limit=limit, as_of=as_of, **window) for one in (reader, ours)]
            check.equal(f"bars as of moment {number}, limit {limit}", *(_rows(one) for one in found))
        ticks = [one.quotes("A.XNAS", start_ns=start - DAY, end_ns=check.now, as_of=as_of) for one in (reader, ours)]
        check.equal(f"quotes as of moment {number}", *([one.bid.tolist(), one.exchange.tolist()] for one in ticks))
        query = Query(table=BARS, spec=M1, as_of=as_of, **window)
        check.hold(f"a frame as of moment {number}", is_held=reader.frame(query).equals(ours.frame(query)))
    last = [one.last_bars(names, M1, 500)["A.XNAS"] for one in (reader, ours)]
    check.equal("the last 500", *(_rows(one) for one in last))
    listed = [
        [(one.table, one.rows, one.corrections, one.first_ts) for one in each.series()] for each in (reader, ours)
    ]
    check.equal("series with their counts", *listed)
    check.equal("spans name every series", len(reader.spans().series), len(listed[1]))
    reader.close()


def _rows(found: BarColumns) -> list[Any]:
    return [getattr(found, name).tolist() for name in ("ts_event", "known_at", "recorded_at", "close", "volume")]


def check_plans(check: Check) -> None:
    """A bounded read opens few chunks, whatever the table has."""
    text = "\n".join(
        row[0]
        for row in check.connection.execute(
            "EXPLAIN SELECT close_e8 FROM bars_minute WHERE instrument = 1 AND source = 1 AND step = 1 "
            "AND ts >= now() - INTERVAL '1 day' AND ts < now() ORDER BY ts DESC LIMIT 10"
        )
    )
    chunks = check.ask("SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'bars_minute'")
    opened = len(set(re.findall(r"_hyper_\d+_\d+_chunk", text)))
    check.hold(f"of {chunks} chunks a day's read opens at most 2", is_held=opened <= 2 < chunks, found=opened)


def check_rollups(check: Check) -> None:
    """Hours and days are what the minutes say, old ones too, and stay when the minutes below are dropped."""
    days = "SELECT count(DISTINCT ts) FROM bars_1d"
    check.equal("each day has its bar", check.ask(days), DAYS)
    total = "SELECT sum(volume_e8)::numeric FROM {}"
    minute = check.ask(total.format("bars_minute"))
    check.equal("hours add up to the minutes", check.ask(total.format("bars_1h")), minute)
    check.equal("days add up to the minutes", check.ask(total.format("bars_1d")), minute)
    if not check.features.is_full:
        return
    check.connection.execute("SELECT drop_chunks('bars_minute', older_than => INTERVAL '20 days')")
    check.copy()
    check.equal("days stay when their minutes are dropped", check.ask(days), DAYS)
    week = dt.datetime.now(dt.UTC) - dt.timedelta(days=7)
    check.connection.execute(*refresh(Window("bars_1d", week, week + dt.timedelta(days=5))))
    check.equal("and after a bounded refresh", check.ask(days), DAYS)


def check_retention(check: Check) -> None:
    """What the settings no longer keep goes, older versions with it, and series say from when they are held."""
    kept = msgspec.structs.replace(check.settings, keep_quotes_days=10)
    migrate(kept)
    if check.features.is_full:
        job = check.ask(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' "
            "AND hypertable_name = 'quotes'"
        )
        check.hold("quotes have a policy of retention", is_held=job is not None)
        check.connection.execute(f"CALL run_job({job})")
    for statement in prune(check.features, kept):
        check.connection.execute(statement)
    check.equal("old quotes are gone", check.ask("SELECT count(*) FROM quotes"), 10)
    check.equal("and their older versions", check.ask("SELECT count(*) FROM quotes_superseded"), 0)
    first = check.ask("SELECT min(first_ts) FROM series WHERE tbl = 'quotes'")
    check.hold("the series begins later", is_held=first > dt.datetime.now(dt.UTC) - dt.timedelta(days=12), found=first)
    check.hold("minutes are all there", is_held=check.ask("SELECT count(*) FROM bars_minute") > 10 * PER_DAY)
    migrate(check.settings)
    left = "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
    if check.features.is_full:
        check.equal("without days no policy is left", check.ask(left), 0)


def check_policies_run(check: Check) -> None:
    """Every job of ours runs to its end."""
    jobs = check.connection.execute(
        "SELECT job_id, proc_name, hypertable_name FROM timescaledb_information.jobs "
        "WHERE hypertable_name IS NOT NULL ORDER BY job_id"
    ).fetchall()
    for job, proc, table in jobs:
        try:
            check.connection.execute(f"CALL run_job({job})")
            check.hold(f"{proc} of {table} runs", is_held=True)
        except psycopg.Error as error:
            check.hold(f"{proc} of {table} runs", is_held=False, found=str(error).splitlines()[0])


def check_down_and_up(check: Check) -> None:
    """Down removes everything, and up makes it again."""
    check.equal("down again", migrate(check.settings, NOTHING).after, "")
    check.equal("up again", migrate(check.settings).after, newest_revision())
    check.equal("and empty", check.ask("SELECT count(*) FROM bars_minute"), 0)
    check.equal("and down", migrate(check.settings, NOTHING).after, "")


ALWAYS: tuple[Callable[[Check], None], ...] = (check_rows, check_reads, check_rollups, check_retention)
HYPER: tuple[Callable[[Check], None], ...] = (check_tables, check_rows, check_reads, check_plans)
FULL: tuple[Callable[[Check], None], ...] = (*HYPER, check_rollups, check_policies_run, check_retention)


def steps_for(features: Features) -> tuple[Callable[[Check], None], ...]:
    """What can be checked on this server; what can not is said."""
    if features.is_full:
        return FULL
    if features.has_hypertables:
        print("skip columnstore, aggregates and policies: the Apache build has none")
        return (*HYPER, check_rollups, check_retention)
    print("skip everything about hypertables: plain PostgreSQL")
    return ALWAYS


def main() -> int:
    """Every check in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--yes", action="store_true", help="our tables in it may be emptied")
    parser.add_argument("--plain", action="store_true", help="go on without the extension")
    options = parser.parse_args()
    settings = StorageSettings(url=options.url, read_timeout_s=60)
    try:
        if revision_of(settings) and not options.yes:
            print("The database has our tables; say --yes if they may be emptied.")
            return UNTRIED
        migrate(settings, NOTHING)
        features = migrate(settings).features
        print(features.words)
        if not features.has_hypertables and not options.plain:
            print("TimescaleDB is not there; --plain goes on without it.")
            migrate(settings, NOTHING)
            return UNTRIED
    except StockPulseError as error:
        print(f"FAIL {error}")
        return UNTRIED
    with tempfile.TemporaryDirectory(prefix="spc-") as scratch, open_history(Path(scratch), WallClock()) as store:
        check = Check(settings, features, store)
        for step in (*steps_for(features), check_down_and_up):
            check.run(step)
        check.connection.close()
    print(f"{check.held} held, {check.failed} did not, on {features.words}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
