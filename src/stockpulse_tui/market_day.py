"""When the trading session's day began, as the head knows it. Pure."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.views import ClockView

SECOND_NS = 1_000_000_000


def day_start(clock: ClockView | None) -> int:
    """Market time at which the session's calendar day began in its own zone; 0 while no clock is known."""
    if clock is None or not clock.session_date:
        return 0
    first = datetime.combine(date.fromisoformat(clock.session_date), time(), ZoneInfo(clock.time_zone))
    return int(first.timestamp()) * SECOND_NS


def zone_of(clock: ClockView | None) -> str:
    """The market's time zone, UTC while it is not known."""
    return clock.time_zone if clock is not None else "UTC"
