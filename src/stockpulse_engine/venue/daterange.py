"""Days asked for: `2013-10-07` or `2013-10-07..2013-10-11`; `2013-10-07_2` are the same in a world of their own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import NamedTuple

from stockpulse_engine.domain.errors import InvalidValueError

MAX_DAYS = 366
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?(?:_\w{1,8})?")


class DateRange(NamedTuple):
    """The first and the last day, both included."""

    first: str
    last: str

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"

    def dates(self) -> Iterator[str]:
        """Every day of it, open or not."""
        day, last = dt.date.fromisoformat(self.first), dt.date.fromisoformat(self.last)
        while day <= last:
            yield day.isoformat()
            day += dt.timedelta(days=1)


def is_range(text: str) -> bool:
    """Whether a replay's name asks for days."""
    return _DAYS.fullmatch(text) is not None


def parse_range(text: str) -> DateRange:
    """Read it.

    Raises:
        InvalidValueError: no days, the wrong way round, or too many.
    """
    found = _DAYS.fullmatch(text)
    fix = "Write 2013-10-07 or 2013-10-07..2013-10-11."
    if found is None:
        raise InvalidValueError(f"{text[:40]!r} does not name days.", fix=fix)
    try:
        first, last = (dt.date.fromisoformat(day) for day in (found[1], found[2] or found[1]))
    except ValueError:
        raise InvalidValueError(f"{text[:40]!r} has a day that no calendar knows.", fix=fix) from None
    if last < first:
        raise InvalidValueError(f"{text[:40]!r} ends before it begins.", fix=fix)
    if (last - first).days >= MAX_DAYS:
        raise InvalidValueError(f"{text[:40]!r} is longer than {MAX_DAYS} days.", fix="Play a year at a time.")
    return DateRange(first.isoformat(), last.isoformat())
