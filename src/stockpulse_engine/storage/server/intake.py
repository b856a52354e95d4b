"""Rows of a segment on their way into the tables, inside a transaction of the caller's.

Where nothing is held in the time the rows span, they are copied straight into their table. Where something is, they go
through a temporary table: the newest version of a row wins its place, what it takes the place of moves to the twin, and
a version that is held already is nothing. So a segment may come twice, in parts, or merged with others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Table

from stockpulse_engine.marketdata.history import BARS, SCHEMAS
from stockpulse_engine.storage.server.copying import binary_rows, formats_of, to_stamps
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.names import Names
from stockpulse_engine.storage.server.schema import key_names, table_of, twin_of

if TYPE_CHECKING:
    import polars as pl

WORDS: Final = ("exchange", "conditions", "kind", "currency", "other_id", "note")
"""Columns of text that repeat: keys of the table `words`."""
BATCH: Final = 131_072
"""Rows that are encoded at a time."""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Kind(NamedTuple):
    """What the rows are: table and length as the store calls them, and their source."""

    table: str
    spec: str
    source: str


class Run(NamedTuple):
    """The stretch of one instrument in a batch."""

    instrument: int
    low: dt.datetime
    high: dt.datetime


class Intake:
    """Puts frames into tables. Make a new one after a transaction that failed: it remembers keys."""

    def __init__(self) -> None:
        self._instruments = Names("instruments")
        self._sources = Names("sources")
        self._words = Names("words")

    def add(self, connection: Connection, kind: Kind, frame: pl.DataFrame) -> list[Run]:
        """Add versions as a stored file has them, sorted; returns what they touched."""
        table = table_of(kind.table, kind.spec)
        keys = self._instruments.keys_of(connection, frame["instrument_id"].unique().to_list())
        source = self._sources.keys_of(connection, [kind.source])[kind.source]
        runs = _runs(frame, keys)
        is_free = _has_single_versions(frame, table) and not self._is_held(connection, table, kind, source, runs)
        target = table.name if is_free else _staged(connection, table)
        statement = f"COPY {target} FROM STDIN (FORMAT BINARY)"
        for part in frame.iter_slices(BATCH):
            columns = self._columns(connection, kind, part, keys) | {"source": np.full(part.height, source)}
            empty = {name: part[name].is_null().to_numpy() for name in _optional(kind.table)}
            with connection.cursor().copy(statement) as copy:
                for block in binary_rows(formats_of(table), columns, empty):
                    copy.write(block)
        if not is_free:
            for merging in _merging(table, target):
                connection.execute(merging)
        _note_series(connection, kind, source, runs)
        return runs

    def _columns(
        self, connection: Connection, kind: Kind, frame: pl.DataFrame, keys: Mapping[str, int]
    ) -> dict[str, Any]:
        import polars as pl

        stamps, rest = to_stamps(frame["ts_event"].to_numpy())
        instruments = frame["instrument_id"].replace_strict(keys, return_dtype=pl.Int32).to_numpy()
        found: dict[str, Any] = {"instrument": instruments, "ts": stamps, "ts_ns": rest}
        if kind.table == BARS:
            found["step"] = np.full(frame.height, int(kind.spec[:-1]))
        for name in [*SCHEMAS[kind.table], "recorded_at", "is_retracted"]:
            if name in WORDS:
                words = self._words.keys_of(connection, frame[name].unique().to_list())
                found[name] = frame[name].replace_strict(words, return_dtype=pl.Int32).to_numpy()
            elif name not in ("instrument_id", "ts_event"):
                column = frame[name]
                found[name] = (column.fill_null(0) if column.null_count() else column).to_numpy()
        return found

    def _is_held(self, connection: Connection, table: Table, kind: Kind, source: int, runs: list[Run]) -> bool:
        """Whether anything lies in the stretches that the rows span."""
        step = f"AND t.step = {int(kind.spec[:-1])}" if kind.table == BARS else ""
        row = connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS r(i, low, high), "
            f"LATERAL (SELECT 1 FROM {table.name} t WHERE t.instrument = r.i AND t.source = %s {step} "
            "AND t.ts BETWEEN r.low AND r.high AND t.ts BETWEEN %s AND %s LIMIT 1) AS held)",
            (*map(list, zip(*runs, strict=True)), source, *_edges(runs)),
        ).fetchone()
        return bool(row and row[0])


def as_time(ns: int) -> dt.datetime:
    """A moment as the driver wants it, without the nanoseconds that are left."""
    return _EPOCH + dt.timedelta(microseconds=ns // 1000)


def as_ns(time: dt.datetime, rest: int = 0) -> int:
    """The way back."""
    return (time - _EPOCH) // dt.timedelta(microseconds=1) * 1000 + rest


def _runs(frame: pl.DataFrame, keys: Mapping[str, int]) -> list[Run]:
    lengths = frame["instrument_id"].rle().struct
    stops = lengths.field("len").cum_sum().to_list()
    names, times = lengths.field("value").to_list(), frame["ts_event"].to_numpy()
    starts = [0, *stops[:-1]]
    return [
        Run(keys[name], as_time(int(times[start])), as_time(int(times[stop - 1])))
        for name, start, stop in zip(names, starts, stops, strict=True)
    ]


def _edges(runs: list[Run]) -> tuple[dt.datetime, dt.datetime]:
    return min(run.low for run in runs), max(run.high for run in runs)


def _has_single_versions(frame: pl.DataFrame, table: Table) -> bool:
    """Whether no key is there twice; frames come sorted by key."""
    third = [name for name in ("seq", "kind") if name in table.primary_key.columns]
    same = frame.select(
        is_same=_all_same(["instrument_id", "ts_event", *third]),
    )["is_same"]
    return not same.any()


def _all_same(names: list[str]) -> pl.Expr:
    import polars as pl

    return pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in names).fill_null(value=False)


def _optional(table: str) -> list[str]:
    return [name for name, kind in SCHEMAS[table].items() if kind.endswith("?")]


def _staged(connection: Connection, table: Table) -> str:
    name = f"staged_{table.name}"
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} (LIKE {table.name}) ON COMMIT DELETE ROWS")
    connection.execute(f"TRUNCATE {name}")
    return name


def _merging(table: Table, staged: str) -> tuple[str, ...]:
    """Staged versions against what is held: the newest by (known_at, recorded_at) stands, the others are superseded."""
    name, twin, keys = table.name, twin_of(table).name, key_names(table)
    values = [column.name for column in table.columns if column.name not in keys]
    columns = ", ".join(column.name for column in table.columns)
    same = " AND ".join(f"m.{key} = s.{key}" for key in keys)
    order = f"{', '.join(keys)}, known_at DESC, recorded_at DESC"
    newest = f"SELECT DISTINCT ON ({', '.join(keys)}) {columns} FROM {staged} ORDER BY {order}"
    held = ", ".join(f"m.{column.name}" for column in table.columns)
    version = "(s.known_at, s.recorded_at)"
    changes = ", ".join(f"{value} = excluded.{value}" for value in values)
    move = (
        f"INSERT INTO {twin} ({columns}) SELECT {held} FROM {name} m JOIN ({newest}) s ON {same} "
        f"WHERE {version} > (m.known_at, m.recorded_at) ON CONFLICT DO NOTHING"
    )
    stand = (
        f"INSERT INTO {name} AS m ({columns}) {newest} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes} "
        "WHERE (excluded.known_at, excluded.recorded_at) > (m.known_at, m.recorded_at)"
    )
    rest = (
        f"INSERT INTO {twin} ({columns}) SELECT {columns} FROM {staged} s WHERE NOT EXISTS (SELECT 1 FROM {name} m "
        f"WHERE {same} AND {version} = (m.known_at, m.recorded_at)) ON CONFLICT DO NOTHING"
    )
    return f"ANALYZE {staged}", move, stand, rest


def _note_series(connection: Connection, kind: Kind, source: int, runs: list[Run]) -> None:
    """First and last time of each series: what reads are bounded by."""
    step = int(kind.spec[:-1]) if kind.table == BARS else 0
    name = table_of(kind.table, kind.spec).name
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO series(tbl, instrument, source, step, first_ts, last_ts) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (tbl, instrument, source, step) DO UPDATE SET "
            "first_ts = least(series.first_ts, excluded.first_ts), "
            "last_ts = greatest(series.last_ts, excluded.last_ts)",
            [(name, run.instrument, source, step, run.low, run.high) for run in runs],
        )
