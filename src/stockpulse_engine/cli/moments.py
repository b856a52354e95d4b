"""The options that name a point in time, for every command that reads history."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.history import AsOf
from stockpulse_engine.marketdata.moments import moment_ns

__all__ = ["AsOfMoment", "AsRecordedMoment", "as_of", "known_ns", "moment_ns"]

AsOfMoment = Annotated[
    str,
    typer.Option(
        "--as-of",
        "--at",
        metavar="MOMENT",
        help="Only what could be known then: 2013-10-07 11:32, -2d, yesterday close (New York time without a zone).",
    ),
]
AsRecordedMoment = Annotated[
    str, typer.Option("--as-recorded", metavar="MOMENT", help="Only what was stored here by then.")
]


def as_of(known: str, recorded: str) -> AsOf:
    """The point in time that two options name; "" is no bound."""
    return AsOf(known_at=known_ns(known) if known else None, recorded_at=known_ns(recorded) if recorded else None)


def known_ns(text: str) -> int:
    """A date or time as written, else as people say it: `-2d`, `yesterday close`.

    Raises:
        InvalidValueError: it is neither.
    """
    try:
        return moment_ns(text)
    except InvalidValueError:
        from stockpulse_engine.marketdata.calendar import load_calendar
        from stockpulse_engine.marketdata.spokentime import read_moment

        return read_moment(text, WallClock().now_ns(), load_calendar("XNYS")).at_ns
