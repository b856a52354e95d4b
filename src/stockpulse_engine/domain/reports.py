"""Execution reports: the venue's raw statement about one of our orders, before it becomes an event."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderTerms


class ExecutionReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One message of a venue's order stream. Hints, not guarantees: may repeat, reorder or get lost.

    `kind` is the venue's word mapped to ours; an unmapped word arrives as SUSPEND with the text in `reason`
    and is flagged UNKNOWN by the service.
    """

    client_order_id: str
    venue_order_id: str
    kind: OrderEventKind
    ts_event: int
    report_seq: int = 0
    """The venue's own sequence number of the report, 0 when it has none."""
    fill: Fill | None = None
    terms: OrderTerms | None = None
    reason: str = ""
    code: str = ""
    action: ActionStatement | None = None
    """A corporate action that met an account; then there is no order, and `kind` says nothing."""


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The venue's own view of an order, from a query: the evidence reconciliation works on.

    `status` is one of ACCEPTED, TRIGGERED, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED, REJECTED,
    SUSPENDED, or HELD for a bracket child waiting for its entry.
    """

    client_order_id: str
    venue_order_id: str
    terms: OrderTerms
    status: str
    filled_quantity: Decimal = ZERO
    parent_id: str = ""
    role: str = "SINGLE"
    ts_event: int = 0
    queue_ahead: Decimal | None = None
    """Displayed size in front of ours at its price, when the venue tells."""


class VenueAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own view of cash and holdings. `positions`: instrument id → signed quantity."""

    account_id: str
    cash: Decimal
    positions: dict[str, Decimal]
    last_report_seq: int
    ts_event: int
