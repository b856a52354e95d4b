"""Bars out of the server's tables: prepared statements with bounds in time.

What a series holds is asked first: it says from when to when. "The last N" then looks back as far as N bars may reach
and further where they do not, so that a server with thousands of chunks plans and opens few of them. A window's columns
come as one array each, read by numpy without a Python object per cell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, BarColumns, Ints
from stockpulse_engine.marketdata.history import BARS, LATEST
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.copying import from_stamps
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.reach import BEGINNING, TIER, Held, Reach, held_series
from stockpulse_engine.storage.server.schema import table_of, twin_of

SLACK: Final = 4
"""How much longer than its bars alone a stretch of them is: nights, week-ends and holidays."""
GROWTH: Final = 8
_COLUMNS: Final = (
    *("ts", "ts_ns", "known_at", "recorded_at"),
    *("open_e8", "high_e8", "low_e8", "close_e8", "volume_e8"),
)
_ARRAYS_OF: Final = ", ".join(f"array_agg({name}) AS {name}" for name in _COLUMNS)
_WHERE: Final = (
    "instrument = a.instrument AND source = a.source AND step = %(step)s AND ts >= a.low AND ts < a.high "
    "AND ts >= %(low)s AND ts < %(high)s"
)


class _Asked(NamedTuple):
    """A stretch of one series."""

    held: Held
    low: dt.datetime
    high: dt.datetime


class BarReads:
    """Reads of one length over one connection."""

    def __init__(self, connection: Connection, spec: BarSpec, reach: Reach) -> None:
        self._connection = connection
        self._spec = spec
        self._reach = reach

    def read(self, names: Sequence[str], priority: Sequence[str], source: str) -> dict[str, BarColumns]:
        """The best source of each instrument, then the next best of those that had nothing."""
        table = table_of(BARS, str(self._spec)).name
        series = held_series(self._connection, names, table, self._spec.step, self._reach)
        held = {name: by_priority(each, priority, source) for name, each in series.items()}
        found = {name: _empty(name, self._spec) for name in names}
        while held := {name: each for name, each in held.items() if each and not len(found[name])}:
            found |= self._stretches({name: self._asked(each[0]) for name, each in held.items()})
            held = {name: each[1:] for name, each in held.items()}
        return found

    def _asked(self, held: Held) -> _Asked:
        """Where to begin to look, and where to end."""
        low, high = self._reach.within(held)
        return _Asked(held, low if self._reach.limit is None else max(low, _minus(high, self._span())), high)

    def _span(self) -> dt.timedelta:
        """How far back the last bars probably reach."""
        length = self._spec.duration_ns / 1000 * SLACK * ((self._reach.limit or 1) + 1)
        return dt.timedelta(microseconds=length) + dt.timedelta(days=4)

    def _stretches(self, asked: dict[str, _Asked]) -> dict[str, BarColumns]:
        """Ask; and further back whoever has not enough yet."""
        found: dict[str, BarColumns] = {}
        limit, times = self._reach.limit, 1
        while asked:
            answer = self._ask(asked)
            times *= GROWTH
            again = {}
            for name, one in asked.items():
                found[name] = answer.get(name) or _empty(name, self._spec)
                begin = max(one.held.first, self._reach.low)
                if limit is not None and len(found[name]) < limit and one.low > begin:
                    again[name] = one._replace(low=max(begin, _minus(one.high, self._span() * times)))
            asked = again
        return found

    def _ask(self, asked: dict[str, _Asked]) -> dict[str, BarColumns]:
        names, series = list(asked), list(asked.values())
        values = {
            **self._reach.values,
            "step": self._spec.step,
            "low": min(one.low for one in series),
            "high": max(one.high for one in series),
            "places": list(range(len(series))),
            "instruments": [one.held.instrument for one in series],
            "sources": [one.held.source_key for one in series],
            "lows": [one.low for one in series],
            "highs": [one.high for one in series],
        }
        cursor = self._connection.cursor(binary=True)
        rows = cursor.execute(_statement(self._spec, self._reach), values, prepare=True).fetchall()
        return {
            names[place]: _columns(names[place], self._spec, series[place].held.source, arrays)
            for place, *arrays in rows
        }


def _statement(spec: BarSpec, reach: Reach) -> str:
    """One row per series: its columns as arrays, newest first. Its own bounds are said, and the bounds of all."""
    table = table_of(BARS, str(spec))
    columns = ", ".join(_COLUMNS)
    where = _WHERE + reach.edges
    if reach.as_of == LATEST:
        inner = f"SELECT {columns} FROM {table.name} WHERE {where} AND NOT is_retracted"
    else:
        seen = f"{where} AND known_at <= %(known_at)s AND recorded_at <= %(recorded_at)s"
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


def _columns(name: str, spec: BarSpec, source: str, arrays: Sequence[Ints]) -> BarColumns:
    stamps, rest, *values = arrays
    columns: dict[str, Any] = dict(zip(BAR_COLUMNS, (from_stamps(stamps, rest), *values), strict=True))
    return BarColumns(instrument_id=name, spec=spec, source=source, tier=TIER, **columns)


def _empty(name: str, spec: BarSpec) -> BarColumns:
    columns: dict[str, Any] = dict.fromkeys(BAR_COLUMNS, np.zeros(0, dtype=np.int64))
    return BarColumns(instrument_id=name, spec=spec, source="", **columns)


def _minus(time: dt.datetime, span: dt.timedelta) -> dt.datetime:
    return time - span if time - BEGINNING > span else BEGINNING
