"""Everything that is said to TimescaleDB, and what takes its place on a PostgreSQL without it.

Traps, each with a test and a line in `scripts/timescale_check.py`:
    an aggregate refreshed without bounds loses what retention has dropped below it, so `refresh` wants both ends and
    never reaches below what is kept; policies of the columnstore are procedures (CALL); an aggregate needs its own
    columnstore before it can have a policy; a primary key has the time in it; aggregates are made WITH NO DATA, since
    that alone works inside a transaction; the Apache build has hypertables and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import psycopg

from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.settings import StorageSettings

EXTENSION: Final = "timescaledb"
CHUNKS: Final = {
    "quotes": "1 day",
    "trades": "1 day",
    "predictions": "1 day",
    "bars_second": "1 day",
    "bars_minute": "7 days",
    "bars_hour": "180 days",
    "bars_day": "3650 days",
    "bars_week": "3650 days",
}
"""Hypertables and how much time one chunk of each holds."""
SEGMENTED: Final = {"predictions": "instrument"}
"""What rows of a hypertable are stored together by, where it is not instrument and source."""
ROLLUPS: Final = {"bars_1h": ("bars_minute", "1 hour"), "bars_1d": ("bars_1h", "1 day")}
"""Aggregates, in the order they are made: where from, and how long."""
WINDOWS: Final = {"bars_1h": ("3 days", "1 hour"), "bars_1d": ("10 days", "1 day")}
"""What their policies refresh again and again; what is older is refreshed when it arrives."""
WINDOW_DAYS: Final = {"bars_1h": 3, "bars_1d": 10}


class Features(NamedTuple):
    """What the server can do. `words` say it to people."""

    version: str = ""
    is_full: bool = False
    """The community licence: columnstore, retention, aggregates."""
    words: str = "plain PostgreSQL"

    @property
    def has_hypertables(self) -> bool:
        """Whether the extension is there at all."""
        return bool(self.version)


class Window(NamedTuple):
    """A stretch of an aggregate that is to be made again."""

    view: str
    low: dt.datetime
    high: dt.datetime


def find_features(connection: Connection, *, is_wanted: bool = False) -> Features:
    """What is installed; with `is_wanted` the extension is installed where it is available. Needs autocommit."""
    if is_wanted and not _installed(connection) and _available(connection):
        try:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
        except psycopg.Error as error:
            problem = str(error).splitlines()[0][:120]
            return Features(words=f"plain PostgreSQL: TimescaleDB is there and does not load: {problem}")
    version = _installed(connection)
    if not version:
        return Features()
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    if row is not None and row[0] == "apache":
        words = f"TimescaleDB {version}, Apache build: no columnstore, retention or aggregates"
        return Features(version, is_full=False, words=words)
    return Features(version, is_full=True, words=f"TimescaleDB {version}")


def arrange(features: Features, settings: StorageSettings) -> Iterator[str]:
    """Statements that bring the tables to what the server can do; the same again changes nothing."""
    if features.has_hypertables:
        yield from (hypertable(name) for name in CHUNKS)
    if not features.is_full:
        yield from (plain_rollup(view) for view in ROLLUPS)
        return
    for name in CHUNKS:
        yield from columnstore(name, settings.compress_after_days)
    for name, days in kept_days(settings).items():
        yield from retention(name, days)
    for view in ROLLUPS:
        yield from rollup(view, settings.compress_after_days)


def hypertable(name: str) -> str:
    """Cut a table by time; rows that are there move."""
    return (
        f"SELECT create_hypertable('{name}', by_range('ts', INTERVAL '{CHUNKS[name]}'), "
        "if_not_exists => true, migrate_data => true)"
    )


def columnstore(name: str, after_days: int) -> Iterator[str]:
    """Columns for what is old. A procedure adds the policy: SELECT would fail."""
    by = SEGMENTED.get(name, "instrument, source")
    yield (
        f"ALTER TABLE {name} SET (timescaledb.enable_columnstore, timescaledb.segmentby = '{by}', "
        "timescaledb.orderby = 'ts DESC')"
    )
    yield f"CALL remove_columnstore_policy('{name}', if_exists => true)"
    yield f"CALL add_columnstore_policy('{name}', after => INTERVAL '{after_days} days', if_not_exists => true)"


def retention(name: str, days: int) -> Iterator[str]:
    """Drop chunks when they are as old as that; 0 keeps everything."""
    yield f"SELECT remove_retention_policy('{name}', if_exists => true)"
    if days:
        yield f"SELECT add_retention_policy('{name}', drop_after => INTERVAL '{days} days', if_not_exists => true)"


def rollup(view: str, after_days: int) -> Iterator[str]:
    """A continuous aggregate with a bounded policy and a columnstore of its own."""
    start, end = WINDOWS[view]
    yield (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view} WITH (timescaledb.continuous, "
        f"timescaledb.materialized_only = false) AS {_grouped(view, 'time_bucket')} WITH NO DATA"
    )
    yield f"SELECT remove_continuous_aggregate_policy('{view}', if_exists => true)"
    yield (
        f"SELECT add_continuous_aggregate_policy('{view}', start_offset => INTERVAL '{start}', "
        f"end_offset => INTERVAL '{end}', schedule_interval => INTERVAL '30 minutes', if_not_exists => true)"
    )
    yield (
        f"ALTER MATERIALIZED VIEW {view} SET (timescaledb.enable_columnstore, "
        "timescaledb.segmentby = 'instrument, source', timescaledb.orderby = 'ts DESC')"
    )
    yield f"CALL remove_columnstore_policy('{view}', if_exists => true)"
    after = max(after_days, WINDOW_DAYS[view] + 1)  # what is still refreshed stays rows
    yield f"CALL add_columnstore_policy('{view}', after => INTERVAL '{after} days', if_not_exists => true)"


def plain_rollup(view: str) -> str:
    """The same question as a view."""
    return f"CREATE OR REPLACE VIEW {view} AS {_grouped(view, 'date_bin')}"


def drop_rollups(connection: Connection) -> Iterator[str]:
    """Remove the aggregates, whatever they are: before a way down, or when a plain server has got the extension."""
    for view in reversed(ROLLUPS):
        row = connection.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (view,)).fetchone()
        if row is None:
            continue
        kind = "MATERIALIZED VIEW" if _is_continuous(connection, view) else "VIEW"
        yield f"DROP {kind} IF EXISTS {view}"


def refresh(window: Window) -> tuple[str, tuple[dt.datetime, dt.datetime]]:
    """Make a stretch of an aggregate again. Both ends are needed: without them, what retention dropped is forgotten."""
    if window.view not in ROLLUPS:
        raise ValueError(f"{window.view} is no aggregate")
    if window.low >= window.high:
        raise ValueError("a refresh needs a beginning before its end")
    return f"CALL refresh_continuous_aggregate('{window.view}', %s::timestamptz, %s::timestamptz)", window[1:]


def windows_for(low: dt.datetime, high: dt.datetime, now: dt.datetime) -> Iterator[Window]:
    """What rows of minutes between two times make stale and no policy will look at."""
    first = low.replace(hour=0, minute=0, second=0, microsecond=0)
    last = high.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    for view, days in WINDOW_DAYS.items():
        if first < now - dt.timedelta(days=days):
            yield Window(view, first, last)


def kept_days(settings: StorageSettings) -> dict[str, int]:
    """What retention the user wants; minutes, hours and days are kept, since aggregates stand on them."""
    return {
        "quotes": settings.keep_quotes_days,
        "trades": settings.keep_trades_days,
        "bars_second": settings.keep_seconds_days,
    }


def prune(features: Features, settings: StorageSettings) -> Iterator[str]:
    """What no policy does: rows of servers without policies, older versions everywhere, and what series say of both.

    The Apache build drops whole chunks, which costs nothing; a plain server deletes rows.
    """
    for name, days in kept_days(settings).items():
        if not days:
            continue
        limit = f"now() - INTERVAL '{days} days'"
        if not features.has_hypertables:
            yield f"DELETE FROM {name} WHERE ts < {limit}"
        elif not features.is_full:
            yield f"SELECT drop_chunks('{name}', older_than => INTERVAL '{days} days')"
        yield f"DELETE FROM {name}_superseded WHERE ts < {limit}"
        yield f"DELETE FROM series WHERE tbl = '{name}' AND last_ts < {_kept_from(features, name, limit)}"
        yield (
            f"UPDATE series SET first_ts = {_kept_from(features, name, limit)} "
            f"WHERE tbl = '{name}' AND first_ts < {_kept_from(features, name, limit)}"
        )


def _kept_from(features: Features, name: str, limit: str) -> str:
    """Where a table begins after it was pruned: chunks are dropped as a whole, and not before all of one is old."""
    if not features.has_hypertables:
        return limit
    chunks = f"SELECT min(range_start) FROM timescaledb_information.chunks WHERE hypertable_name = '{name}'"
    return f"least({limit}, coalesce(({chunks}), {limit}))"


def allow_corrections() -> str:
    """Lift the bound on what a transaction may take out of the columnstore: correcting old rows is no accident."""
    return "SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0"


def _grouped(view: str, bucket: str) -> str:
    source, length = ROLLUPS[view]
    where = "WHERE step = 1 AND NOT is_retracted" if source == "bars_minute" else ""
    first, last = (
        ("first({}, ts)", "last({}, ts)")
        if bucket == "time_bucket"
        else ("(array_agg({} ORDER BY ts))[1]", "(array_agg({} ORDER BY ts DESC))[1]")
    )
    origin = "" if bucket == "time_bucket" else ", TIMESTAMPTZ '2000-01-01 00:00:00+00'"
    return (
        f"SELECT instrument, source, {bucket}(INTERVAL '{length}', ts{origin}) AS ts, "
        f"{first.format('open_e8')} AS open_e8, max(high_e8) AS high_e8, min(low_e8) AS low_e8, "
        f"{last.format('close_e8')} AS close_e8, sum(volume_e8) AS volume_e8 "
        f"FROM {source} {where} GROUP BY 1, 2, 3"
    )


def _available(connection: Connection) -> bool:
    row = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (EXTENSION,)).fetchone()
    return row is not None


def _installed(connection: Connection) -> str:
    row: tuple[Any, ...] | None = connection.execute(
        "SELECT extversion FROM pg_extension WHERE extname = %s", (EXTENSION,)
    ).fetchone()
    return str(row[0]) if row else ""


def _is_continuous(connection: Connection, view: str) -> bool:
    if not _installed(connection):
        return False
    row = connection.execute(
        "SELECT 1 FROM timescaledb_information.continuous_aggregates WHERE view_name = %s", (view,)
    ).fetchone()
    return row is not None
