"""On-open and on-close orders execute at the auction's print, no more than it printed."""

from __future__ import annotations

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.venue.checks import Refusal
from tests.unit.venue.floor import SESSION, Floor

assert SESSION is not None
PRE, OPENING, OPEN = MarketPhase.PRE, MarketPhase.OPENING_AUCTION, MarketPhase.OPEN
CLOSING, POST, CLOSED = MarketPhase.CLOSING_AUCTION, MarketPhase.POST, MarketPhase.CLOSED


def before_the_open() -> Floor:
    assert SESSION is not None
    return Floor(phase=PRE, now=SESSION.pre_open)


def test_on_open_orders_get_the_auction_price() -> None:
    floor = before_the_open()
    floor.buy("b", 100, tif="AT_THE_OPEN")
    floor.phase(OPENING)
    floor.quote("100.00", "100.02")
    assert floor.all_fills() == []
    floor.trade("100.11", 5000, is_auction=True)
    assert floor.fills("b") == [("100", "100.11", "A")]


def test_the_auction_fills_market_orders_first_then_better_limits_up_to_its_size() -> None:
    floor = before_the_open()
    floor.buy("limit", 100, limit="100.20", tif="AT_THE_OPEN")
    floor.buy("better", 100, limit="100.30", tif="AT_THE_OPEN")
    floor.buy("market", 100, tif="AT_THE_OPEN")
    floor.buy("too low", 100, limit="100.00", tif="AT_THE_OPEN")
    floor.sell("other side", 100, tif="AT_THE_OPEN")
    floor.phase(OPENING)
    floor.trade("100.11", 250, is_auction=True)
    assert floor.fills("market") == [("100", "100.11", "A")]
    assert floor.fills("better") == [("100", "100.11", "A")]
    assert floor.fills("limit") == [("50", "100.11", "A")]
    assert floor.fills("other side") == [("100", "100.11", "A")]
    assert floor.kinds("limit") == ["ACCEPT", "FILL", "EXPIRE"]
    assert floor.kinds("too low") == ["ACCEPT", "EXPIRE"]


def test_day_orders_waiting_for_the_open_take_part_and_stay() -> None:
    floor = before_the_open()
    floor.buy("b", 100, limit="100.20")
    floor.phase(OPENING)
    floor.trade("100.11", 60, is_auction=True)
    assert floor.kinds("b") == ["ACCEPT", "FILL"]
    assert floor.order("b").status == "PARTIALLY_FILLED"


def test_without_an_auction_the_first_regular_print_is_the_open() -> None:
    floor = before_the_open()
    floor.buy("b", 100, tif="AT_THE_OPEN")
    floor.phase(OPEN)
    floor.trade("100.07", 40)
    assert floor.fills("b") == [("40", "100.07", "A")]
    assert floor.kinds("b") == ["ACCEPT", "FILL", "EXPIRE"]


def test_on_close_orders_wait_for_the_closing_print() -> None:
    floor = Floor()
    floor.sell("s", 100, tif="AT_THE_CLOSE")
    floor.trade("100.01", 1000)
    floor.phase(CLOSING)
    assert floor.fills("s") == []
    floor.trade("99.95", 9000, is_auction=True)
    assert floor.fills("s") == [("100", "99.95", "A")]


def test_an_on_close_order_without_a_closing_print_expires_in_words() -> None:
    floor = Floor()
    floor.sell("s", 100, tif="AT_THE_CLOSE")
    floor.phase(POST)
    assert floor.last("s").reason == "no closing auction was seen"


def test_an_on_open_order_sent_after_the_close_waits_for_the_next_open() -> None:
    assert SESSION is not None
    day = 24 * 3600 * 1_000_000_000
    floor = Floor(phase=POST, now=SESSION.close + 1)
    floor.buy("b", 100, tif="AT_THE_OPEN")
    floor.phase(CLOSED, at=SESSION.post_close)
    floor.phase(PRE, at=SESSION.pre_open + day)
    floor.phase(OPENING)
    floor.trade("101.00", 1000, is_auction=True)
    assert floor.fills("b") == [("100", "101.00", "A")]


def test_after_a_halt_the_reopening_print_fills_whoever_accepts_it() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.90")
    floor.phase(OPEN, is_halted=True)
    floor.trade("99.50", 1000, is_auction=True)
    assert floor.fills("b") == [("100", "99.50", "A")]


def test_the_open_is_refused_once_it_is_over_and_the_close_after_it() -> None:
    floor = before_the_open()
    floor.phase(OPENING)
    floor.trade("100.00", 100, is_auction=True)
    floor.phase(OPEN)
    late = floor.buy("late", 100, tif="AT_THE_OPEN")
    assert isinstance(late, Refusal)
    assert late.code == "closed"
    floor.phase(POST)
    assert isinstance(floor.buy("later", 100, tif="AT_THE_CLOSE"), Refusal)
