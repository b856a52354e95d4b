"""The feed stores before it publishes, and lets nothing wrong through."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.feed import Feed
from stockpulse_engine.marketdata.ports import ClockState
from tests.fakes.fake_provider import a_quote, a_trade


class Desk:
    """A cache, a bus and a feed, with what was published."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.clocks: list[ClockState] = []
        self.bus = Bus(lambda _, error: self.errors.append(error))
        self.cache = QuoteCache()
        self.heard = 20
        self.feed = Feed(self.cache, self.bus, self.clocks.append, arrival=lambda: self.heard)
        self.seen: list[Quote] = []
        self.bus.subscribe(Quote, self.seen.append)


def test_a_handler_reads_what_it_was_told() -> None:
    desk = Desk()
    read: list[Quote | None] = []
    desk.bus.subscribe(Quote, lambda quote: read.append(desk.cache.quotes.get(quote.instrument_id)))
    quote = a_quote("10.00", "10.02", 5)
    desk.feed.take([quote])
    assert read == [quote]


@pytest.mark.covers("F35")
@pytest.mark.parametrize(
    "wrong",
    [
        a_quote("NaN", "10.02", 5),
        a_quote("10.00", "Infinity", 5),
        a_quote("0", "10.02", 5),
        a_quote("-1", "10.02", 5),
        Quote("AAPL.XNAS", Decimal(10), Decimal(11), Decimal(-1), Decimal(1), 5),
        Quote("AAPL.XNAS", Decimal(10), Decimal(11), Decimal(1), Decimal("NaN"), 5),
    ],
)
def test_wrong_numbers_are_refused_and_counted(wrong: Quote) -> None:
    desk = Desk()
    desk.feed.take([wrong])
    assert not desk.seen
    assert not desk.cache.quotes
    assert desk.feed.counters.refused == 1


def test_a_crossed_quote_is_counted_and_nobody_trades_on_it() -> None:
    desk = Desk()
    good = a_quote("10.00", "10.02", 5)
    desk.feed.take([good, a_quote("10.05", "10.02", 6)])
    assert desk.cache.quotes["AAPL.XNAS"] == good
    assert (desk.feed.counters.crossed, len(desk.seen)) == (1, 1)


def test_time_does_not_step_back_for_an_instrument() -> None:
    desk = Desk()
    desk.feed.take([a_quote("10.00", "10.02", 9), a_quote("9.00", "9.02", 8)])
    assert desk.cache.quotes["AAPL.XNAS"].ts_event == 9
    assert desk.feed.counters.refused == 1


def test_bad_prints_are_refused() -> None:
    desk = Desk()
    desk.feed.take([a_trade("NaN", 1), a_trade("1", 1, size="0")])
    assert desk.cache.trades == {}


def test_a_living_feed_keeps_standing_quotes_fresh() -> None:
    desk = Desk()
    desk.feed.take([a_quote("10.00", "10.02", 100)])
    desk.heard = 30
    desk.feed.take([a_quote("20.00", "20.02", 900, "MSFT.XNAS")])
    desk.heard = 40
    assert desk.cache.age_ns("AAPL.XNAS", market_ns=1_000_000, monotonic_ns=42) == 12, (
        "whatever the market's clock says"
    )
    assert desk.cache.age_ns("NONE.XNAS", market_ns=1_000, monotonic_ns=42) == -1


def test_where_quotes_tell_their_own_age_a_sign_of_life_makes_none_younger() -> None:
    desk = Desk()
    feed = Feed(desk.cache, desk.bus, desk.clocks.append)
    feed.take([a_quote("10.00", "10.02", 5)])
    feed.take([ClockState(market_ns=100, wall_ns=100, speed=1.0, session_date="2024-03-04")])
    assert desk.cache.age_ns("AAPL.XNAS", market_ns=100, monotonic_ns=7) == 95


def test_one_failing_handler_does_not_stop_the_others() -> None:
    desk = Desk()

    def fail(quote: Quote) -> None:
        raise RuntimeError(quote.instrument_id)

    late: list[Quote] = []
    desk.bus.subscribe(Quote, fail)
    desk.bus.subscribe(Quote, late.append)
    desk.feed.take([a_quote("10.00", "10.02", 5)])
    assert len(late) == 1
    assert len(desk.errors) == 1


def test_prints_widen_the_day_and_move_the_drawing() -> None:
    desk = Desk()
    desk.cache.set_reference("AAPL.XNAS", [], 0)
    desk.cache.set_spark("AAPL.XNAS", [])
    for price in ("10", "12", "9"):
        desk.feed.take([a_trade(price, 5)])
    reference = desk.cache.references["AAPL.XNAS"]
    assert (reference.low, reference.high) == (Decimal(9), Decimal(12))
    assert desk.cache.last_price("AAPL.XNAS") == Decimal(9)
    trades: list[Trade] = []
    desk.bus.subscribe(Trade, trades.append)
    desk.feed.take([a_trade("11", 6)])
    assert trades[0].price == 11
