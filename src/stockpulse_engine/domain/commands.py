"""Requests to change something, as the order service takes them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.orders import OrderTerms


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Submit (or stage) one order, optionally with a take-profit and a stop as a bracket.

    `client_order_id` is minted once per intent by the caller: same id and body give the same answer, another
    body is a conflict. With `is_staged` the order is kept INITIALIZED and sent by nobody. With `is_for_record` the
    trader tried to send it and was shown the gate's refusal: that is put on record, and nothing is sent even when the
    gate would take it by now.
    """

    client_order_id: str
    terms: OrderTerms
    take_price: Decimal | None = None
    stop_price: Decimal | None = None
    is_staged: bool = False
    allow_duplicate: bool = False
    source: str = ""
    is_for_record: bool = False


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Change quantity or prices of a working order; None leaves a field as it is. `request_id` makes it idempotent."""

    client_order_id: str
    request_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    source: str = ""


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cancel one order; never blocked by limits or the halt latch (O8)."""

    client_order_id: str
    request_id: str
    source: str = ""
