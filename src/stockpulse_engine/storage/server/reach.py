"""What a read of the server asks for, in the server's own terms: series by their keys, times in microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from stockpulse_engine.marketdata.history import LATEST, AsOf
from stockpulse_engine.storage.server.intake import as_time
from stockpulse_engine.storage.server.link import Connection

TIER: Final = "server"
BEGINNING: Final = dt.datetime(1677, 9, 22, tzinfo=dt.UTC)
END: Final = dt.datetime(2262, 4, 11, tzinfo=dt.UTC)
_FOREVER: Final = 2**63 - 1
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class Held(NamedTuple):
    """A series: its source's name and key, the instrument's key, and its first and last time."""

    source: str
    source_key: int
    instrument: int
    first: dt.datetime
    last: dt.datetime


class Reach(NamedTuple):
    """start <= ts_event < end (None: no bound), the last `limit` of them, as of a point in time."""

    start: int | None = None
    end: int | None = None
    limit: int | None = None
    as_of: AsOf = LATEST

    @property
    def low(self) -> dt.datetime:
        """The first of the server's microseconds that may be inside."""
        return BEGINNING if self.start is None else as_time(self.start)

    @property
    def high(self) -> dt.datetime:
        """The first of the server's microseconds that is wholly outside."""
        return END if self.end is None else as_time(self.end + 999)

    @property
    def edges(self) -> str:
        """What says both ends to the nanosecond; "" where microseconds do."""
        if (self.start or 0) % 1000 == 0 and (self.end or 0) % 1000 == 0:
            return ""
        return (
            " AND (ts, ts_ns) >= (%(start_us)s::timestamptz, %(start_ns)s::smallint)"
            " AND (ts, ts_ns) < (%(end_us)s::timestamptz, %(end_ns)s::smallint)"
        )

    @property
    def values(self) -> dict[str, Any]:
        """What statements with `edges` and bounds of versions are given."""
        end = END if self.end is None else as_time(self.end)
        known, recorded = self.as_of.known_at, self.as_of.recorded_at
        return {
            "limit": self.limit,
            "start_us": self.low,
            "start_ns": (self.start or 0) % 1000,
            "end_us": end,
            "end_ns": (self.end or 0) % 1000,
            "known_at": _FOREVER if known is None else known,
            "recorded_at": _FOREVER if recorded is None else recorded,
        }

    def within(self, held: Held) -> tuple[dt.datetime, dt.datetime]:
        """From when to when rows of a series can be in here; nothing is known before it happens."""
        high = min(self.high, held.last + _MICROSECOND)
        if self.as_of.known_at is not None:
            high = max(min(high, as_time(self.as_of.known_at + 1000)), held.first)
        return max(self.low, held.first), high


def held_series(
    connection: Connection, names: Sequence[str], table: str, step: int, reach: Reach
) -> dict[str, list[Held]]:
    """What may have rows in there, by instrument."""
    rows = connection.execute(_SERIES, (list(names), table, step, reach.low, reach.high)).fetchall()
    found: dict[str, list[Held]] = {}
    for name, *rest in rows:
        found.setdefault(str(name), []).append(Held(*rest))
    return found


_SERIES: Final = (
    "SELECT i.name, s.name, s.key, i.key, r.first_ts, r.last_ts FROM series r "
    "JOIN instruments i ON i.key = r.instrument JOIN sources s ON s.key = r.source "
    "WHERE i.name = ANY(%s::text[]) AND r.tbl = %s AND r.step = %s AND r.last_ts >= %s AND r.first_ts < %s"
)
