"""Worst case of open orders: priced at their dearest, counted once, UNKNOWN ones included."""

from __future__ import annotations

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.orders import OrderRole, OrderStatus, OrderType
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio.reservations import (
    ClaimCache,
    claim_of,
    in_flight,
    opening_notional,
    pending_notional,
    worst_price,
)
from tests.fakes.portfolio_build import AAPL, MSFT, D, order, terms

COLLAR = D("0.05")


@pytest.mark.parametrize(
    ("signed", "limit", "stop", "expected"),
    [
        ("10", "100", None, "100"),
        ("10", None, None, "105"),
        ("10", None, "110", "115.5"),
        ("10", None, "90", "105"),
        ("10", "112", "110", "112"),
        ("-10", "104", None, "104"),
        ("-10", "90", None, "99"),
        ("-10", None, None, "99"),
        ("-10", None, "95", "99"),
    ],
)
def test_worst_price(signed: str, limit: str | None, stop: str | None, expected: str) -> None:
    assert worst_price(terms(signed, limit, stop=stop), D(99), D(100), COLLAR) == D(expected)


@pytest.mark.parametrize(
    ("signed", "more", "expected"),
    [
        ("10", {"trail_amount": D(2)}, "107.1"),
        ("10", {"trail_fraction": D("0.02")}, "107.1"),
        ("10", {"trail_amount": D(2), "limit_offset": D("0.5")}, "102.5"),
        ("10", {"trail_amount": D(2), "stop_price": D(101)}, "106.05"),
        ("10", {"trail_amount": D(2), "stop_price": D(90)}, "105"),
        ("10", {"trail_amount": D(2), "stop_price": D(101), "limit_price": D("101.5")}, "101.5"),
        ("-10", {"trail_amount": D(2)}, "99"),
        ("-10", {"trail_amount": D(2), "stop_price": D(120)}, "120"),
    ],
)
def test_worst_price_of_a_trailing_stop(signed: str, more: dict[str, object], expected: str) -> None:
    trailing = structs.replace(terms(signed, None), order_type=OrderType.TRAILING_STOP, **more)
    assert worst_price(trailing, D(99), D(100), COLLAR) == D(expected)


def test_a_pair_counts_once() -> None:
    take = order("p", terms("-10", "110"), role=OrderRole.TAKE)
    stop = order("p-S", terms("-10", None, stop="90"), role=OrderRole.STOP, parent_id="p")
    claims = [claim for one in (take, stop) if (claim := claim_of(one, COLLAR)) is not None]
    assert in_flight(claims, -1) == 10
    assert opening_notional(claims, D(0)) == 0


def test_nothing_bounds_a_market_buy_without_a_quote() -> None:
    assert worst_price(terms("10", None), None, None, COLLAR) is None


def test_what_is_filled_is_no_longer_reserved() -> None:
    claim = claim_of(order("o", terms("10"), filled_quantity=D(4), status=OrderStatus.PARTIALLY_FILLED), COLLAR)
    assert claim is not None
    assert claim.quantity == 6


def test_terminal_orders_reserve_nothing_but_unknown_ones_do() -> None:
    assert claim_of(order("o", terms("10"), status=OrderStatus.CANCELED), COLLAR) is None
    unknown = claim_of(order("o", terms("10"), status=OrderStatus.SUBMITTED, is_unknown=True), COLLAR)
    assert unknown is not None
    assert unknown.quantity == 10
    lost = claim_of(order("o", terms("10"), status=OrderStatus.CANCELED, is_unknown=True), COLLAR)
    assert lost is not None
    assert lost.quantity == 10


def test_a_pending_change_is_taken_at_the_dearer_of_both_terms() -> None:
    changing = order("o", terms("10", "100"), pending_terms=terms("4", "130"), status=OrderStatus.PENDING_UPDATE)
    claim = claim_of(changing, COLLAR)
    assert claim is not None
    assert (claim.quantity, claim.price) == (D(10), D(130))


def test_take_and_stop_of_one_bracket_count_once() -> None:
    legs = [
        order("t", terms("-10", "110"), role=OrderRole.TAKE, parent_id="e"),
        order("s", terms("-10", None, stop="90"), role=OrderRole.STOP, parent_id="e"),
        order("x", terms("-3", "110")),
    ]
    claims = ClaimCache(COLLAR).claims(legs)
    assert in_flight(claims, -1) == 13
    assert in_flight(claims, 1) == 0


def test_protective_legs_and_reduce_only_orders_open_nothing() -> None:
    legs = [
        order("t", terms("-10", "110"), role=OrderRole.TAKE, parent_id="e"),
        order("r", terms("-10", "110", reduce_only=True)),
    ]
    assert opening_notional(ClaimCache(COLLAR).claims(legs), D(0)) == 0


def test_only_what_goes_beyond_the_position_opens() -> None:
    claims = ClaimCache(COLLAR).claims([order("a", terms("-10", "110")), order("b", terms("-10", "120"))])
    assert opening_notional(claims, D(0)) == 2300
    assert opening_notional(claims, D(15)) == 5 * 120
    assert opening_notional(claims, D(20)) == 0
    assert opening_notional(claims, D(-5)) == 2300


def test_instruments_do_not_cover_each_other() -> None:
    claims = ClaimCache(COLLAR).claims(
        [order("a", terms("-10", "110")), order("b", terms("10", "50", instrument_id=MSFT))]
    )
    held = {AAPL: D(10)}
    assert pending_notional(claims, lambda key: held.get(key, D(0))) == 500


def test_a_changed_order_is_worked_out_again_and_a_gone_one_forgotten() -> None:
    cache = ClaimCache(COLLAR, lambda _sign, quantity, _notional: quantity / 100)
    (first,) = cache.claims([order("a", terms("10"))])
    assert first.fee == D("0.1")
    (second,) = cache.claims([order("a", terms("20"))])
    assert second.quantity == 20
    assert cache.claims([]) == []


@pytest.mark.covers("F12", "L10")
def test_more_reducing_than_held_is_a_broken_invariant() -> None:
    claims = ClaimCache(COLLAR).claims([order("r", terms("-10", "110", reduce_only=True))])
    invariants.check_reducing(claims, D(10))
    with pytest.raises(InvariantError, match="L10"):
        invariants.check_reducing(claims, D(9))
