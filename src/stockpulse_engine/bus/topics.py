"""Facts the rooms tell each other, beside the domain's own market events."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEvent


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An order event was made durable and applied. `fill` is set when it posted an execution."""

    order: Order
    event: OrderEvent
    fill: Fill | None
    seq: int


class AccountTouched(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the account's balances or positions changed."""

    account_id: str


class TradingStateSet(msgspec.Struct, frozen=True, kw_only=True):
    """ACTIVE, REDUCING or HALTED took effect."""

    actor: str


class LiveSet(msgspec.Struct, frozen=True):
    """Who may send live orders changed."""


class AlertRaised(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must see. `level`: info, warn, danger; `subject`: an id or part name."""

    ts_event: int
    level: str
    text: str
    subject: str = ""


class PartChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A supervised part changed state: ok, late, gone, off."""

    name: str
    state: str
    detail: str = ""
