"""Bars from the server, for whoever reads history: prepared statements with bounds in time.

What a series holds is asked first: it says from when to when. "The last N" then looks back as far as N bars may reach
and further where they do not, so that a server with thousands of chunks plans and opens few of them. A window's columns
come as one array each, read by numpy without a Python object per cell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Loader
from psycopg.pq import Format
from sqlalchemy.pool import QueuePool

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, BarColumns, Ints
from stockpulse_engine.marketdata.history import BARS, LATEST, AsOf
from stockpulse_engine.storage.history.adjust import adjusted
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.copying import from_stamps
from stockpulse_engine.storage.server.intake import as_ns, as_time
from stockpulse_engine.storage.server.link import Connection, connect, said_plainly
from stockpulse_engine.storage.server.schema import table_of, twin_of
from stockpulse_engine.storage.server.settings import StorageSettings

TIER: Final = "server"
DAILY: Final = BarSpec(1, "d")
SLACK: Final = 4
"""How much longer than its bars alone a stretch of them is: nights, week-ends and holidays."""
GROWTH: Final = 8
_BEGINNING: Final = dt.datetime(1677, 9, 22, tzinfo=dt.UTC)
_END: Final = dt.datetime(2262, 4, 11, tzinfo=dt.UTC)
_FOREVER: Final = 2**63 - 1
_ARRAYS: Final = {"int8": 8, "timestamptz": 8, "int2": 2}
_VALUES: Final = ("known_at", "recorded_at", "open_e8", "high_e8", "low_e8", "close_e8", "volume_e8")


class _Held(NamedTuple):
    """A series: its source's name and key, the instrument's key, and its first and last time."""

    source: str
    source_key: int
    instrument: int
    first: dt.datetime
    last: dt.datetime


class _Asked(NamedTuple):
    """A stretch of one series."""

    held: _Held
    low: dt.datetime
    high: dt.datetime


class _Window(NamedTuple):
    spec: BarSpec
    start: dt.datetime
    end: dt.datetime
    """Exclusive."""
    limit: int | None
    as_of: AsOf


class _EightLoader(Loader):
    """An array of PostgreSQL's, newest first, as one of numpy's, oldest first.

    It is a header of 20 bytes, then the length and the big-endian value of each.
    """

    format = Format.BINARY
    _size = 8

    def load(self, data: Any) -> NDArray[Any]:
        record = np.dtype([("length", ">i4"), ("value", f">i{self._size}")])
        raw = bytes(data)
        return np.frombuffer(raw[20:], dtype=record)["value"][::-1].astype(f"i{self._size}")


class _TwoLoader(_EightLoader):
    _size = 2


class ServerReader:
    """Implements bars, last_bars and actions of `marketdata.history.HistoryReader`, for any number of threads."""

    def __init__(self, settings: StorageSettings, clock: Clock, priority: Sequence[str] = ()) -> None:
        self._clock = clock
        self._priority = tuple(priority)
        self._pool = QueuePool(lambda: _prepared(settings), pool_size=settings.pool, max_overflow=0)  # type: ignore[arg-type] # psycopg's connection is a DBAPI one

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.dispose()

    def bars(
        self,
        instrument_id: str,
        spec: BarSpec,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        as_of: AsOf = LATEST,
        adjustment: Adjustment = Adjustment.RAW,
        source: str = "",
    ) -> BarColumns:
        """Bars with start_ns <= ts_event < end_ns, the last `limit` of them."""
        window = _Window(spec, _BEGINNING, _END, limit, as_of)
        if start_ns is not None:
            window = window._replace(start=as_time(start_ns))
        if end_ns is not None:
            more = 1 if end_ns % 1000 else 0  # the server is asked in microseconds
            window = window._replace(end=as_time(end_ns + 999), limit=None if limit is None else limit + more)
        found = self._read([instrument_id], window, source)[instrument_id]
        if start_ns is not None or end_ns is not None:
            found = _cut(found, start_ns, end_ns)
            found = found if limit is None else found.tail(limit)
        return self._adjusted(found, adjustment, as_of)

    def last_bars(
        self,
        instrument_ids: Sequence[str],
        spec: BarSpec,
        limit: int,
        *,
        as_of: AsOf = LATEST,
        adjustment: Adjustment = Adjustment.RAW,
        source: str = "",
    ) -> dict[str, BarColumns]:
        """The last `limit` bars of each instrument."""
        found = self._read(instrument_ids, _Window(spec, _BEGINNING, _END, limit, as_of), source)
        return {name: self._adjusted(bars, adjustment, as_of) for name, bars in found.items()}

    def actions(
        self, instrument_id: str = "", *, as_of: AsOf = LATEST, source: str = ""
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions by ts_event, of all instruments when none is named; one source per instrument."""
        with self._connection() as connection:
            rows = connection.execute(_ACTIONS, {"instrument": instrument_id, "source": source, **_bounds(as_of)})
            found = [_action(row) for row in rows.fetchall()]
        best: dict[str, str] = {}
        for action in by_priority(found, self._priority, source):
            best.setdefault(action.instrument_id, action.source)
        return tuple(action for action in found if action.source == best[action.instrument_id])

    # --- reading ------------------------------------------------------------------------------------------

    def _read(self, names: Sequence[str], window: _Window, source: str) -> dict[str, BarColumns]:
        with self._connection() as connection:
            held = self._held(connection, names, window, source)
            found = {name: _empty(name, window.spec) for name in names}
            while held:  # the best source of each, then the next best of those that had nothing
                asked = {name: _Asked(series[0], *_reach(series[0], window)) for name, series in held.items()}
                found |= self._stretches(connection, asked, window)
                held = {name: series[1:] for name, series in held.items() if not len(found[name]) and series[1:]}
        return found

    def _held(
        self, connection: Connection, names: Sequence[str], window: _Window, source: str
    ) -> dict[str, list[_Held]]:
        table = table_of(BARS, str(window.spec)).name
        rows = connection.execute(_SERIES, (list(names), table, window.spec.step, window.start, window.end)).fetchall()
        found: dict[str, list[_Held]] = {}
        for name, *rest in rows:
            found.setdefault(str(name), []).append(_Held(*rest))
        ordered = {name: by_priority(series, self._priority, source) for name, series in found.items()}
        return {name: series for name, series in ordered.items() if series}

    def _stretches(self, connection: Connection, asked: dict[str, _Asked], window: _Window) -> dict[str, BarColumns]:
        """Ask; and further back whoever has not enough yet."""
        found: dict[str, BarColumns] = {}
        reach = 1
        while asked:
            answer = _ask(connection, asked, window)
            reach *= GROWTH
            again = {}
            for name, one in asked.items():
                found[name] = answer.get(name) or _empty(name, window.spec)
                begin = max(one.held.first, window.start)
                if window.limit is not None and len(found[name]) < window.limit and one.low > begin:
                    low = _minus(one.high, _span(window) * reach)
                    again[name] = one._replace(low=max(begin, low))
            asked = again
        return found

    def _adjusted(self, bars: BarColumns, adjustment: Adjustment, as_of: AsOf) -> BarColumns:
        """As the embedded store does it, by the actions that had come into effect by the read's own time."""
        if adjustment is Adjustment.RAW or not len(bars):
            return bars
        until = self._clock.now_ns() if as_of.known_at is None else as_of.known_at
        found = self.actions(bars.instrument_id, as_of=as_of, source=bars.source)
        found = found or self.actions(bars.instrument_id, as_of=as_of)
        return adjusted(
            bars,
            [one for one in found if one.ts_event <= until],
            adjustment,
            lambda ns: self._close_before(bars, ns, as_of),
        )

    def _close_before(self, bars: BarColumns, ns: int, as_of: AsOf) -> int | None:
        for source in (bars.source, ""):
            daily = self.bars(bars.instrument_id, DAILY, end_ns=ns, limit=1, as_of=as_of, source=source)
            if len(daily):
                return int(daily.close[-1])
        return None

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with said_plainly():
            borrowed = self._pool.connect()
            try:
                connection: Any = borrowed.dbapi_connection
                yield connection
            except BaseException:
                borrowed.invalidate()  # whatever it was, the next read gets a connection that works
                raise
            finally:
                borrowed.close()


_SERIES: Final = (
    "SELECT i.name, s.name, s.key, i.key, r.first_ts, r.last_ts FROM series r "
    "JOIN instruments i ON i.key = r.instrument JOIN sources s ON s.key = r.source "
    "WHERE i.name = ANY(%s::text[]) AND r.tbl = %s AND r.step = %s AND r.last_ts >= %s AND r.first_ts < %s"
)
_COLUMNS: Final = ("ts", "ts_ns", *_VALUES)
_ARRAYS_OF: Final = ", ".join(f"array_agg({name}) AS {name}" for name in _COLUMNS)
_WHERE: Final = (
    "instrument = a.instrument AND source = a.source AND step = %(step)s AND ts >= a.low AND ts < a.high "
    "AND ts >= %(low)s AND ts < %(high)s"
)


def _statement(spec: BarSpec, as_of: AsOf) -> str:
    """One row per series: its columns as arrays, newest first. Its own bounds are said, and the bounds of all."""
    table = table_of(BARS, str(spec))
    columns = ", ".join(_COLUMNS)
    if as_of == LATEST:
        inner = f"SELECT {columns} FROM {table.name} WHERE {_WHERE} AND NOT is_retracted"
    else:
        seen = f"{_WHERE} AND known_at <= %(known_at)s AND recorded_at <= %(recorded_at)s"
        both = " UNION ALL ".join(
            f"SELECT {columns}, is_retracted FROM {name} WHERE {seen}" for name in (table.name, twin_of(table).name)
        )
        inner = (
            f"SELECT {columns} FROM (SELECT DISTINCT ON (ts, ts_ns) * FROM ({both}) v "
            "ORDER BY ts DESC, ts_ns DESC, known_at DESC, recorded_at DESC) w WHERE NOT is_retracted"
        )
    return (
        f"SELECT a.place, b.* FROM unnest(%(places)s::int[], %(instruments)s::int[], %(sources)s::int[], "
        "%(lows)s::timestamptz[], %(highs)s::timestamptz[]) AS a(place, instrument, source, low, high) "
        f"CROSS JOIN LATERAL (SELECT {_ARRAYS_OF} FROM "
        f"({inner} ORDER BY ts DESC, ts_ns DESC LIMIT %(limit)s) c) AS b WHERE b.ts IS NOT NULL"
    )


_ACTIONS: Final = (
    "SELECT * FROM (SELECT DISTINCT ON (i.name, k.name, t.ts, t.ts_ns, s.name) i.name AS instrument_id, "
    "k.name AS kind, s.name AS source, t.ts, t.ts_ns, t.known_at, t.numerator, t.denominator, t.amount_e8, "
    "c.name AS currency, t.reference_e8, o.name AS other_id, n.name AS note, t.recorded_at, t.is_retracted "
    "FROM (SELECT * FROM corporate_actions UNION ALL SELECT * FROM corporate_actions_superseded) t "
    "JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source JOIN words k ON k.key = t.kind "
    "JOIN words c ON c.key = t.currency JOIN words o ON o.key = t.other_id JOIN words n ON n.key = t.note "
    "WHERE (%(instrument)s::text = '' OR i.name = %(instrument)s) AND (%(source)s::text = '' OR s.name = %(source)s) "
    "AND t.known_at <= %(known_at)s AND t.recorded_at <= %(recorded_at)s "
    "ORDER BY i.name, k.name, t.ts, t.ts_ns, s.name, t.known_at DESC, t.recorded_at DESC) v "
    "WHERE NOT is_retracted ORDER BY ts, ts_ns, instrument_id, kind, source"
)


def _ask(connection: Connection, asked: dict[str, _Asked], window: _Window) -> dict[str, BarColumns]:
    names = list(asked)
    series = list(asked.values())
    values = {
        "step": window.spec.step,
        "limit": window.limit,
        "low": min(one.low for one in series),
        "high": max(one.high for one in series),
        "places": list(range(len(series))),
        "instruments": [one.held.instrument for one in series],
        "sources": [one.held.source_key for one in series],
        "lows": [one.low for one in series],
        "highs": [one.high for one in series],
        **_bounds(window.as_of),
    }
    cursor = connection.cursor(binary=True)
    rows = cursor.execute(_statement(window.spec, window.as_of), values, prepare=True).fetchall()
    return {names[row[0]]: _columns(names[row[0]], window.spec, series[row[0]].held.source, row[1:]) for row in rows}


def _columns(name: str, spec: BarSpec, source: str, arrays: Sequence[Ints]) -> BarColumns:
    stamps, rest, *values = arrays
    columns: dict[str, Any] = dict(zip(BAR_COLUMNS, (from_stamps(stamps, rest), *values), strict=True))
    return BarColumns(instrument_id=name, spec=spec, source=source, tier=TIER, **columns)


def _empty(name: str, spec: BarSpec) -> BarColumns:
    columns: dict[str, Any] = dict.fromkeys(BAR_COLUMNS, np.zeros(0, dtype=np.int64))
    return BarColumns(instrument_id=name, spec=spec, source="", **columns)


def _bounds(as_of: AsOf) -> dict[str, int]:
    return {
        "known_at": _FOREVER if as_of.known_at is None else as_of.known_at,
        "recorded_at": _FOREVER if as_of.recorded_at is None else as_of.recorded_at,
    }


def _span(window: _Window) -> dt.timedelta:
    """How far back the last bars probably reach."""
    return dt.timedelta(microseconds=window.spec.duration_ns / 1000 * SLACK * ((window.limit or 1) + 1)) + dt.timedelta(
        days=4
    )


def _reach(held: _Held, window: _Window) -> tuple[dt.datetime, dt.datetime]:
    """Where to begin to look, and where to end."""
    high = min(window.end, held.last + dt.timedelta(microseconds=1))
    if window.as_of.known_at is not None:
        high = max(min(high, as_time(window.as_of.known_at + 1000)), held.first)
    begin = max(window.start, held.first)
    return (begin if window.limit is None else max(begin, _minus(high, _span(window)))), high


def _minus(time: dt.datetime, span: dt.timedelta) -> dt.datetime:
    return time - span if time - _BEGINNING > span else _BEGINNING


def _cut(bars: BarColumns, start_ns: int | None, end_ns: int | None) -> BarColumns:
    """To the nanosecond: the server was asked in microseconds."""
    low = 0 if start_ns is None else int(bars.ts_event.searchsorted(start_ns))
    high = len(bars) if end_ns is None else int(bars.ts_event.searchsorted(end_ns))
    return bars if (low, high) == (0, len(bars)) else bars.slice(low, high)


def _action(row: tuple[Any, ...]) -> CorporateAction:
    instrument_id, kind, source, ts, rest, known_at, *values = row
    names = ("numerator", "denominator", "amount_e8", "currency", "reference_e8", "other_id", "note", "recorded_at")
    return CorporateAction(
        instrument_id=instrument_id,
        kind=ActionKind(kind),
        ts_event=as_ns(ts, rest),
        known_at=known_at,
        source=source,
        **dict(zip(names, values, strict=False)),
    )


def _prepared(settings: StorageSettings) -> Connection:
    connection = connect(settings, is_autocommit=True)
    for name, size in _ARRAYS.items():
        kind = connection.adapters.types.get(name)
        assert kind is not None
        connection.adapters.register_loader(kind.array_oid, _EightLoader if size == 8 else _TwoLoader)  # noqa: PLR2004 - bytes of an int8
    return connection
