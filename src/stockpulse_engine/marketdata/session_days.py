"""Which trading session each bar belongs to, as a day number: what studies that begin anew with a session read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar, Session

OUTSIDE = "yahoo:"
"""Instruments of an outside source: their exchange is not known, so their day is that of UTC."""


class SessionDays:
    """Day numbers by the calendar; bars come in order, so the session of the bar before is tried first."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._session: Session | None = None
        self._day = 0.0

    def of(self, instrument_id: str, times: Iterable[int]) -> list[float]:
        """The day number (as `date.toordinal` counts) of each moment's session."""
        if instrument_id.startswith(OUTSIDE):
            return [_utc_day(ns) for ns in times]
        return [self._day_of(ns) for ns in times]

    def _day_of(self, ns: int) -> float:
        session = self._session
        if session is None or not session.pre_open <= ns < session.post_close:
            try:
                session = self._calendar.current_or_previous(ns)
            except NotFoundError:  # older than the calendar: any day will do that is the same for the whole of it
                return _utc_day(ns)
            self._session, self._day = session, float(dt.date.fromisoformat(session.date).toordinal())
        return self._day


def _utc_day(ns: int) -> float:
    return float(dt.datetime.fromtimestamp(ns // SECOND_NS, dt.UTC).toordinal())
