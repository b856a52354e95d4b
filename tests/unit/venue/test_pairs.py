"""A take and a stop without an entry: each uses up the other, and together they never close more than was asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.venue.checks import Refusal
from tests.unit.venue.floor import Floor, is_accepted, new_order


def test_the_one_that_fills_ends_the_other() -> None:
    floor = Floor()
    assert is_accepted(floor.pair("p", 100, "101.00", "99.00"))
    assert floor.order("p").is_live
    assert floor.order("p-s").is_live
    floor.trade("101.02", 500, "B")
    assert floor.fills("p") == [("100", "101.00", "M")]
    assert (floor.order("p-s").status, floor.last("p-s").code) == ("CANCELED", "oco")


def test_a_partial_take_leaves_the_stop_the_rest() -> None:
    floor = Floor()
    floor.pair("p", 100, "101.00", "99.00")
    floor.trade("101.02", 40, "B")
    assert floor.order("p-s").terms.quantity == 60
    floor.quote("98.90", "98.95", bid_size=500)
    floor.trade("98.95", 10)
    assert (floor.order("p").status, floor.order("p-s").status) == ("CANCELED", "FILLED")
    assert sum(fill.quantity for fill in floor.all_fills()) == 100


@pytest.mark.covers("F11")
def test_a_changed_quantity_is_the_total_of_both() -> None:
    floor = Floor()
    floor.pair("p", 100, "101.00", "99.00")
    floor.trade("101.02", 40, "B")
    floor.change("p", quantity="80")
    assert (floor.order("p").leaves, floor.order("p-s").leaves) == (Decimal(40), Decimal(40))


def test_a_canceled_one_leaves_the_other() -> None:
    floor = Floor()
    floor.pair("p", 100, "101.00", "99.00")
    floor.cancel("p")
    assert (floor.order("p").status, floor.order("p-s").status) == ("CANCELED", "ACCEPTED")


def test_both_come_back_after_a_kill_of_the_venue() -> None:
    floor = Floor()
    floor.pair("p", 100, "101.00", "99.00")
    floor.trade("101.02", 40, "B")
    twin = floor.restarted()
    twin.trade("101.02", 500, "B")
    twin.trade("101.02", 500, "B")
    assert (twin.order("p").status, twin.order("p-s").status) == ("FILLED", "CANCELED")


def test_a_cash_account_needs_the_shares_once() -> None:
    floor = Floor(kind=AccountType.CASH)
    assert isinstance(floor.pair("p", 100, "101.00", "99.00"), Refusal)
    floor.buy("b", 100)
    assert is_accepted(floor.pair("q", 100, "101.00", "99.00"))
    assert isinstance(floor.sell("more", 1), Refusal)


@pytest.mark.parametrize("spoiled", ["side", "quantity", "tif", "twice"])
def test_two_that_are_no_pair_are_refused(spoiled: str) -> None:
    floor = Floor()
    take = new_order("p", "SELL", 100, limit="101.00", role="TAKE", tif="IOC" if spoiled == "tif" else "GTC")
    stop = new_order(
        "p" if spoiled == "twice" else "p-s",
        "BUY" if spoiled == "side" else "SELL",
        90 if spoiled == "quantity" else 100,
        stop="99.00",
        role="STOP",
        parent="p",
    )
    answer = floor.send(take, stop)
    assert isinstance(answer, Refusal)
    assert answer.code == "bad_group"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(9_800, 10_200), st.integers(1, 90)), max_size=30), st.booleans())
@pytest.mark.covers("O9")
def test_together_they_never_do_more_than_was_asked(prints: list[tuple[int, int]], has_entry: bool) -> None:
    """Whatever the market does, a pair closes at most its quantity and a bracket at most what its entry filled."""
    floor = Floor()
    if has_entry:
        floor.bracket("p", 100, "101.00", "99.00", limit="100.00")
        legs, entry = ("p-t", "p-s"), "p"
    else:
        floor.pair("p", 100, "101.00", "99.00")
        legs, entry = ("p", "p-s"), ""
    for cents, size in prints:
        price = Decimal(cents) / 100
        floor.quote(str(price), str(price + Decimal("0.02")), bid_size=size, ask_size=size)
        floor.trade(str(price), size)
        most = floor.order(entry).filled if entry else Decimal(100)
        first, second = (floor.order(leg) for leg in legs)
        assert first.filled + second.filled + max(first.leaves, second.leaves) <= most
