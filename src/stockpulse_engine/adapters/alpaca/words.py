"""Alpaca's words as ours: statuses, events of the stream, types, times in force."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import structs

from stockpulse_engine.adapters.alpaca.parse import AlpacaOrder
from stockpulse_engine.adapters.alpaca.symbols import is_link
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderTerms, OrderType, SessionHours, Side, TimeInForce

_K = OrderEventKind
STATUSES: Final = {
    "new": "ACCEPTED", "accepted": "ACCEPTED", "pending_new": "ACCEPTED", "accepted_for_bidding": "ACCEPTED",
    "stopped": "ACCEPTED", "pending_cancel": "ACCEPTED", "pending_replace": "ACCEPTED", "calculated": "ACCEPTED",
    "done_for_day": "ACCEPTED", "partially_filled": "PARTIALLY_FILLED", "filled": "FILLED", "canceled": "CANCELED",
    "expired": "EXPIRED", "rejected": "REJECTED", "suspended": "SUSPENDED", "held": "HELD",
}  # fmt: skip
"""An order's status → `VenueOrder.status`. `replaced` is none: whoever asks follows it to the order that took over."""
UNKNOWN_STATUS: Final = "UNKNOWN"
"""For a word nobody told us about: it proves neither life nor death."""
REPLACED: Final = "replaced"
OVER: Final = frozenset({"filled", "canceled", "expired", "rejected", REPLACED})

EVENTS: Final = {
    "new": _K.ACCEPT, "accepted": _K.ACCEPT, "held": _K.ACCEPT, "fill": _K.FILL, "partial_fill": _K.FILL,
    "canceled": _K.CANCEL, "expired": _K.EXPIRE, "rejected": _K.REJECT, "done_for_day": _K.DONE_FOR_DAY,
    "suspended": _K.SUSPEND,
    "replaced": _K.UPDATE, "restated": _K.UPDATE, "order_cancel_rejected": _K.CANCEL_REJECT,
    "order_replace_rejected": _K.UPDATE_REJECT,
}  # fmt: skip
QUIET_EVENTS: Final = frozenset(
    {"pending_new", "pending_cancel", "pending_replace", "calculated", "stopped", "accepted_for_bidding"}
)
"""Steps on the way that say nothing a person could act on. Every other word is SUSPEND: kept, and asked about (O15)."""
GROUPS: Final = frozenset({"bracket", "oco", "oto"})

TYPES: Final = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
}
TIMES: Final = {
    TimeInForce.DAY: "day",
    TimeInForce.GTC: "gtc",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.AT_THE_OPEN: "opg",
    TimeInForce.AT_THE_CLOSE: "cls",
}
"""What Alpaca takes; it has no GTD."""
_TYPE_OF: Final = {word: each for each, word in TYPES.items()}
_TIME_OF: Final = {word: each for each, word in TIMES.items()}
_HUNDRED: Final = Decimal(100)


class Fact(NamedTuple):
    """One thing an order's snapshot proves: what, when, and in which words. `key` names it in every source."""

    kind: OrderEventKind
    at: int
    reason: str = ""
    code: str = ""

    def key(self, order_id: str) -> str:
        """The same fact has the same key, whether the stream or a question told it."""
        return f"{order_id} {self.kind.value}"


def facts_of(order: AlpacaOrder) -> list[Fact]:
    """What a snapshot proves beside executions, oldest first. A change (`replaced`) is none of these."""
    is_change = is_link(order.client_order_id) or bool(order.replaces)
    found: list[Fact] = []
    if not is_change and order.status != "rejected":
        found.append(Fact(_K.ACCEPT, order.submitted_at or order.updated_at))
    later = order.updated_at or order.submitted_at
    if order.status == "canceled":
        found.append(Fact(_K.CANCEL, order.canceled_at or later))
    elif order.status == "expired":
        found.append(Fact(_K.EXPIRE, order.expired_at or later))
    elif order.status == "rejected":
        found.append(Fact(_K.UPDATE_REJECT if is_change else _K.REJECT, order.failed_at or later, "rejected"))
    elif order.status == "done_for_day":
        found.append(Fact(_K.DONE_FOR_DAY, later))
    elif order.status == "suspended":
        found.append(Fact(_K.SUSPEND, later, "suspended", "suspended"))
    elif order.status not in STATUSES and order.status != REPLACED:
        found.append(Fact(_K.SUSPEND, later, f"Alpaca shows it {order.status}"))
    return found


def status_of(order: AlpacaOrder, filled_before: Decimal = ZERO) -> str:
    """Its status in our words, with what was executed before it was changed."""
    word = STATUSES.get(order.status, UNKNOWN_STATUS)
    return "PARTIALLY_FILLED" if word == "ACCEPTED" and order.filled_quantity + filled_before else word


def terms_of(
    order: AlpacaOrder, account_id: str, instrument_id: str, *, filled_before: Decimal, base: OrderTerms | None
) -> OrderTerms:
    """The instruction an order carries. What Alpaca does not hold (strategy, lots) is taken from `base`, our own.

    `filled_before`: executed by the orders it took the place of; the whole instruction includes that.
    """
    seen = OrderTerms(
        account_id=account_id,
        instrument_id=instrument_id,
        side=side_of(order.side),
        quantity=_quantity(order) + filled_before,
        order_type=_TYPE_OF.get(order.order_type, OrderType.MARKET),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        time_in_force=_TIME_OF.get(order.time_in_force, TimeInForce.DAY),
        session=SessionHours.EXTENDED if order.is_extended else SessionHours.REGULAR,
        trail_amount=order.trail_price,
        trail_fraction=None if order.trail_percent is None else order.trail_percent / _HUNDRED,
    )
    if base is None:
        return seen
    return structs.replace(
        seen, is_reduce_only=base.is_reduce_only, lots=base.lots, strategy=base.strategy, instrument_id=instrument_id
    )


def side_of(word: str) -> Side:
    """`buy` and its variants, else SELL."""
    return Side.BUY if word.startswith("buy") else Side.SELL


def _quantity(order: AlpacaOrder) -> Decimal:
    """Shares ordered; of an order by amount of money what was executed, as nothing else is known in shares."""
    return order.quantity if order.quantity is not None else order.filled_quantity or ZERO
