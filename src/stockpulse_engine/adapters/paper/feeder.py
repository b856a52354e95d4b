"""What a live market shows, passed on to the paper venue, which has no market of its own then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from stockpulse_engine.adapters.paper.market import PaperMarket
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.marketdata.ports import ClockState

MAX_WAITING = 1_000
RETRY_S = 0.5


class VenueFeeder:
    """Follows quotes and prints on the bus and tells them to the venue; each clock statement is a sign of life.

    When the market outside falls silent nothing is passed on, and the venue stops matching by itself. What was shown
    while the venue was away is not told later: nobody fills on prints of the past. It gets the latest quotes instead.
    """

    def __init__(
        self,
        bus: Bus,
        venue: PaperMarket,
        instruments: Callable[[], Sequence[Instrument]],
        quotes: Callable[[], Sequence[Quote]],
    ) -> None:
        self._venue = venue
        self._instruments = instruments
        self._quotes = quotes
        self._waiting: deque[Quote | Trade] = deque(maxlen=MAX_WAITING)
        self._told: frozenset[Instrument] = frozenset()
        self._news = asyncio.Event()
        bus.subscribe(Quote, self._take)
        bus.subscribe(Trade, self._take)
        bus.subscribe(ClockState, lambda _: self._news.set())

    async def run(self) -> None:
        """Pass on until canceled."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._pass_on()
            except (UnavailableError, InvalidValueError):
                self._told = frozenset()
                await self._venue.close()
                await asyncio.sleep(RETRY_S)

    def _take(self, event: Quote | Trade) -> None:
        self._waiting.append(event)
        self._news.set()

    async def _pass_on(self) -> None:
        events: tuple[Quote | Trade, ...] = tuple(self._waiting)
        self._waiting.clear()
        if not self._venue.connected_at:
            await self._venue.connect()
            events = tuple(self._quotes())
        known = self._instruments()
        new = [each for each in known if each not in self._told]
        await self._venue.feed(events, new)
        self._told = frozenset(known)
