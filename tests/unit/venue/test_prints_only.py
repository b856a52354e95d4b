"""A venue that is told prints and no book: nothing is taken from a size nobody named."""

from __future__ import annotations

import pytest

from stockpulse_engine.venue.matching import Rules
from tests.unit.venue.floor import Floor


@pytest.fixture
def floor() -> Floor:
    """The last price is 100.00; how much is bid or asked nobody says."""
    made = Floor(rules=Rules(latency_ns=0, needs_book=False))
    last(made, "100.00")
    return made


def last(floor: Floor, price: str, size: int = 0) -> None:
    """A look at the market: the price, then what was traded."""
    floor.quote(price, price, bid_size=0, ask_size=0)
    if size:
        floor.trade(price, size)


def test_a_price_alone_fills_nothing(floor: Floor) -> None:
    floor.buy("b", 100, limit="99.00")
    last(floor, "98.00")
    assert floor.fills("b") == []


def test_a_print_through_the_limit_fills_at_the_limit(floor: Floor) -> None:
    floor.buy("b", 100, limit="99.00")
    last(floor, "98.50", 60)
    last(floor, "98.50", 500)
    assert floor.fills("b") == [("60", "99.00", "M"), ("40", "99.00", "M")]


def test_a_print_at_the_limit_fills_nothing_because_nobody_knows_who_was_in_front(floor: Floor) -> None:
    floor.buy("b", 100, limit="99.00")
    last(floor, "99.00", 5000)
    assert floor.fills("b") == []


def test_a_limit_beyond_the_market_meets_the_next_print_at_its_price(floor: Floor) -> None:
    floor.buy("b", 100, limit="103.00")
    assert floor.fills("b") == []
    last(floor, "100.40", 70)
    assert floor.fills("b") == [("70", "100.40", "T")]
    last(floor, "104.00", 500)
    assert len(floor.fills("b")) == 1, "the market has gone over the limit"
    last(floor, "102.00", 500)
    assert floor.fills("b")[1:] == [("30", "103.00", "M")]


def test_one_print_is_shared(floor: Floor) -> None:
    floor.buy("taker", 100, limit="101.00")
    floor.buy("rester", 100, limit="100.50")
    last(floor, "100.00", 150)
    assert floor.fills("taker") == [("100", "100.00", "T")]
    assert floor.fills("rester") == [("50", "100.00", "T")]


def test_an_immediate_order_finds_nothing(floor: Floor) -> None:
    floor.buy("b", 100, limit="101.00", tif="IOC")
    assert floor.order("b").status == "CANCELED"


def test_where_a_book_is_expected_nothing_matches_without_one() -> None:
    floor = Floor()
    last(floor, "100.00")
    floor.buy("b", 100, limit="101.00")
    last(floor, "99.00", 500)
    assert floor.fills("b") == []
