"""Working orders and a split: told in new shares, never worse than they were, and none fires because of it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.corporate import ActionStatement, adjusted_terms
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.venue.actions import apply_action
from stockpulse_engine.venue.source import DueAction
from tests.unit.venue.floor import ACME, Floor, new_order

pytestmark = pytest.mark.covers("L8", "F38")
CENT = Decimal("0.01")
RATIOS = ((10, 1), (1, 100), (3, 2), (10001, 10000), (7, 1), (1, 10))
ratios = st.sampled_from(RATIOS)


def split(floor: Floor, numerator: int, denominator: int) -> list[ActionStatement]:
    """ACME, which closed at 100, is split now."""
    known = len(floor.reports)
    action = CorporateAction(
        instrument_id=ACME,
        kind=ActionKind.SPLIT,
        ts_event=floor.now + 1,
        known_at=floor.now,
        source="test",
        numerator=numerator,
        denominator=denominator,
        reference_e8=100 * 10**8,
    )
    apply_action(floor.matcher, DueAction(floor.now, f"{ACME}:SPLIT:x", action))
    floor._settle()
    return [report.action for report in floor.reports[known:] if report.action is not None]


def terms_of(floor: Floor, order_id: str) -> tuple[str, ...]:
    terms = floor.order(order_id).terms
    prices = (terms.limit_price, terms.stop_price, terms.trail_amount)
    return (str(terms.quantity), *(str(price) for price in prices if price is not None))


def test_sizes_and_prices_are_told_in_new_shares_and_rest_again() -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    floor.buy("low", 30, limit="95.01", tif="GTC")
    floor.sell("stop", 30, stop="90.01", tif="GTC")
    floor.sell("trail", 30, trail="5.01", tif="GTC")
    (said,) = split(floor, 10, 1)
    assert (said.adjusted, said.canceled) == (3, 0)
    assert terms_of(floor, "low") == ("300", "9.50")
    assert terms_of(floor, "stop") == ("300", "9.00")
    assert terms_of(floor, "trail") == ("300", "9.49", "0.51")
    floor.quote("9.99", "10.01")
    floor.trade("9.40", 500, "S")
    assert floor.fills("low") == [("300", "9.50", "M")]
    assert floor.order("trail").is_triggered


def test_what_can_not_be_told_in_new_shares_ends_with_its_reason() -> None:
    floor = Floor()
    floor.buy("few", 50, limit="95.00", tif="GTC")
    floor.buy("open", 500, tif="AT_THE_CLOSE")
    floor.sell("keeps", 500, stop="90.00", tif="GTC")
    (said,) = split(floor, 1, 100)
    assert (said.adjusted, said.canceled) == (1, 2)
    assert {floor.last(key).code for key in ("few", "open")} == {"corporate_action"}
    assert terms_of(floor, "keeps") == ("5", "9000.00")


@pytest.mark.parametrize("ratio", RATIOS)
def test_no_stop_fires_from_a_split_nor_from_prints_of_old_shares_after_it(ratio: tuple[int, int]) -> None:
    floor = Floor()
    floor.trade("100.00", 10)
    for side in ("BUY", "SELL"):
        sign = 1 if side == "BUY" else -1
        floor.send(new_order(f"{side} stop", side, 200, stop=str(100 + 5 * sign), tif="GTC"))
        floor.send(new_order(f"{side} trail", side, 200, trail="5", tif="GTC"))
    split(floor, *ratio)
    new = Decimal(100) * ratio[1] / ratio[0]
    if max(ratio) / min(ratio) > 2:
        floor.trade("100.00", 10)  # somebody's old print
    floor.quote(str(round(new - CENT, 2)), str(round(new + CENT, 2)))
    floor.trade(str(round(new, 2)), 10)
    assert not any(report.kind.value == "TRIGGER" for report in floor.reports)
    assert all(floor.order(f"{side} {kind}").is_open for side in ("BUY", "SELL") for kind in ("stop", "trail"))


def test_the_exits_of_what_was_bought_close_what_came_out_of_it() -> None:
    floor = Floor()
    floor.bracket("e", 100, "110.00", "90.00")
    assert floor.order("e").status == "FILLED"
    split(floor, 3, 2)
    assert terms_of(floor, "e-t") == ("150", "73.34")
    assert terms_of(floor, "e-s") == ("150", "60.00")
    floor.quote("74.00", "74.02")
    floor.trade("74.00", 60, "B")
    left = floor.order("e-t").leaves
    assert floor.order("e-t").filled + left == 150
    assert floor.order("e-s").leaves == left
    floor.quote("59.00", "59.02", bid_size=500)
    floor.trade("59.00", 10)
    assert floor.order("e-t").filled + floor.order("e-s").filled == 150
    assert {floor.order("e-t").is_open, floor.order("e-s").is_open} == {False}


def test_a_bracket_that_waits_for_its_entry_waits_in_new_shares() -> None:
    floor = Floor()
    floor.bracket("e", 100, "110.00", "90.00", limit="99.00")
    split(floor, 10, 1)
    assert (terms_of(floor, "e"), terms_of(floor, "e-t")) == (("1000", "9.90"), ("1000", "11.00"))
    floor.quote("9.85", "9.87", ask_size=5000)
    assert floor.order("e").filled == 1000
    assert floor.order("e-s").leaves == 1000


def test_a_half_filled_entry_ends_and_its_exits_keep_what_it_bought() -> None:
    floor = Floor()
    floor.bracket("e", 500, "110.00", "90.00", limit="100.02")
    assert floor.order("e").filled == 300
    split(floor, 10, 1)
    assert floor.order("e").status == "CANCELED"
    assert floor.order("e-s").leaves == floor.order("e-t").leaves == 3000


def test_a_kill_after_the_split_keeps_the_new_terms() -> None:
    floor = Floor()
    floor.bracket("e", 100, "110.00", "90.00")
    split(floor, 10, 1)
    twin = floor.restarted()
    twin.quote("11.05", "11.07", bid_size=5000)
    assert (twin.order("e-t").filled, twin.order("e-s").status) == (Decimal(1000), "CANCELED")


@settings(max_examples=150, deadline=None)
@given(
    ratios,
    st.sampled_from(["BUY", "SELL"]),
    st.integers(1, 5_000),
    st.integers(0, 200),
    st.integers(100, 30_000),
    st.integers(1, 900),
)
def test_no_order_asks_for_more_or_pays_worse_than_before(
    ratio: tuple[int, int], side: str, quantity: int, filled: int, cents: int, distance: int
) -> None:
    price, numerator, denominator = cents * CENT, *ratio
    kinds: list[dict[str, str]] = [
        {"limit": str(price)},
        {"stop": str(price)},
        {"stop": str(price), "limit": str(price)},
        {"trail": str(distance * CENT)},
    ]
    done = min(filled, quantity - 1)
    for kind in kinds:
        before = new_order("o", side, quantity, tif="GTC", **kind).terms  # type: ignore[arg-type] # words by name
        after = adjusted_terms(before, Decimal(done), ratio, tick=CENT, lot=Decimal(1))
        exact = Fraction(quantity - done) * numerator / denominator
        if after is None:
            assert exact < 1 or Fraction(price) * denominator / numerator < Fraction(CENT)
            continue
        left = Fraction(after.quantity - done)
        assert exact - 1 < left <= exact
        sign = 1 if after.side is Side.BUY else -1
        if after.limit_price is not None:
            assert (Fraction(after.limit_price) - Fraction(price) * denominator / numerator) * sign <= 0
        if after.stop_price is not None:
            assert (Fraction(after.stop_price) - Fraction(price) * denominator / numerator) * sign >= 0
        if after.trail_amount is not None:
            assert Fraction(after.trail_amount) >= Fraction(distance * CENT) * denominator / numerator
