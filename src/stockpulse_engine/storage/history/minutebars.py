"""Minute bars of everything that prints, closed by market time: what a recording keeps of a session."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from stockpulse_engine.domain.market import Bar, BarSpec, Trade
from stockpulse_engine.marketdata.calendar import Calendar, Session

MINUTE: Final = BarSpec(1, "m")
_OUTSIDE: Final = -1


class _Open:
    """A bar that may still change."""

    __slots__ = ("close", "high", "low", "open", "start", "volume")

    def __init__(self, start: int, price: Decimal, size: Decimal) -> None:
        self.start = start
        self.open = self.high = self.low = self.close = price
        self.volume = size

    def take(self, price: Decimal, size: Decimal) -> None:
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size


class MinuteBars:
    """Builds bars from prints. A minute that was not seen from its first moment is not a bar."""

    def __init__(self, calendar: Calendar, source: str) -> None:
        self._calendar = calendar
        self._source = source
        self._session: Session | None = None
        self._open: dict[str, _Open] = {}
        self._seen_from: int | None = None
        self._now = 0
        self.late = 0
        """Prints that came after their minute was closed."""

    def move(self, market_ns: int) -> None:
        """Market time is now this; when it goes back, another session is played and open bars are void."""
        if self._seen_from is None or market_ns < self._now:
            self._seen_from = market_ns
            self._open.clear()
        self._now = market_ns

    def take(self, trade: Trade) -> Bar | None:
        """A print; returns the bar it closes by being later."""
        if self._seen_from is None:
            self.move(trade.ts_event)
        start = self._bucket(trade.ts_event)
        if start < (self._seen_from or 0):  # outside a session, or a minute whose beginning was missed
            return None
        bar = self._open.get(trade.instrument_id)
        if bar is not None and bar.start == start:
            bar.take(trade.price, trade.size)
            return None
        if bar is not None and bar.start > start:
            self.late += 1
            return None
        self._open[trade.instrument_id] = _Open(start, trade.price, trade.size)
        return None if bar is None else self._closed(trade.instrument_id, bar)

    def closed(self) -> Iterator[Bar]:
        """Bars whose minute has passed."""
        length = MINUTE.duration_ns
        over = [name for name, bar in self._open.items() if bar.start + length <= self._now]
        for name in over:
            yield self._closed(name, self._open.pop(name))

    def _closed(self, name: str, bar: _Open) -> Bar:
        prices = (bar.open, bar.high, bar.low, bar.close)
        return Bar(name, MINUTE, bar.start, *prices, bar.volume, bar.start + MINUTE.duration_ns, False, self._source)

    def _bucket(self, ns: int) -> int:
        """Start of the minute a print belongs to; the session is looked up when it changes only."""
        session = self._session
        if session is None or not session.pre_open <= ns < session.post_close:
            session = self._session = self._calendar.session_at(ns)
        if session is None:
            return _OUTSIDE
        length = MINUTE.duration_ns
        return session.open + (ns - session.open) // length * length
