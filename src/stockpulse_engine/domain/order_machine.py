"""The life of an order: one table from status and event to what follows, and the pure fold over it.

The table is written to be read: a column per status, a row per kind of event. A cell is either a status (the
order goes there) or one of the words of `Rule`. Docs and tests are generated from `transition_rows()`. The legal moves
are FIX's (order state change matrices D1-D12), with three decisions of ours:

- what a venue repeats (an acceptance after a fill, a second cancel) says nothing new and keeps the status;
- a refusal may answer an order whose cancel is pending, because the cancel can overtake the order's own answer;
- an acceptance after we concluded that an order is dead is a surprise: it may be alive, and must be asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from typing import Any, Final, NamedTuple

from msgspec import structs

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms


class Rule(Enum):
    """What a cell of the table does when it is not simply a change of status."""

    ILLEGAL = "!"
    """Our own code may never do this: InvariantError."""
    SURPRISE = "?"
    """The venue says what cannot be: its fills are booked, the status stays, the UNKNOWN flag goes up."""
    GO = "go"
    """The order takes the status named in the cell."""
    STAY = "="
    """Legal and says nothing new about the status; terms and reasons are still taken over."""
    FILL = "fill"
    """Book the fill: FILLED when complete, else PARTIALLY_FILLED (a pending request stays pending)."""
    LATE = "late"
    """Book the fill of an order that was over, and mark it so."""
    REVISE = "undo"
    """An earlier execution is canceled or restated: executed quantity and average follow."""
    WORK = "work"
    """Back to work: FILLED, PARTIALLY_FILLED or ACCEPTED, as the executed quantity says."""
    UNDER = "under"
    """A request is pending: its status stays, the status beneath it changes."""
    BACK = "back"
    """The pending request is answered: back to the status beneath it, or what the fills meanwhile speak for."""
    RAISE = "flag"
    """No answer came: the UNKNOWN flag goes up."""
    LOWER = "clear"
    """Evidence or a signed decision: the UNKNOWN flag goes down."""


class Cell(NamedTuple):
    """One cell: the rule, and the status it leads to when the rule is GO."""

    rule: Rule
    target: OrderStatus | None = None


_STATUS_CODES: Final = {
    "INIT": OrderStatus.INITIALIZED,
    "DENI": OrderStatus.DENIED,
    "SUBM": OrderStatus.SUBMITTED,
    "ACCE": OrderStatus.ACCEPTED,
    "TRIG": OrderStatus.TRIGGERED,
    "PART": OrderStatus.PARTIALLY_FILLED,
    "PUPD": OrderStatus.PENDING_UPDATE,
    "PCAN": OrderStatus.PENDING_CANCEL,
    "DONE": OrderStatus.DONE_FOR_DAY,
    "SUSP": OrderStatus.SUSPENDED,
    "FILL": OrderStatus.FILLED,
    "CANC": OrderStatus.CANCELED,
    "EXPI": OrderStatus.EXPIRED,
    "REJE": OrderStatus.REJECTED,
}

_TABLE: Final = """
                 INIT   DENI   SUBM   ACCE   TRIG   PART   PUPD   PCAN   DONE   SUSP   FILL   CANC   EXPI   REJE
INITIALIZE       =      !      !      !      !      !      !      !      !      !      !      !      !      !
DENY             DENI   !      !      !      !      !      !      !      !      !      !      !      !      !
SUBMIT           SUBM   !      !      !      !      !      !      !      !      !      !      !      !      !
HOLD             =      !      !      !      !      !      !      !      !      !      !      !      !      !
DISCARD          CANC   !      !      !      !      !      !      !      !      !      !      !      !      !
CANCEL_REQUEST   !      =      PCAN   PCAN   PCAN   PCAN   PCAN   =      PCAN   PCAN   =      =      =      =
UPDATE_REQUEST   !      !      !      PUPD   PUPD   PUPD   !      !      !      !      !      !      !      !
MARK_UNKNOWN     !      !      flag   flag   flag   flag   flag   flag   flag   flag   flag   flag   flag   flag
RESOLVE          clear  clear  clear  clear  clear  clear  clear  clear  clear  clear  clear  clear  clear  clear
ACCEPT           ?      ?      ACCE   =      =      =      under  under  work   work   =      ?      ?      ?
REJECT           ?      ?      REJE   REJE   REJE   ?      ?      REJE   ?      ?      ?      ?      ?      =
TRIGGER          ?      ?      TRIG   TRIG   =      =      under  under  TRIG   TRIG   =      ?      ?      ?
TRAIL            =      ?      ACCE   =      =      =      =      =      =      =      =      ?      ?      ?
FILL             ?      ?      fill   fill   fill   fill   fill   fill   fill   fill   late   late   late   late
BUST             ?      ?      ?      ?      ?      undo   undo   undo   undo   undo   undo   undo   undo   undo
CORRECT          ?      ?      ?      ?      ?      undo   undo   undo   undo   undo   undo   undo   undo   undo
CANCEL           ?      ?      CANC   CANC   CANC   CANC   CANC   CANC   CANC   CANC   ?      =      ?      ?
CANCEL_REJECT    ?      ?      ?      =      =      =      =      back   =      =      =      =      =      =
UPDATE           ?      ?      ?      =      =      work   back   =      =      =      ?      ?      ?      ?
UPDATE_REJECT    ?      ?      ?      =      =      =      back   =      =      =      =      =      =      =
EXPIRE           ?      ?      EXPI   EXPI   EXPI   EXPI   EXPI   EXPI   EXPI   EXPI   ?      ?      =      ?
DONE_FOR_DAY     ?      ?      ?      DONE   DONE   DONE   under  under  =      ?      ?      ?      ?      ?
SUSPEND          ?      ?      ?      SUSP   SUSP   ?      under  under  ?      =      ?      ?      ?      ?
"""


def _read_table(text: str) -> dict[tuple[OrderStatus, OrderEventKind], Cell]:
    header, *rows = [line.split() for line in text.strip().splitlines()]
    columns = [_STATUS_CODES[code] for code in header]
    table: dict[tuple[OrderStatus, OrderEventKind], Cell] = {}
    for kind, *words in rows:
        for status, word in zip(columns, words, strict=True):
            target = _STATUS_CODES.get(word)
            cell = Cell(Rule.GO, target) if target else Cell(Rule(word))
            table[status, OrderEventKind(kind)] = cell
    return table


TRANSITIONS: Final = _read_table(_TABLE)
"""(status, kind of event) → cell; total: every pair has one."""

_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
"""Wide enough for the exact product and sum of any accepted quantity and price."""
_DIVIDE: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
_GOOD_NEWS: Final = frozenset(
    {
        OrderEventKind.ACCEPT,
        OrderEventKind.TRIGGER,
        OrderEventKind.TRAIL,
        OrderEventKind.FILL,
        OrderEventKind.UPDATE,
        OrderEventKind.RESOLVE,
    }
)
"""Their words stay in the journal: an order's reason is its last refusal, cancel or doubt."""
_PENDING: Final = frozenset({OrderStatus.PENDING_UPDATE, OrderStatus.PENDING_CANCEL})
_BEFORE_FILLS: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.TRIGGERED})

Changes = dict[str, Any]


def cell_of(order: Order, event: OrderEvent) -> Cell:
    """The table's cell for this order and event."""
    return TRANSITIONS[order.status, event.kind]


def is_surprise(order: Order, event: OrderEvent) -> bool:
    """Whether the venue says what cannot be: a person must see it and the venue must be asked."""
    return cell_of(order, event).rule is Rule.SURPRISE


def transition_rows() -> Iterator[tuple[str, str, str, str]]:
    """(status, kind, who causes it, result in words) of every cell, for docs and tests."""
    for (status, kind), cell in TRANSITIONS.items():
        yield status.value, kind.value, "us" if kind.is_ours else "venue", _in_words(cell)


def _in_words(cell: Cell) -> str:
    if cell.target is not None:
        return cell.target.value
    return _WORDS[cell.rule]


_WORDS: Final = {
    Rule.ILLEGAL: "illegal: InvariantError",
    Rule.SURPRISE: "venue surprise: fills booked, status kept, UNKNOWN raised",
    Rule.STAY: "status kept",
    Rule.FILL: "fill booked: FILLED when complete, else PARTIALLY_FILLED or still pending",
    Rule.LATE: "fill booked as late, status kept",
    Rule.REVISE: "executed quantity revised",
    Rule.WORK: "FILLED, PARTIALLY_FILLED or ACCEPTED, as the executed quantity says",
    Rule.UNDER: "status kept, the status to fall back to changes",
    Rule.BACK: "back to the status beneath the request, or what the fills speak for",
    Rule.RAISE: "UNKNOWN raised, status kept",
    Rule.LOWER: "UNKNOWN lowered, status kept",
}


def apply(order: Order, event: OrderEvent, replaced: Fill | None = None) -> Order:
    """The order after the event. Pure and total over the table.

    Args:
        order: the order before.
        event: what happened. That a fill is new is the caller's knowledge (by `fill_id`).
        replaced: the earlier execution that a CORRECT restates; without it the new statement is booked as a fill.

    Raises:
        InvariantError: an illegal event of ours, or one of the order invariants O1-O3 would break.
    """
    cell = TRANSITIONS[order.status, event.kind]
    if cell.rule is Rule.ILLEGAL:
        raise InvariantError(
            f"order {order.client_order_id}: {event.kind.value} is not possible when {order.status.value}.",
            fix="This is a fault of ours: trading halts; please report it with the journal.",
        )
    changes = _taken_over(order, event)
    is_contradicted = _book(order, event, cell, replaced, changes)
    _follow(order, event, cell, changes)
    _flag(order, event, cell, changes, is_contradicted=is_contradicted)
    after = structs.replace(order, **changes)
    if after.filled_quantity > _wanted(after) and not after.has_overfill:
        after = structs.replace(after, has_overfill=True)
    _check(order, after, event)
    return after


def _taken_over(order: Order, event: OrderEvent) -> Changes:
    """What every event may carry: its time, the venue's id, words."""
    changes: Changes = {"updated_at": event.ts_event}
    if event.venue_order_id and event.venue_order_id != order.venue_order_id:
        changes["venue_order_id"] = event.venue_order_id
    if event.reason and event.kind not in _GOOD_NEWS:
        changes["reason"] = event.reason
    if event.code:
        changes["code"] = event.code
    if event.fix:
        changes["fix"] = event.fix
    return changes


def _book(order: Order, event: OrderEvent, cell: Cell, replaced: Fill | None, changes: Changes) -> bool:
    """Fills are facts: booked whatever the status says. True when the venue takes back more than it ever executed."""
    fill = event.fill
    if fill is None:
        return False
    if cell.rule is Rule.LATE:
        changes["has_late_fill"] = True
    if event.kind is OrderEventKind.BUST:
        return not _post(order, changes, fill, sign=-1)
    if event.kind is OrderEventKind.CORRECT and replaced is not None:
        is_sound = _post(order, changes, replaced, sign=-1)
        before = structs.replace(order, **{key: changes[key] for key in _POSTED if key in changes})
        return not (_post(before, changes, fill, sign=1) and is_sound)
    _post(order, changes, fill, sign=1)
    return False


_POSTED: Final = ("filled_quantity", "filled_notional", "average_price", "fees")


def _post(order: Order, changes: Changes, fill: Fill, *, sign: int) -> bool:
    """Add or take back an execution; False, and nothing changed, when more would be taken back than was booked."""
    quantity = fill.quantity if sign > 0 else fill.quantity.copy_negate()
    fee = fill.fee if sign > 0 else fill.fee.copy_negate()
    filled = _EXACT.add(order.filled_quantity, quantity)
    if filled < 0:
        return False
    notional = _EXACT.add(order.filled_notional, _EXACT.multiply(quantity, fill.price))
    changes["filled_quantity"] = filled
    changes["filled_notional"] = notional if filled else ZERO
    changes["average_price"] = _DIVIDE.divide(notional, filled) if filled else None
    changes["fees"] = _EXACT.add(order.fees, fee)
    return True


def _wanted(order: Order) -> Decimal:
    """The quantity that completes the order: while a change is pending the venue may already work the larger one."""
    if order.pending_terms is None:
        return order.terms.quantity
    return max(order.terms.quantity, order.pending_terms.quantity)


def _follow(order: Order, event: OrderEvent, cell: Cell, changes: Changes) -> None:
    """Status, pending terms and the status beneath a pending request."""
    rule = cell.rule
    if rule is not Rule.SURPRISE and event.kind in _UPDATE_ANSWERS:
        changes["pending_terms"] = None
        if event.kind is OrderEventKind.UPDATE and event.terms is not None:
            changes["terms"] = event.terms
    elif event.kind in _TRAILING and event.terms is not None and order.terms.is_trailing:
        changes["terms"] = _trailed(order.terms, event.terms)
    elif event.kind in _LEAVING:
        _keep(event, changes)
    if rule is Rule.GO and cell.target is not None:
        _go(order, event, cell.target, changes)
    elif rule in (Rule.FILL, Rule.REVISE):
        _after_execution(order, rule, changes)
    elif rule is Rule.WORK:
        _settle(OrderStatus.ACCEPTED, order, changes)
    elif rule is Rule.BACK:
        _settle(order.resume_status or OrderStatus.ACCEPTED, order, changes)
    elif rule is Rule.UNDER:
        changes["resume_status"] = _beneath(order, event)


def _keep(event: OrderEvent, changes: Changes) -> None:
    """An order that was kept: it is held from now on, or it leaves with the quote of this moment as its arrival."""
    if event.kind is OrderEventKind.HOLD:
        changes["is_held"] = True
        return
    if event.arrival_bid is not None:
        changes.update(arrival_bid=event.arrival_bid, arrival_ask=event.arrival_ask)
    if event.terms is not None:
        changes["terms"] = event.terms


def _trailed(ours: OrderTerms, said: OrderTerms) -> OrderTerms:
    """Our terms with the trigger (and the limit it came with) where the venue says it stands; a pending change stays.

    What waits in `pending_terms` is no business of a trigger: the venue moves it whatever is asked meanwhile.
    """
    return structs.replace(ours, stop_price=said.stop_price, limit_price=said.limit_price)


def _go(order: Order, event: OrderEvent, target: OrderStatus, changes: Changes) -> None:
    changes["status"] = target
    if order.is_held:
        changes["is_held"] = False
    if target in _PENDING:
        changes["resume_status"] = order.resume_status if order.status in _PENDING else order.status
        if target is OrderStatus.PENDING_UPDATE:
            changes["pending_terms"] = event.terms
        return
    if order.resume_status is not None:
        changes["resume_status"] = None
    if target.is_terminal and order.pending_terms is not None:
        changes["pending_terms"] = None


def _after_execution(order: Order, rule: Rule, changes: Changes) -> None:
    filled = changes.get("filled_quantity", order.filled_quantity)
    if order.status.is_terminal:
        return
    working = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    if filled >= _wanted(order):
        changes.update(status=OrderStatus.FILLED, resume_status=None, pending_terms=None)
    elif order.status in _PENDING:
        changes["resume_status"] = working
    elif rule is Rule.FILL or order.status is OrderStatus.PARTIALLY_FILLED:
        changes["status"] = working


def _settle(fallback: OrderStatus, order: Order, changes: Changes) -> None:
    """The status that the executed quantity and the terms now in force speak for."""
    filled = changes.get("filled_quantity", order.filled_quantity)
    pending = changes.get("pending_terms", order.pending_terms)
    wanted = changes.get("terms", order.terms).quantity
    if pending is not None:
        wanted = max(wanted, pending.quantity)
    status = fallback
    if filled and filled >= wanted:
        status = OrderStatus.FILLED
        changes["pending_terms"] = None
    elif filled and fallback in _BEFORE_FILLS:
        status = OrderStatus.PARTIALLY_FILLED
    changes.update(status=status, resume_status=None)


def _beneath(order: Order, event: OrderEvent) -> OrderStatus:
    told = {
        OrderEventKind.TRIGGER: OrderStatus.TRIGGERED,
        OrderEventKind.DONE_FOR_DAY: OrderStatus.DONE_FOR_DAY,
        OrderEventKind.SUSPEND: OrderStatus.SUSPENDED,
    }.get(event.kind, OrderStatus.ACCEPTED)
    if order.filled_quantity and told in _BEFORE_FILLS:
        return OrderStatus.PARTIALLY_FILLED
    if told is OrderStatus.ACCEPTED and order.resume_status is OrderStatus.TRIGGERED:
        return OrderStatus.TRIGGERED
    return told


def _flag(order: Order, event: OrderEvent, cell: Cell, changes: Changes, *, is_contradicted: bool) -> None:
    """The UNKNOWN flag: raised by silence and surprises, lowered by evidence alone."""
    is_unknown = order.is_unknown
    if is_contradicted or cell.rule in (Rule.RAISE, Rule.SURPRISE):
        is_unknown = True
    elif cell.rule is Rule.LOWER or (is_unknown and _is_evidence(order, event, cell, changes)):
        is_unknown = False
    if is_unknown != order.is_unknown:
        changes["is_unknown"] = is_unknown
        changes["unknown_since"] = event.ts_event if is_unknown else 0


def _is_evidence(order: Order, event: OrderEvent, cell: Cell, changes: Changes) -> bool:
    """Whether a legal word of the venue proves the order's state.

    A refused cancel of an order that was never confirmed proves nothing: reading it as absence loses live orders.
    """
    if event.kind.is_ours or cell.rule is Rule.LATE:
        return False
    if event.kind in (OrderEventKind.CANCEL_REJECT, OrderEventKind.UPDATE_REJECT):
        return changes.get("status", order.status) is not OrderStatus.SUBMITTED
    return True


def _check(before: Order, after: Order, event: OrderEvent) -> None:
    """Invariants O1-O3, alive in production: a broken one must stop trading, not be carried on."""
    filled, terms = after.filled_quantity, after.terms
    holds = (
        filled >= 0
        and (filled <= _wanted(after) or after.has_overfill)
        and (after.average_price is None) == (filled == 0)
        and (filled >= before.filled_quantity or event.kind in _LOWERING)
    )
    if not holds:
        raise InvariantError(
            f"order {after.client_order_id}: {filled} of {terms.quantity} executed after {event.kind.value}: O1-O3."
        )


_LOWERING: Final = frozenset({OrderEventKind.BUST, OrderEventKind.CORRECT})
_LEAVING: Final = frozenset({OrderEventKind.HOLD, OrderEventKind.SUBMIT})
_TRAILING: Final = frozenset({OrderEventKind.TRAIL, OrderEventKind.TRIGGER})
_UPDATE_ANSWERS: Final = frozenset({OrderEventKind.UPDATE, OrderEventKind.UPDATE_REJECT})
