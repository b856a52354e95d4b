"""Orders as values: the instruction, its state, and the events that change it.

Values hold no cycles, so the garbage collector need not look at them (`gc=False`): a long day of orders stays cheap.

The transition table lives in `order_machine`; this module holds only the words (DESIGN §10).
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.conditions import Condition
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO


class Side(Enum):
    """Direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(Enum):
    """How the price of execution is bound."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(Enum):
    """How long the order lives."""

    DAY = "DAY"
    GTC = "GTC"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"
    AT_THE_OPEN = "AT_THE_OPEN"
    AT_THE_CLOSE = "AT_THE_CLOSE"


class SessionHours(Enum):
    """Whether the order may execute outside regular hours."""

    REGULAR = "REGULAR"
    EXTENDED = "EXTENDED"


class OrderRole(Enum):
    """Place of an order within a bracket; SINGLE for an order of its own."""

    SINGLE = "SINGLE"
    ENTRY = "ENTRY"
    TAKE = "TAKE"
    STOP = "STOP"


_TERMINAL = frozenset({"DENIED", "REJECTED", "FILLED", "CANCELED", "EXPIRED"})


class OrderStatus(Enum):
    """Last proven status of an order. UNKNOWN is not one of these: it is a flag beside it."""

    INITIALIZED = "INITIALIZED"
    DENIED = "DENIED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    TRIGGERED = "TRIGGERED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    SUSPENDED = "SUSPENDED"

    __hash__ = object.__hash__  # members are equal by identity; Enum's own hash is a call of Python code

    def __init__(self, word: str) -> None:
        self.is_terminal = word in _TERMINAL
        """Whether no further execution is expected (a late fill is still booked)."""
        self.is_working = word not in _TERMINAL and word != "INITIALIZED"
        """Whether the order may still execute at the venue."""


class OrderEventKind(Enum):
    """What may happen to an order, by us (commands) or by the venue (reports)."""

    INITIALIZE = "INITIALIZE"
    DENY = "DENY"
    SUBMIT = "SUBMIT"
    CANCEL_REQUEST = "CANCEL_REQUEST"
    UPDATE_REQUEST = "UPDATE_REQUEST"
    HOLD = "HOLD"
    """A staged (INITIALIZED) order with a condition is held from now on: the engine sends it when that happens."""
    DISCARD = "DISCARD"
    """A staged (INITIALIZED) order is thrown away by its owner."""
    MARK_UNKNOWN = "MARK_UNKNOWN"
    """No answer from the venue: raise the UNKNOWN flag."""
    RESOLVE = "RESOLVE"
    """Venue evidence or a signed human decision lowers the UNKNOWN flag."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    TRIGGER = "TRIGGER"
    TRAIL = "TRAIL"
    """The trigger of a trailing stop stands at another price."""
    FILL = "FILL"
    BUST = "BUST"
    """The venue cancels an earlier execution (FIX TradeCancel)."""
    CORRECT = "CORRECT"
    """The venue restates an earlier execution (FIX TradeCorrect)."""
    CANCEL = "CANCEL"
    CANCEL_REJECT = "CANCEL_REJECT"
    UPDATE = "UPDATE"
    UPDATE_REJECT = "UPDATE_REJECT"
    EXPIRE = "EXPIRE"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    SUSPEND = "SUSPEND"

    __hash__ = object.__hash__  # as above

    @property
    def is_ours(self) -> bool:
        """Whether our own code causes it; an illegal one is an InvariantError, a venue's is booked and flagged."""
        return self in _OURS


_OURS = frozenset(
    {
        OrderEventKind.INITIALIZE,
        OrderEventKind.DENY,
        OrderEventKind.SUBMIT,
        OrderEventKind.CANCEL_REQUEST,
        OrderEventKind.UPDATE_REQUEST,
        OrderEventKind.HOLD,
        OrderEventKind.DISCARD,
        OrderEventKind.MARK_UNKNOWN,
        OrderEventKind.RESOLVE,
    }
)


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The instruction itself: what a person or strategy wants done. Never changes but by UPDATE.

    Attributes:
        quantity: always positive; the side gives the direction.
        lots: ids of lots to close, in order, when the account's owner picked them; empty means the lot method.
        stop_price: the trigger. Of a TRAILING_STOP it is none of the instruction: it is where the trigger stands by the
            venue's last word, None before that.
        trail_amount, trail_fraction: how far the trigger of a TRAILING_STOP follows the best price, in money or as a
            part of it: exactly one of them.
        limit_offset: a TRAILING_STOP becomes a limit order so far beyond its trigger; None: a market order.
        expires_at: moment (UTC ns) at which a GTD order ends …
        expires_on: … or the session (`2026-11-25`) with whose regular hours (extended ones for such an order) it ends.
    """

    account_id: str
    instrument_id: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    session: SessionHours = SessionHours.REGULAR
    is_reduce_only: bool = False
    lots: tuple[str, ...] = ()
    strategy: str = "manual"
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    limit_offset: Decimal | None = None
    expires_at: int = 0
    expires_on: str = ""

    @property
    def is_trailing(self) -> bool:
        """Whether its trigger follows the market."""
        return self.order_type is OrderType.TRAILING_STOP

    def trail_from(self, price: Decimal) -> Decimal | None:
        """Where the trigger of a trailing stop stands, off the tick, when `price` is the best seen; None for others."""
        if self.trail_amount is not None:
            distance = self.trail_amount
        elif self.trail_fraction is not None:
            distance = price * self.trail_fraction
        else:
            return None
        return price + distance * self.side.sign


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order and everything proven about it; a fold of its events, never edited in place."""

    client_order_id: str
    terms: OrderTerms
    status: OrderStatus = OrderStatus.INITIALIZED
    is_unknown: bool = False
    """Venue outcome unknown: counted at worst case until evidence arrives."""
    has_late_fill: bool = False
    has_overfill: bool = False
    role: OrderRole = OrderRole.SINGLE
    parent_id: str = ""
    """Client order id of the bracket's entry; "" for entries and singles."""
    venue_order_id: str = ""
    filled_quantity: Decimal = ZERO
    filled_notional: Decimal = ZERO
    """Exact sum of quantity × price of its fills: the average is derived from it, so it never drifts."""
    filled_before: Decimal = ZERO
    """What of a foreign order was executed before it was adopted: part of what the account brought with it, and of
    the broker's quantities, but not of its terms here."""
    average_price: Decimal | None = None
    fees: Decimal = ZERO
    pending_terms: OrderTerms | None = None
    """The terms asked for by an UPDATE_REQUEST not yet answered."""
    resume_status: OrderStatus | None = None
    """Status to fall back to when a pending cancel or update is refused."""
    reason: str = ""
    """Last refusal or cancel reason in words (sanitised external text)."""
    code: str = ""
    """Denial code when DENIED, venue reject code when REJECTED."""
    fix: str = ""
    """What to do about a denial, so that a repeated request gets the same answer."""
    arrival_bid: Decimal | None = None
    arrival_ask: Decimal | None = None
    """Quote at submission: the arrival price that slippage is measured against."""
    source: str = ""
    """Which head or command made it: `tui`, `cli`, `api`, …"""
    created_at: int = 0
    updated_at: int = 0
    unknown_since: int = 0
    condition: Condition | None = None
    """What the engine waits (or waited) for before it sends it."""
    is_held: bool = False
    """The engine holds it: it is INITIALIZED, at no venue, and leaves by itself when its condition is met."""

    @property
    def leaves_quantity(self) -> Decimal:
        """Quantity still to execute; 0 when terminal (O1)."""
        if self.status.is_terminal:
            return ZERO
        return max(ZERO, self.terms.quantity - self.filled_quantity)

    @property
    def is_open(self) -> bool:
        """Whether it may still cost money: working at the venue, or UNKNOWN."""
        return self.status.is_working or self.is_unknown


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="order"):
    """One fact about one order, in the past tense. `ts_event` is market time, `recorded_at` wall time."""

    client_order_id: str
    kind: OrderEventKind
    ts_event: int
    recorded_at: int
    order: Order | None = None
    """The whole initial order, only on INITIALIZE, DENY (of a new order) and SUBMIT (of a new order)."""
    fill: Fill | None = None
    """The execution, on FILL, BUST (the reversed one) and CORRECT (the new statement)."""
    terms: OrderTerms | None = None
    """New terms on UPDATE_REQUEST and UPDATE; where the trigger stands on TRAIL and TRIGGER of a trailing stop; what
    leaves on SUBMIT of one that the engine held."""
    venue_order_id: str = ""
    reason: str = ""
    code: str = ""
    fix: str = ""
    actor: str = ""
    """Who caused it: head and role for ours, venue for theirs."""
    request_id: str = ""
    """Idempotency key of the command behind one of our events; "" for the venue's."""
    body_digest: str = ""
    """Digest of that command's body: the same key with another body is a conflict."""
    limits: str = ""
    """Of an order of ours on its way out: name of the limits it was judged by."""
    report_seq: int = 0
    """The venue's sequence number of the report behind one of its events: the cursor after a restart."""
    hops: dict[str, int] = {}
    """Milestone → nanoseconds since the one before, on the venue's first word and the first fill: kept for ever."""
    arrival_bid: Decimal | None = None
    """The quote at that moment, on SUBMIT of an order that was kept until then."""
    arrival_ask: Decimal | None = None
