"""Playing the simulated market in tests: one shared market, and a reader that checks the stream's promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from stockpulse_engine.domain.market import (
    SECOND_NS,
    Depth,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    NewsItem,
    Quote,
    Trade,
    check_quote,
)
from stockpulse_engine.marketdata.calendar import Session, load_calendar
from stockpulse_engine.venue.market.market import SimulatedMarket
from stockpulse_engine.venue.market.source import SimulatedSource
from stockpulse_engine.venue.market.universe import Universe, default_universe

MINUTE = 60 * SECOND_NS
HOUR = 60 * MINUTE
SEED = 7


SYMBOLS = ("SPY", "QQQ", "AAPL", "META", "F", "JPM", "XOM", "WDFC", "LNN", "PLUG")
"""Busy and quiet, dear and cheap: enough for what holds for each instrument, and quick to play."""


@lru_cache(maxsize=1)
def whole_market() -> SimulatedMarket:
    """The market as users see it; it holds no state that a test could change."""
    return SimulatedMarket(SEED, load_calendar())


@lru_cache(maxsize=1)
def market() -> SimulatedMarket:
    """The same with few instruments: what most tests read."""
    return small_market(SEED)


def small_market(seed: int) -> SimulatedMarket:
    """A new market of few instruments."""
    rows = default_universe().listings
    chosen = tuple(row for row in rows if row.instrument_id.rsplit(".", 1)[0] in SYMBOLS)
    return SimulatedMarket(seed, load_calendar(), Universe(chosen))


@lru_cache(maxsize=1)
def day_with_a_halt() -> Session:
    """The first session from March 2026 on in which something is halted."""
    first = session("2026-03-02").ordinal
    ordinal = next(ordinal for ordinal in range(first, first + 250) if market().halts(ordinal))
    return load_calendar().by_ordinal(ordinal)


def session(date: str) -> Session:
    """A session of the calendar."""
    found = load_calendar().session(date)
    assert found is not None
    return found


def opened(at_ns: int) -> SimulatedSource:
    """A source opened at a moment, its seed events thrown away."""
    source = SimulatedSource(market())
    source.seed_events(at_ns)
    return source


def play(start_ns: int, end_ns: int) -> list[MarketEvent]:
    """All events in (start, end]."""
    return opened(start_ns).advance(end_ns)


@dataclass
class Reader:
    """Takes events in and fails on the first that breaks a promise of the stream."""

    now: int = 0
    quotes: dict[str, Quote] = field(default_factory=dict)
    books: dict[str, Depth] = field(default_factory=dict)
    statuses: dict[str, InstrumentStatus] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    auctions: list[tuple[Trade, InstrumentStatus]] = field(default_factory=list)
    news: list[NewsItem] = field(default_factory=list)

    def read(self, events: list[MarketEvent], *, ordered: bool = True) -> Reader:
        """Take all events in."""
        for event in events:
            if ordered:
                assert event.ts_event >= self.now, "events are in order of time"
                self.now = event.ts_event
            match event:
                case Quote():
                    self._quote(event)
                case Depth():
                    self._depth(event)
                case Trade():
                    self._trade(event)
                case InstrumentStatus():
                    self.statuses[event.instrument_id] = event
                case NewsItem():
                    self.news.append(event)
        return self

    def _quote(self, quote: Quote) -> None:
        check_quote(quote)
        assert quote.bid < quote.ask, f"never crossed or locked: {quote}"
        assert quote.last is not None
        assert quote.volume is not None
        before = self.quotes.get(quote.instrument_id)
        if before is not None and before.volume is not None and quote.volume < before.volume:
            assert quote.volume == 0, "volume starts over with a session, and only then"
        self.quotes[quote.instrument_id] = quote

    def _depth(self, depth: Depth) -> None:
        quote = self.quotes[depth.instrument_id]
        if depth.bids:
            assert (depth.bids[0].price, depth.asks[0].price) == (quote.bid, quote.ask)
            assert (depth.bids[0].size, depth.asks[0].size) == (quote.bid_size, quote.ask_size)
            assert len(depth.bids) <= len(depth.asks) == 10
            bids, asks = [level.price for level in depth.bids], [level.price for level in depth.asks]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert all(level.size > 0 for level in depth.bids + depth.asks)
        else:
            assert quote.bid_size == quote.ask_size == 0
        self.books[depth.instrument_id] = depth

    def _trade(self, trade: Trade) -> None:
        assert trade.price > 0
        assert trade.size > 0
        self.trades.append(trade)
        status = self.statuses.get(trade.instrument_id)
        if trade.is_auction:
            assert status is not None
            self.auctions.append((trade, status))
            return
        quote = self.quotes[trade.instrument_id]
        assert status is None or (status.phase in _CONTINUOUS and not status.is_halted), status
        touch, shown = (quote.ask, quote.ask_size) if trade.aggressor == "B" else (quote.bid, quote.bid_size)
        assert trade.price == touch, "every print hits the quote shown before it"
        assert trade.size <= shown, "and takes no more than was shown"


_CONTINUOUS = {MarketPhase.PRE, MarketPhase.OPEN, MarketPhase.POST}
