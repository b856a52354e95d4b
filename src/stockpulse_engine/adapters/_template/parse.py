"""The broker's words and numbers as ours, and ours as the broker's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder

KINDS: Mapping[str, OrderEventKind] = {
    "accepted": OrderEventKind.ACCEPT,
    "rejected": OrderEventKind.REJECT,
    "filled": OrderEventKind.FILL,
    "canceled": OrderEventKind.CANCEL,
    "expired": OrderEventKind.EXPIRE,
}
"""The stream's words; any other is SUSPEND, and the order service flags the order (O15)."""
STATUSES = frozenset({"ACCEPTED", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED"})


def number(value: object) -> Decimal:
    """A decimal from text. Raises InvalidValueError for a float, NaN, an infinity or anything else (F35)."""
    try:
        parsed = Decimal(value) if isinstance(value, str) and value.isascii() and "_" not in value else None
    except ArithmeticError:
        parsed = None
    if parsed is None or not parsed.is_finite():
        raise InvalidValueError(f"{clean_line(repr(value), 40)} is no number.")
    return parsed


def order_body(order: Order) -> dict[str, str]:
    """The request for a new order: our id travels with it, so that the broker can be asked about it."""
    terms = order.terms
    body = {
        "client_order_id": order.client_order_id,
        "symbol": terms.instrument_id,
        "side": terms.side.value,
        "quantity": str(terms.quantity),
        "type": terms.order_type.value,
        "time_in_force": terms.time_in_force.value,
    }
    return body if terms.limit_price is None else {**body, "limit_price": str(terms.limit_price)}


def order_of(account_id: str, row: Mapping[str, Any]) -> VenueOrder:
    """The broker's view of an order. Raises InvalidValueError for a status nobody told us about."""
    if row["status"] not in STATUSES:
        raise InvalidValueError(f"The broker says {clean_line(str(row['status']), 40)!r} of an order.")
    limit = row.get("limit_price")
    terms = OrderTerms(
        account_id=account_id,
        instrument_id=str(row["symbol"]),
        side=Side(row["side"]),
        quantity=number(row["quantity"]),
        order_type=OrderType(row["type"]),
        limit_price=None if limit is None else number(limit),
        time_in_force=TimeInForce(row["time_in_force"]),
    )
    return VenueOrder(
        client_order_id=str(row["client_order_id"]),
        venue_order_id=str(row["id"]),
        terms=terms,
        status=str(row["status"]),
        filled_quantity=number(row["filled_quantity"]),
        ts_event=int(row["at_ns"]),
    )


def fill_of(account_id: str, row: Mapping[str, Any]) -> Fill:
    """One execution; its id is what makes it post once (F09)."""
    return Fill(
        fill_id=str(row["execution_id"]),
        client_order_id=str(row["client_order_id"]),
        account_id=account_id,
        instrument_id=str(row["symbol"]),
        sign=Side(row["side"]).sign,
        quantity=number(row["quantity"]),
        price=number(row["price"]),
        ts_event=int(row["at_ns"]),
        venue_order_id=str(row["id"]),
    )


def report_of(account_id: str, message: Mapping[str, Any]) -> ExecutionReport:
    """One message of the stream."""
    word = str(message["event"])
    kind = KINDS.get(word, OrderEventKind.SUSPEND)
    fill = fill_of(account_id, message) if kind is OrderEventKind.FILL else None
    known = str(message.get("reason", "")) if word in KINDS else f"the broker says {word}"
    return ExecutionReport(
        client_order_id=str(message["client_order_id"]),
        venue_order_id=str(message["id"]),
        kind=kind,
        ts_event=int(message["at_ns"]),
        report_seq=fill.ts_event if fill else 0,
        fill=fill,
        reason=clean_line(known, 200),
    )


def account_of(account_id: str, row: Mapping[str, Any]) -> VenueAccount:
    """Cash and holdings."""
    return VenueAccount(
        account_id=account_id,
        cash=number(row["cash"]),
        positions={str(symbol): number(quantity) for symbol, quantity in row["positions"].items()},
        last_report_seq=int(row["at_ns"]),
        ts_event=int(row["at_ns"]),
    )
