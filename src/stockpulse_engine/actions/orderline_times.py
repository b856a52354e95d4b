"""Days and times of day in an order line: `15:55`, `2026-11-25`, `fri`, `2026-11-25T15:55`, as moments or sessions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stockpulse_engine.actions.orderline_types import OrderContext

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_DAY = re.compile(r"([0-9]{4})-([01][0-9])-([0-3][0-9])")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECOND_NS = 1_000_000_000


class Until(NamedTuple):
    """The end of an order: a moment (UTC ns, else 0) or a session (else "")."""

    at_ns: int
    session: str


def read_until(low: str, context: OrderContext) -> Until | None:
    """What a word says about the end of an order; None where it says none, or the market's time is not known."""
    day, _, time = low.partition("t") if _DAY.match(low) else ("", "", low)
    if not time or low in _WEEKDAYS:
        found = read_day(low, context)
        return None if found is None else Until(0, found.isoformat())
    moment = read_moment(time, context, day)
    return None if moment is None else Until(moment, "")


def read_day(low: str, context: OrderContext) -> date | None:
    """`2026-11-25`, or the next `fri` (today where today is one)."""
    match = _DAY.fullmatch(low)
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    now = _local_now(context)
    if low not in _WEEKDAYS or now is None:
        return None
    return now.date() + timedelta(days=(_WEEKDAYS.index(low) - now.weekday()) % 7)


def read_moment(low: str, context: OrderContext, day: str = "") -> int | None:
    """A time of day at the exchange as a moment in UTC nanoseconds: of `day`, else of today."""
    match, now = _TIME.fullmatch(low), _local_now(context)
    on = read_day(day, context) if day else now.date() if now else None
    if match is None or now is None or on is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    moment = datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=now.tzinfo)
    return int(moment.timestamp()) * _SECOND_NS


def is_day_or_time(low: str) -> bool:
    """Whether a word has the form of a day or a time."""
    return low in _WEEKDAYS or bool(_DAY.match(low) or _TIME.fullmatch(low))


def _local_now(context: OrderContext) -> datetime | None:
    if not context.now_ns:
        return None
    try:
        zone = ZoneInfo(context.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return datetime.fromtimestamp(context.now_ns // _SECOND_NS, UTC).astimezone(zone)
