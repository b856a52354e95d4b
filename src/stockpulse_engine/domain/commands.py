"""Requests to change something, as the order service takes them."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import structs

from stockpulse_engine.domain.conditions import Condition
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Submit (or stage) one order, optionally with a take-profit and a stop as a bracket.

    `client_order_id` is minted once per intent by the caller: same id and body give the same answer, another
    body is a conflict. With `is_staged` the order is kept INITIALIZED and sent by nobody. With `is_for_record` the
    trader tried to send it and was shown the gate's refusal: that is put on record, and nothing is sent even when the
    gate would take it by now.

    Attributes:
        oco_stop_price: the order is a take (a limit order that closes) and comes with a stop at this price, of the same
            size: whichever executes uses up the other.
        condition: the engine holds the order until this happens, and sends it then, once.
    """

    client_order_id: str
    terms: OrderTerms
    take_price: Decimal | None = None
    stop_price: Decimal | None = None
    is_staged: bool = False
    allow_duplicate: bool = False
    source: str = ""
    is_for_record: bool = False
    oco_stop_price: Decimal | None = None
    condition: Condition | None = None


def stop_of_pair(command: SubmitOrder) -> SubmitOrder:
    """The stop of a pair as an order of its own; it executes in regular hours alone."""
    terms = structs.replace(
        command.terms,
        order_type=OrderType.STOP,
        limit_price=None,
        stop_price=command.oco_stop_price,
        session=SessionHours.REGULAR,
    )
    return structs.replace(command, terms=terms, oco_stop_price=None, allow_duplicate=True)


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Change quantity or prices of a working order; None leaves a field as it is. `request_id` makes it idempotent."""

    client_order_id: str
    request_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    source: str = ""
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    limit_offset: Decimal | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cancel one order; never blocked by limits or the halt latch (O8)."""

    client_order_id: str
    request_id: str
    source: str = ""
