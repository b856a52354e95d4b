"""Moments as people type them: `2013-10-07`, `2013-10-07 11:32`, `2013-10-07T15:32:00Z`."""

from __future__ import annotations

import datetime as dt

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.history import AsOf

MAX_NS = 2**63 - 1
"""The stores hold moments of the years 1677 to 2262."""
_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def moment_ns(text: str, *, is_end: bool = False) -> int:
    """A typed moment as UTC nanoseconds; a bare date is its first moment, or with `is_end` the first of the next day.

    Raises:
        InvalidValueError: it is not one of the forms.
    """
    typed = text.strip()
    try:
        stamp = _parsed(typed)
        if is_end and len(typed) == len("2013-10-07"):
            stamp += dt.timedelta(days=1)
        since = stamp.astimezone(dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        found = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
        if abs(found) > MAX_NS:
            raise OverflowError
    except (ValueError, OverflowError):
        raise InvalidValueError(
            f"{typed[:40]!r} is not a moment.", fix="Write 2013-10-07, 2013-10-07 11:32 or 2013-10-07T15:32:00Z."
        ) from None
    return found


def as_of(known: str, recorded: str) -> AsOf:
    """The point in time that two typed moments name; "" is no bound."""
    return AsOf(known_at=moment_ns(known) if known else None, recorded_at=moment_ns(recorded) if recorded else None)


def _parsed(text: str) -> dt.datetime:
    """With a zone as it says; without one, by the exchange's own clock."""
    from zoneinfo import ZoneInfo

    for form in _FORMS:
        try:
            return dt.datetime.strptime(text, form).replace(tzinfo=ZoneInfo("America/New_York"))
        except ValueError:
            continue
    stamp = dt.datetime.fromisoformat(text)
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=ZoneInfo("America/New_York"))
