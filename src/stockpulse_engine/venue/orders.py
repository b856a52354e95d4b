"""The venue's own record of an order: what rests in its book and in its store."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderRole, OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.domain.reports import VenueOrder

HELD, ACCEPTED, TRIGGERED, PARTIALLY_FILLED = "HELD", "ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED"
FILLED, CANCELED, EXPIRED, REJECTED = "FILLED", "CANCELED", "EXPIRED", "REJECTED"
TERMINAL = frozenset({FILLED, CANCELED, EXPIRED, REJECTED})

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)  # the last has one once it has triggered
MAX_REQUESTS = 16
"""Replace and cancel request ids remembered per order: a repeated request is answered, not acted on again."""


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it arrives at the venue's port."""

    client_order_id: str
    terms: OrderTerms
    role: OrderRole = OrderRole.SINGLE
    parent_id: str = ""


class WorkingOrder(msgspec.Struct, kw_only=True, eq=False):
    """One order with everything the matcher needs to go on after a restart.

    Attributes:
        number: the venue's running number, which is also its priority in time.
        arrive_ns: market time it reaches the book (received + latency).
        is_live: it has reached the book.
        is_resting: it has joined the queue at its price; until then it takes what is displayed.
        ahead: displayed size in front of ours at our price; None while that is not known.
        charged: fees charged so far.
        pair_id: id of the first order of a pair of which each uses up the other; "" for an order of no pair.
        trail_best: best price a trailing stop has seen.
        trail_due_ns: when the move of its trigger is to be told, 0 when it has been.
    """

    venue_order_id: str
    number: int
    account_id: str
    client_order_id: str
    terms: OrderTerms
    role: OrderRole = OrderRole.SINGLE
    parent_id: str = ""
    status: str = ACCEPTED
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    charged: Decimal = ZERO
    received_ns: int = 0
    arrive_ns: int = 0
    changed_ns: int = 0
    session_date: str = ""
    is_live: bool = False
    is_resting: bool = False
    is_triggered: bool = False
    ahead: Decimal | None = None
    open_quantity: Decimal | None = None
    """Bracket children: how much may be open now (what the entry has filled and no leg has used)."""
    cancel_ns: int = 0
    """Market time a requested cancel takes effect; 0 when none is on its way."""
    replace_ns: int = 0
    replace_terms: OrderTerms | None = None
    body: str = ""
    """Digest of the order as it was first sent: the same id with another body is refused."""
    requests: tuple[str, ...] = ()
    code: str = ""
    reason: str = ""
    pair_id: str = ""
    trail_best: Decimal | None = None
    trail_told_ns: int = 0
    trail_due_ns: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it may still execute."""
        return self.status not in TERMINAL

    @property
    def is_child(self) -> bool:
        """Whether it is a leg that waits for a bracket's entry."""
        return self.role in (OrderRole.TAKE, OrderRole.STOP) and not self.pair_id

    @property
    def group_id(self) -> str:
        """What orders have in common of which only one can execute; "" for an order of its own."""
        return self.pair_id or (self.parent_id if self.is_child else "")

    @property
    def sign(self) -> int:
        """+1 buys, -1 sells."""
        return self.terms.side.sign

    @property
    def leaves(self) -> Decimal:
        """Quantity that may execute now; 0 when terminal or held."""
        if self.status in TERMINAL:
            return ZERO
        rest = self.terms.quantity - self.filled
        return rest if self.open_quantity is None else min(rest, self.open_quantity)

    @property
    def is_auction(self) -> bool:
        """Whether it executes only in an auction."""
        return self.terms.time_in_force in (TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE)

    @property
    def is_immediate(self) -> bool:
        """Whether what does not execute at once is canceled."""
        return self.terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)

    @property
    def is_extended(self) -> bool:
        """Whether it may execute before the open and after the close."""
        return self.terms.session is SessionHours.EXTENDED

    @property
    def is_waiting_stop(self) -> bool:
        """Whether it waits for its trigger."""
        return self.terms.order_type in _STOPS and not self.is_triggered

    @property
    def is_trailing(self) -> bool:
        """Whether its trigger still follows the market."""
        return self.terms.is_trailing and not self.is_triggered

    @property
    def limit(self) -> Decimal | None:
        """The worst price it accepts, None for market orders and triggered stops."""
        return self.terms.limit_price if self.terms.order_type in _LIMITS else None

    def accepts(self, price: Decimal) -> bool:
        """Whether `price` is within the limit."""
        limit = self.limit
        return limit is None or (price <= limit if self.sign > 0 else price >= limit)

    def view(self) -> VenueOrder:
        """The statement a query is answered with."""
        return VenueOrder(
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            terms=self.terms,
            status=self.status,
            filled_quantity=self.filled,
            parent_id=self.parent_id,
            role=self.role.value,
            ts_event=self.changed_ns or self.received_ns,
            queue_ahead=self.ahead if self.is_resting and self.is_open else None,
        )
