"""Bars from before what is played, and of whole days: from the store."""

from __future__ import annotations

from stockpulse_engine.domain.market import SECOND_NS, BarSpec
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.columns import BarColumns as StoredBars
from stockpulse_engine.marketdata.history import HistoryReader
from stockpulse_engine.venue.cut import BarColumns
from stockpulse_engine.venue.replay.past import DAILY_SESSIONS, MINUTE_SESSIONS

_MINUTES_A_DAY = 960
_DAY, _MINUTE = BarSpec(1, "d"), BarSpec(1, "m")
_TWO_YEARS_NS = 732 * 86_400 * SECOND_NS
"""Days after the first one played that may be looked back upon: more than a replay's longest range."""


class StoredPast:
    """Older bars of the store, as printed."""

    def __init__(self, reader: HistoryReader, calendar: Calendar, first_date: str) -> None:
        self._reader = reader
        session = calendar.session(first_date) or calendar.next_session(first_date)
        self._first_ns = session.pre_open

    def minutes(self, key: str) -> BarColumns:
        """Minute bars of the days before the first one played."""
        limit = MINUTE_SESSIONS * _MINUTES_A_DAY
        return _columns(self._reader.bars(key, _MINUTE, end_ns=self._first_ns, limit=limit))

    def days(self, key: str) -> BarColumns:
        """Daily bars, each known from its session's close on."""
        end = self._first_ns + _TWO_YEARS_NS
        return _columns(self._reader.bars(key, _DAY, end_ns=end, limit=DAILY_SESSIONS + MINUTE_SESSIONS))


def _columns(bars: StoredBars) -> BarColumns:
    values = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return BarColumns(bars.ts_event, bars.known_at, *values)
