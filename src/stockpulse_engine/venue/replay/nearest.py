"""What is held when what was asked for is not: the playable days around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.venue.daterange import DateRange
from stockpulse_engine.venue.replay.held import StoredTape

DAY_NS = 86_400 * SECOND_NS
PROBED = 14
"""Days before and after that are looked at one by one."""


class Playable(NamedTuple):
    """A tape and the time its rows span."""

    tape: StoredTape
    first_ns: int
    last_ns: int

    def has_rows(self, begin: int, end: int) -> bool:
        """Whether anything is held in a stretch of time."""
        if self.last_ns < begin or self.first_ns >= end:
            return False
        return any(frame.height for frame in self.tape.starts(max(begin, self.first_ns), min(end, self.last_ns + 1)))


def nearest_words(tapes: Sequence[Playable], days: DateRange, calendar: Calendar) -> str:
    """The nearest playable days, and all that is held; how to get some where nothing is."""
    if not tapes:
        return "The store holds no ticks and no bars of a minute or less; sp import takes them in."
    zone = ZoneInfo(calendar.zone_name)
    before = _nearest(tapes, days.first, -1, zone)
    after = _nearest(tapes, days.last, 1, zone)
    near = " and ".join(day for day in (before, after) if day)
    first, last = min(one.first_ns for one in tapes), max(one.last_ns for one in tapes)
    return f"Nearest days held: {near}; sp coverage lists all from {_date(first, zone)} to {_date(last, zone)}."


def _nearest(tapes: Sequence[Playable], date: str, step: int, zone: ZoneInfo) -> str:
    """The nearest day with rows before (-1) or after (+1) a date; "" where there is none."""
    for day in _days(date, step):
        begin = round(dt.datetime.combine(day, dt.time(), zone).timestamp()) * SECOND_NS
        if any(one.has_rows(begin, begin + DAY_NS) for one in tapes):
            return day.isoformat()
    edge = round(dt.datetime.combine(dt.date.fromisoformat(date), dt.time(), zone).timestamp()) * SECOND_NS
    if step > 0:
        return _date(min(firsts), zone) if (firsts := [t.first_ns for t in tapes if t.first_ns > edge]) else ""
    return _date(max(lasts), zone) if (lasts := [t.last_ns for t in tapes if t.last_ns < edge]) else ""


def _days(date: str, step: int) -> Iterator[dt.date]:
    day = dt.date.fromisoformat(date)
    for _ in range(PROBED):
        day += dt.timedelta(days=step)
        yield day


def _date(ns: int, zone: dt.tzinfo) -> str:
    return dt.datetime.fromtimestamp(ns // SECOND_NS, zone).date().isoformat()
