"""Moments and bar lengths as they are typed: `2013-10-07`, `2013-10-07 11:32`, `2013-10-07T15:32:00Z`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.history import AsOf

AsOfMoment = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="MOMENT", help="Only what could be known then (New York time when no zone is given)."
    ),
]
AsRecordedMoment = Annotated[
    str, typer.Option("--as-recorded", metavar="MOMENT", help="Only what was stored here by then.")
]
_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def moment_ns(text: str, *, is_end: bool = False) -> int:
    """A typed moment as UTC nanoseconds; a bare date is its first moment, or with `is_end` the first of the next day.

    Raises:
        InvalidValueError: it is not one of the forms.
    """
    typed = text.strip()
    try:
        stamp = _parsed(typed)
    except ValueError:
        raise InvalidValueError(
            f"{typed[:40]!r} is not a moment.", fix="Write 2013-10-07, 2013-10-07 11:32 or 2013-10-07T15:32:00Z."
        ) from None
    if is_end and len(typed) == len("2013-10-07"):
        stamp += dt.timedelta(days=1)
    since = stamp.astimezone(dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000


def as_of(known: str, recorded: str) -> AsOf:
    """The point in time that two options name."""
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
