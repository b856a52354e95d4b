"""Fees to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.venue.fees import FREE, FeeSchedule, total_fee
from tests.unit.venue.floor import Floor

D = Decimal
DEFAULT = FeeSchedule()


@pytest.mark.parametrize(
    ("sign", "quantity", "price", "fee"),
    [
        (1, "100", "50", "0.35"),  # the minimum
        (1, "1000", "50", "3.50"),  # per share
        (1, "10", "1", "0.10"),  # never over 1 % of the notional
        (-1, "100", "50", "0.51"),  # 0.35 + 0.139 → 0.14 + 0.0166 → 0.02
        (-1, "100000", "10", "386.10"),  # 350 + 27.80 + the cap of 8.30
    ],
)
def test_the_schedule(sign: int, quantity: str, price: str, fee: str) -> None:
    assert total_fee(DEFAULT, sign, D(quantity), D(quantity) * D(price)) == D(fee)


def test_an_order_in_many_fills_costs_what_it_costs_in_one() -> None:
    whole, parts = Floor(fees=DEFAULT), Floor(fees=DEFAULT)
    whole.quote("100.00", "100.02", ask_size=1000)
    whole.buy("b", 1000)
    parts.buy("b", 1000)
    for size in (310, 320, 330):
        parts.quote("100.00", "100.02", ask_size=size)
    assert len(parts.fills("b")) > 1
    assert sum(fill.fee for fill in parts.all_fills()) == sum(fill.fee for fill in whole.all_fills()) == D("3.50")


@given(
    st.sampled_from([1, -1]),
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 100_000)), min_size=1, max_size=12),
)
def test_fees_never_fall_and_are_whole_cents(sign: int, fills: list[tuple[int, int]]) -> None:
    quantity, notional, before = D(0), D(0), D(0)
    for size, cents in fills:
        quantity += size
        notional += size * D(cents) / 100
        fee = total_fee(DEFAULT, sign, quantity, notional)
        assert fee >= before
        assert fee == fee.quantize(D("0.01"))
        assert total_fee(FREE, sign, quantity, notional) == 0
        before = fee
