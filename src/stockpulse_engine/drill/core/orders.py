"""The words of the simulated broker: orders, executions, news, refusals, and the rules and tricks of a personality."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderRole, OrderType, SessionHours, Side, TimeInForce

HELD, ACCEPTED, TRIGGERED, PARTIALLY_FILLED = "HELD", "ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED"
FILLED, CANCELED, EXPIRED, REJECTED = "FILLED", "CANCELED", "EXPIRED", "REJECTED"
REPLACED: Final = "REPLACED"
"""Taken over by an order of another id; only where `Rules.replaces_with_new_id`."""
TERMINAL: Final = frozenset({FILLED, CANCELED, EXPIRED, REJECTED, REPLACED})


class Refused(Exception):  # noqa: N818 - a venue's definite no is an answer; adapters turn it into their own errors
    """The venue's definite no: `code` for programs, `words` for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class NewsKind(Enum):
    """What happened, in the venue's own words."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    TRIGGER = "TRIGGER"
    FILL = "FILL"
    CANCEL = "CANCEL"
    CANCEL_REJECT = "CANCEL_REJECT"
    REPLACE = "REPLACE"
    REPLACE_REJECT = "REPLACE_REJECT"
    EXPIRE = "EXPIRE"
    BUST = "BUST"
    CORRECT = "CORRECT"
    ACTION = "ACTION"
    """A corporate action met an account; there is no order then."""
    STRANGE = "STRANGE"
    """A word no client has ever seen; `reason` holds it."""


class Trick(Enum):
    """What the venue may be made to do once, by `DrillVenue.arm`."""

    REJECT = "REJECT"
    """The next submission is refused."""
    PARTIAL = "PARTIAL"
    """The next execution is about half of what it could be."""
    FILL_BEFORE_ACK = "FILL_BEFORE_ACK"
    """The next order that is taken executes a share, and that is told before it is said to be taken."""
    FILL_AFTER_CANCEL = "FILL_AFTER_CANCEL"
    """The next canceled order executes a lot after its cancel was told."""
    OVERFILL = "OVERFILL"
    """The next execution that completes an order is one lot too large."""
    BUST = "BUST"
    """The next execution is taken back at once."""
    CORRECT = "CORRECT"
    """The next execution is restated one tick dearer for us at once."""
    REPLACE_RACE = "REPLACE_RACE"
    """The next order to be replaced is executed in full just before."""
    STRANGE = "STRANGE"
    """The next order that is taken is spoken of with a status nobody has seen."""
    VANISH = "VANISH"
    """The next order that is taken is missing from the next three lists of open orders."""
    POSITION_LAG = "POSITION_LAG"
    """The next three reports of the account's positions are those before the next execution."""
    ID_ROLLBACK = "ID_ROLLBACK"
    """The running number of orders goes back by up to fifty."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one broker unlike another.

    Attributes:
        dedup: what becomes of a second order with a client order id that was used; NONE makes a second order.
        repeats_answer: the same order again gets the first one's answer; otherwise it is refused as a duplicate.
        replaces_with_new_id: a change makes a new order and ends the old one as REPLACED.
        legs_wait_for_all: exits of a bracket open when the entry is over, not with each part of it.
        takes_shorts, checks_money: whether more may be sold than is held, and more bought than there is money for.
        cancels_on_split: working orders of the instrument end with a split; otherwise they stay as they were.
        leverage: buying power as a multiple of cash.
        fee_per_share: charged on each execution.
    """

    dedup: Dedup = Dedup.FOR_EVER
    repeats_answer: bool = True
    replaces_with_new_id: bool = False
    legs_wait_for_all: bool = False
    takes_shorts: bool = True
    checks_money: bool = False
    cancels_on_split: bool = True
    leverage: Decimal = Decimal(2)
    fee_per_share: Decimal = ZERO


class DrillOrder(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order at the simulated broker. What the venue hands out are copies.

    Attributes:
        trail, trail_percent: distance of a trailing stop from the best price since it works, one of the two.
        role: ENTRY with TAKE and STOP behind it is a bracket (with one of them: OTO); TAKE and STOP alone are an OCO.
        parent_id: client order id of the entry, or of the first leg of an OCO; "" for entries and singles.
        number: running number as brokers with integer ids count it; it can go back (`Trick.ID_ROLLBACK`).
        replaces, replaced_by: venue order ids, where a change makes a new order.
        expires_ns: end of a GTD order; 0 otherwise.
    """

    client_order_id: str
    instrument_id: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.LIMIT
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    session: SessionHours = SessionHours.REGULAR
    expires_ns: int = 0
    role: OrderRole = OrderRole.SINGLE
    parent_id: str = ""
    account_id: str = ""
    venue_order_id: str = ""
    number: int = 0
    status: str = ""
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    is_triggered: bool = False
    open_quantity: Decimal | None = None
    """Legs: how much may be open now; None for others."""
    reason: str = ""
    code: str = ""
    replaces: str = ""
    replaced_by: str = ""
    received_ns: int = 0
    changed_ns: int = 0
    filled_ns: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it may still execute."""
        return self.status not in TERMINAL

    @property
    def is_leg(self) -> bool:
        """Whether it is an exit that another order uses up or releases."""
        return self.role in (OrderRole.TAKE, OrderRole.STOP)

    @property
    def leaves(self) -> Decimal:
        """What may execute now."""
        if not self.is_open or self.status == HELD:
            return ZERO
        rest = max(ZERO, self.quantity - self.filled)
        return rest if self.open_quantity is None else min(rest, self.open_quantity)

    @property
    def average(self) -> Decimal | None:
        """Average price of its executions."""
        return self.notional / self.filled if self.filled else None

    @property
    def is_waiting_stop(self) -> bool:
        """Whether it waits for its trigger."""
        return self.order_type in _STOPS and not self.is_triggered

    @property
    def limit(self) -> Decimal | None:
        """The worst price it takes."""
        return self.limit_price if self.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None


_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


class Execution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One execution. `seq` is that of the news that told it; a restatement has an id of its own and names the first."""

    execution_id: str
    seq: int
    account_id: str
    client_order_id: str
    venue_order_id: str
    instrument_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    ts_ns: int
    corrects: str = ""

    @property
    def signed(self) -> Decimal:
        """Quantity with the direction's sign."""
        return self.quantity * self.side.sign


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, in order of `seq` from 1. `order` is the order as it was right after."""

    seq: int
    kind: NewsKind
    account_id: str
    ts_ns: int
    order: DrillOrder | None = None
    execution: Execution | None = None
    reason: str = ""
    code: str = ""
    action: ActionStatement | None = None


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """Signed quantity and the average price it was opened at."""

    quantity: Decimal
    cost: Decimal


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the venue tells it; `last_seq` is the last news it takes into account."""

    account_id: str
    cash: Decimal
    positions: dict[str, Holding]
    buying_power: Decimal
    last_seq: int
