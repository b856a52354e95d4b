"""Our orders as Alpaca's JSON: exactly what was meant, or a definite no before anything leaves."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.adapters.alpaca.body import body_of, plain, replace_body, same_order
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.trading.ports import RejectedByBrokerError
from tests.unit.adapters.alpaca.samples import order as alpaca_order

LIMIT = OrderTerms(
    account_id="a",
    instrument_id="AAPL.XNAS",
    side=Side.BUY,
    quantity=Decimal(10),
    order_type=OrderType.LIMIT,
    limit_price=Decimal("105.8988475"),
)


def one(key: str = "o-1", role: OrderRole = OrderRole.SINGLE, parent: str = "", **changes: object) -> Order:
    return Order(client_order_id=key, terms=structs.replace(LIMIT, **changes), role=role, parent_id=parent)


def take(**changes: object) -> Order:
    return one("o-T", OrderRole.TAKE, "o-1", side=Side.SELL, time_in_force=TimeInForce.GTC, **changes)


def stop(**changes: object) -> Order:
    given_terms = {"order_type": OrderType.STOP, "limit_price": None, "stop_price": Decimal(99), **changes}
    return one("o-S", OrderRole.STOP, "o-1", side=Side.SELL, time_in_force=TimeInForce.GTC, **given_terms)


def test_a_single_order_is_text_throughout() -> None:
    assert body_of([one()], "AAPL") == {
        "symbol": "AAPL",
        "qty": "10",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "client_order_id": "o-1",
        "limit_price": "105.8988475",
    }
    extended = body_of([one(session=SessionHours.EXTENDED)], "AAPL")
    assert extended["extended_hours"] is True


def test_groups_are_one_request() -> None:
    entry = one(role=OrderRole.ENTRY, time_in_force=TimeInForce.GTC)
    bracket = body_of([entry, take(), stop(order_type=OrderType.STOP_LIMIT, limit_price=Decimal(98))], "AAPL")
    assert bracket["order_class"] == "bracket"
    assert bracket["take_profit"] == {"limit_price": "105.8988475"}
    assert bracket["stop_loss"] == {"stop_price": "99", "limit_price": "98"}
    assert body_of([entry, stop()], "AAPL")["order_class"] == "oto"
    pair = body_of([take(), stop()], "AAPL")
    assert (pair["order_class"], pair["client_order_id"], pair["side"]) == ("oco", "o-T", "sell")
    at_once = one(role=OrderRole.ENTRY, order_type=OrderType.MARKET, limit_price=None)
    assert body_of([at_once, take(), stop()], "AAPL")["time_in_force"] == "gtc", "its exits last"


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        ([one(time_in_force=TimeInForce.GTD)], "TIME_IN_FORCE"),
        ([one(session=SessionHours.EXTENDED, time_in_force=TimeInForce.IOC)], "EXTENDED"),
        ([one(role=OrderRole.ENTRY), take(), stop()], "LEG_TIME"),
        ([one(role=OrderRole.ENTRY, time_in_force=TimeInForce.IOC), take(), stop()], "LEG_TIME"),
        ([one(role=OrderRole.ENTRY, time_in_force=TimeInForce.GTC), take(quantity=Decimal(3))], "LEG_QUANTITY"),
        ([take(), stop(quantity=Decimal(3))], "LEG_TIME"),
        ([one(), one("o-2")], "GROUP"),
        ([one("x" * 120)], "ORDER_ID"),
        ([one("")], "ORDER_ID"),
    ],
)
def test_what_alpaca_can_not_hold_is_refused_before_a_byte_leaves(orders: list[Order], code: str) -> None:
    with pytest.raises(RejectedByBrokerError) as caught:
        body_of(orders, "AAPL")
    assert caught.value.args[1] == code


@pytest.mark.covers("F11")
def test_a_change_names_only_what_changes_and_sizes_what_is_left() -> None:
    now = alpaca_order(filled_qty="4")
    dearer = structs.replace(LIMIT, limit_price=Decimal(106))
    body = replace_body(one(), dearer, now, Decimal(6), "r-1")
    assert {name: body[name] for name in ("qty", "limit_price")} == {"qty": "6", "limit_price": "106"}
    again = replace_body(one(), dearer, now, Decimal(6), "r-1")
    assert again["client_order_id"] == body["client_order_id"], "the same request, the same id: it can not count twice"
    other = replace_body(one(), dearer, now, Decimal(6), "r-2")
    assert other["client_order_id"] != body["client_order_id"]
    with pytest.raises(RejectedByBrokerError, match="nothing would change"):
        replace_body(one(), LIMIT, alpaca_order(), Decimal(10), "r-1")


def test_an_order_that_is_there_is_ours_only_when_it_says_the_same() -> None:
    body = body_of([one()], "AAPL")
    assert same_order(body, alpaca_order(qty="10.000"))
    for changes in ({"qty": "11"}, {"side": "sell"}, {"limit_price": "105"}, {"symbol": "MSFT"}, {"type": "stop"}):
        assert not same_order(body, alpaca_order(**changes))


@given(st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=9))
def test_numbers_are_written_plainly_and_exactly(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
