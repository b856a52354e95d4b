"""The latest of everything: one value per instrument, written by the feed, read by every room."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, InstrumentStatus, MarketEvent, NewsItem, Quote, Trade

MAX_NEWS = 200
"""Headlines kept in memory."""
SPARK_POINTS = 8
"""Points of the drawing of today."""
MAX_SPARK_BARS = 96
"""Bars of today kept per instrument for that drawing."""


class DayReference:
    """What today's change is measured against: previous close, low and high so far."""

    __slots__ = ("high", "low", "previous_close")

    def __init__(self, previous_close: Decimal | None) -> None:
        self.previous_close = previous_close
        self.low: Decimal | None = None
        self.high: Decimal | None = None

    def widen(self, price: Decimal) -> None:
        """Take a print into today's range."""
        if self.low is None or price < self.low:
            self.low = price
        if self.high is None or price > self.high:
            self.high = price


class QuoteCache:
    """Latest quote, print, depth, status and day reference per instrument; the newest headlines."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.trades: dict[str, Trade] = {}
        self.depths: dict[str, Depth] = {}
        self.statuses: dict[str, InstrumentStatus] = {}
        self.references: dict[str, DayReference] = {}
        self.news: deque[NewsItem] = deque(maxlen=MAX_NEWS)
        self._sparks: dict[str, list[tuple[int, float]]] = {}
        self._confirmed_at: int | None = None

    def store(self, event: MarketEvent) -> None:
        """Keep `event` as the latest of its kind."""
        if isinstance(event, Quote):
            self.quotes[event.instrument_id] = event
        elif isinstance(event, Trade):
            self._store_trade(event)
        elif isinstance(event, Depth):
            self.depths[event.instrument_id] = event
        elif isinstance(event, InstrumentStatus):
            self.statuses[event.instrument_id] = event
        else:
            self.news.appendleft(event)

    def _store_trade(self, trade: Trade) -> None:
        self.trades[trade.instrument_id] = trade
        reference = self.references.get(trade.instrument_id)
        if reference is not None:
            reference.widen(trade.price)
        points = self._sparks.get(trade.instrument_id)
        if points:
            points[-1] = (points[-1][0], float(trade.price))

    def confirm(self, arrived_ns: int) -> None:
        """The feed gave a sign of life at this monotonic time: every standing quote still stands."""
        self._confirmed_at = arrived_ns

    def age_ns(self, instrument_id: str, *, market_ns: int, monotonic_ns: int) -> int:
        """How long nothing confirmed the quote, on the clock by which confirmations arrive; -1 without a quote.

        A feed that confirms is silent in real seconds, however fast, slow or paused the market runs. One that does
        not is as old as its quotes say, in market time.
        """
        quote = self.quotes.get(instrument_id)
        if quote is None:
            return -1
        if self._confirmed_at is None:
            return max(0, market_ns - quote.ts_event)
        return max(0, monotonic_ns - self._confirmed_at)

    def last_price(self, instrument_id: str) -> Decimal | None:
        """Price of the last print, or the quote's carried one."""
        trade = self.trades.get(instrument_id)
        if trade is not None:
            return trade.price
        quote = self.quotes.get(instrument_id)
        return quote.last if quote is not None else None

    def set_reference(self, instrument_id: str, daily: list[Bar], session_start_ns: int) -> None:
        """Take previous close and today's range from the newest daily bars (oldest first)."""
        before = [bar for bar in daily if not bar.is_open and bar.ts_event < session_start_ns]
        reference = DayReference(before[-1].close if before else None)
        today = daily[-1] if daily and daily[-1].ts_event >= session_start_ns else None
        if today is not None:
            reference.widen(today.low)
            reference.widen(today.high)
        self.references[instrument_id] = reference

    def set_spark(self, instrument_id: str, bars: list[Bar]) -> None:
        """Take today's bars (oldest first) for the drawing of the day."""
        self._sparks[instrument_id] = [(bar.ts_event, float(bar.close)) for bar in bars[-MAX_SPARK_BARS:]]

    def advance_sparks(self, bucket_ns: int) -> None:
        """Open a new spark bucket for every instrument when market time entered it."""
        for points in self._sparks.values():
            if points and points[-1][0] < bucket_ns:
                points.append((bucket_ns, points[-1][1]))
                del points[:-MAX_SPARK_BARS]

    def spark(self, instrument_id: str) -> tuple[float, ...]:
        """Today's closes at up to eight even steps, the last one now."""
        points = self._sparks.get(instrument_id, [])
        count = len(points)
        if count <= SPARK_POINTS:
            return tuple(close for _, close in points)
        picks = (round((i + 1) * count / SPARK_POINTS) - 1 for i in range(SPARK_POINTS))
        return tuple(points[i][1] for i in picks)

    def clear(self) -> None:
        """Forget everything but instruments (a new session or another source)."""
        for table in (self.quotes, self.trades, self.depths, self.statuses, self.references, self._sparks):
            table.clear()
