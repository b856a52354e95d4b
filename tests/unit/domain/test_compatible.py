"""What was journalled before an order could do more reads and writes as it did: byte for byte, without the newer fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderRole, OrderTerms, OrderType, Side
from stockpulse_engine.trading.submit import body_digest

TERMS = OrderTerms(
    account_id="main",
    instrument_id="AAPL.XNAS",
    side=Side.BUY,
    quantity=Decimal(100),
    order_type=OrderType.LIMIT,
    limit_price=Decimal("231.40"),
)
WRITTEN = (
    b'{"type":"order","client_order_id":"C1-S","kind":"SUBMIT","ts_event":5,"recorded_at":6,"order":{"client_order_id"'
    b':"C1-S","terms":{"account_id":"main","instrument_id":"AAPL.XNAS","side":"BUY","quantity":"100","order_type":"LIMIT"'
    b',"limit_price":"231.40"},"role":"STOP","parent_id":"C1","source":"tui","created_at":5,"updated_at":5},"actor":"tui"}'
)
"""One leg of a bracket as journals of before hold it."""


def test_a_bracket_is_written_as_it_always_was() -> None:
    event = msgspec.json.decode(WRITTEN, type=OrderEvent)
    assert event.order is not None
    assert event.order.terms == TERMS
    assert (event.order.role, event.order.is_held, event.order.condition) == (OrderRole.STOP, False, None)
    assert msgspec.json.encode(event) == WRITTEN


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (SubmitOrder(client_order_id="C1", terms=TERMS), {"client_order_id", "terms"}),
        (
            ModifyOrder(client_order_id="C1", request_id="R1", quantity=Decimal(5)),
            {"client_order_id", "request_id", "quantity"},
        ),
        (CancelOrder(client_order_id="C1", request_id="R1"), {"client_order_id", "request_id"}),
    ],
)
def test_the_digest_of_a_command_is_made_of_what_it_says_alone(command: Any, names: set[str]) -> None:
    """A client that repeats a request of before the change gets the answer of before."""
    assert set(msgspec.msgpack.decode(msgspec.msgpack.encode(command))) == names
    assert body_digest(command) == body_digest(msgspec.json.decode(msgspec.json.encode(command), type=type(command)))


def test_an_order_of_before_replays_into_one_without_anything_new() -> None:
    order = Order(client_order_id="C1", terms=TERMS)
    event = OrderEvent(client_order_id="C1", kind=OrderEventKind.SUBMIT, ts_event=1, recorded_at=1, order=order)
    assert b"trail" not in msgspec.json.encode(event)
    assert b"expires" not in msgspec.json.encode(event)
    assert b"held" not in msgspec.json.encode(event)
