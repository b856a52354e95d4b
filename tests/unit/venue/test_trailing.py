"""A trailing stop follows the best price, never goes back, and stands where it stood after a kill."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.money import round_to_tick
from tests.unit.venue.floor import SESSION, Floor, is_accepted

CENT = Decimal("0.01")


def _trigger(floor: Floor, order_id: str = "t") -> str:
    return str(floor.order(order_id).terms.stop_price)


def test_the_trigger_follows_up_and_stays_when_the_price_falls() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    assert is_accepted(floor.sell("t", 100, trail="0.50", tif="GTC"))
    assert _trigger(floor) == "99.50"
    floor.trade("101.00", 10)
    assert _trigger(floor) == "100.50"
    floor.quote("100.60", "100.62")
    floor.trade("100.60", 10)
    assert _trigger(floor) == "100.50"
    floor.quote("100.40", "100.42")
    floor.trade("100.40", 10)
    assert floor.fills("t") == [("100", "100.40", "T")]
    assert floor.order("t").status == "FILLED"


def test_a_share_of_the_price_is_rounded_away_from_the_market() -> None:
    floor = Floor()
    floor.trade("100.01", 10)
    floor.sell("s", 100, trail="1%", tif="GTC")
    floor.buy("b", 100, trail="1%", tif="GTC")
    assert (_trigger(floor, "s"), _trigger(floor, "b")) == ("99.00", "101.02")


def test_a_triggered_one_may_have_a_limit_and_rests_at_it() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", offset="0.10", tif="GTC")
    floor.quote("99.00", "99.02")
    floor.trade("99.00", 10)
    order = floor.order("t")
    assert (order.status, str(order.terms.limit_price)) == ("TRIGGERED", "99.40")
    assert floor.fills("t") == []
    told = floor.last("t")
    assert told.terms is not None
    assert (told.kind.value, str(told.terms.stop_price), str(told.terms.limit_price)) == ("TRIGGER", "99.50", "99.40")
    floor.trade("99.45", 500, "B")
    assert floor.fills("t") == [("100", "99.40", "M")]


def test_where_it_stands_is_told_once_a_second_and_the_last_word_is_true() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", tif="GTC")
    for cents in range(1, 40):
        floor.trade(str(Decimal(100) + cents * CENT), 10)
    told = [each for each in floor.reports if each.kind.value == "TRAIL"]
    assert len(told) <= 2
    floor.pass_ms(1100)
    last = floor.last("t")
    assert last.terms is not None
    assert (last.kind.value, str(last.terms.stop_price)) == ("TRAIL", _trigger(floor))


@pytest.mark.covers("F11")
def test_a_new_distance_is_measured_from_the_best_price_seen() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", tif="GTC")
    floor.trade("102.00", 10)
    floor.change("t", quantity="60", trail="1.00")
    assert _trigger(floor) == "101.00"
    told = floor.last("t")
    assert told.terms is not None
    assert (told.kind.value, told.terms.quantity, str(told.terms.stop_price)) == ("UPDATE", Decimal(60), "101.00")


def test_what_it_has_seen_survives_a_kill_of_the_venue() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", tif="GTC")
    floor.trade("103.00", 10)
    twin = floor.restarted()
    assert _trigger(twin) == "102.50"
    twin.quote("102.70", "102.72")
    twin.trade("102.70", 10)
    assert twin.fills("t") == []
    twin.quote("102.40", "102.42")
    twin.trade("102.40", 10)
    assert twin.fills("t") == [("100", "102.40", "T")]


def test_it_does_not_move_outside_regular_hours_nor_in_a_halt() -> None:
    assert SESSION is not None
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", tif="GTC")
    floor.phase(MarketPhase.OPEN, is_halted=True)
    floor.trade("90.00", 10)
    floor.trade("110.00", 10)
    floor.phase(MarketPhase.POST)
    floor.trade("120.00", 10)
    assert _trigger(floor) == "99.50"
    assert floor.order("t").is_open


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(9_000, 11_000), min_size=1, max_size=40), st.integers(1, 400), st.booleans(), st.booleans())
def test_it_triggers_where_the_plain_arithmetic_says(
    cents: list[int], distance: int, is_buy: bool, is_share: bool
) -> None:
    """Best price so far and one subtraction, written once more without the venue's code."""
    floor = Floor()
    floor.trade("100.00", 10)
    trail = f"{Decimal(distance) / 100}%" if is_share else str(distance * CENT)
    (floor.buy if is_buy else floor.sell)("t", 1, trail=trail, tif="GTC")
    best, fired = Decimal(100), None
    for place, each in enumerate(cents):
        price = each * CENT
        best = min(best, price) if is_buy else max(best, price)
        width = best * distance / 10_000 if is_share else distance * CENT
        stop = round_to_tick(best + width if is_buy else best - width, CENT, up=is_buy)
        if (price >= stop if is_buy else price <= stop) and fired is None:
            fired = place
        floor.trade(str(price), 10)
        assert floor.order("t").is_triggered is (fired is not None)
        if fired is not None:
            return
        assert floor.order("t").terms.stop_price == stop


def test_a_move_that_was_not_told_before_a_kill_is_told_after_it() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.sell("t", 100, trail="0.50", tif="GTC")
    floor.pass_ms()
    floor.trade("103.00", 10)
    assert [each.kind.value for each in floor.reports if each.kind.value == "TRAIL"] == ["TRAIL"]
    twin = floor.restarted()
    twin.pass_ms(1100)
    told = twin.last("t")
    assert told.terms is not None
    assert (told.kind.value, str(told.terms.stop_price)) == ("TRAIL", "102.50")
