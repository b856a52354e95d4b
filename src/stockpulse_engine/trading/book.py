"""The state of trading as a pure fold of the journal's events: nothing here that a replay would not give again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import msgspec

from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.events import (
    AccountOpened,
    ActionApplied,
    EngineStarted,
    EngineStopped,
    Event,
    FillParked,
    HoldingsAdopted,
    HomeRestored,
    Reconciled,
    SuspenseEnd,
    SuspenseExplained,
    SuspenseRaised,
    TradingStateChanged,
)
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.order_machine import apply, is_surprise
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus

_K = OrderEventKind
FillKey = tuple[str, str]
"""(account id, fill id): what makes an execution unique."""
MAX_UNCLEAN = 10_000
"""Unordered stops whose moment is kept; all are counted."""


class Change(NamedTuple):
    """What one event does to the book. `order` is None for events that are not about an order."""

    event: Event
    before: Order | None = None
    order: Order | None = None
    fill: Fill | None = None
    """The execution it posts; None for a repeated one."""
    replaced: FillKey | None = None
    """The execution that it takes back."""
    is_surprise: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether it says nothing that was not known: such a word of the venue need not be journalled."""
        if self.before is None or self.order is None or self.is_surprise or self.replaced is not None:
            return False
        if self.order.status is not self.before.status:
            return False
        before, after = self.before, msgspec.structs.replace(self.order, updated_at=self.before.updated_at)
        if before.status.is_terminal:  # "too late to cancel" about what is over: words without a fact
            after = msgspec.structs.replace(after, reason=before.reason, code=before.code)
        return after == before


class RequestMark(NamedTuple):
    """What an idempotency key was used for."""

    client_order_id: str
    kind: OrderEventKind
    body_digest: str


class TradingBook:
    """Orders, executions, accounts, trading state, idempotency keys. `apply` is `plan` (pure) and then `commit`."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.fills: dict[FillKey, Fill] = {}
        self.accounts: dict[str, Account] = {}
        self.bodies: dict[str, str] = {}
        """Client order id → digest of the body it was first used with."""
        self.requests: dict[str, RequestMark] = {}
        self.cursors: dict[str, int] = {}
        """Broker → highest report sequence number that was journalled."""
        self.splits: dict[str, int] = {}
        """Instrument → market time of its last split: what was said before meant other shares."""
        self.actions: dict[FillKey, None] = {}
        """Account and corporate action, for each that was journalled."""
        self.state = TradingStateChanged(state=TradingState.ACTIVE, reason="", ts_event=0, recorded_at=0)
        self.reconciled: dict[str, Reconciled] = {}
        self.adopted: dict[str, HoldingsAdopted] = {}
        """Account → what it brought with it."""
        self.suspense: dict[str, SuspenseRaised] = {}
        """Differences to a broker that nobody has explained, by id."""
        self.ignored: dict[str, SuspenseRaised] = {}
        """Those of which a person said that we are right: known, and no longer in the way."""
        self.suspended: dict[str, int] = {}
        """Account → how many differences were ever raised."""
        self.unclean_starts = 0
        self.unclean_at: deque[int] = deque(maxlen=MAX_UNCLEAN)
        """Market time of the newest of them."""
        self.is_running = False
        self.children: dict[str, tuple[str, ...]] = {}
        self.entries: dict[str, list[int]] = {}
        """Client order id → seqs of its journal entries; kept by the durable book only."""
        self.parked: dict[FillKey, FillParked] = {}
        """Executions that wait for the answer which tells whose they are."""
        self._named: dict[FillKey, str] = {}
        """Broker and its own id of an order → ours; ids of before a change stay known."""
        self._open: dict[str, dict[str, None]] = {}
        self._unknown: dict[str, None] = {}
        self._staged: dict[str, None] = {}
        self._fills_of: dict[str, list[FillKey]] = {}
        self._taken_back: dict[FillKey, FillKey | None] = {}
        """Execution → the one that replaced it, None when it was canceled."""
        self._before: dict[FillKey, None] = {}
        """Executions that are part of what an account brought with it."""

    def apply(self, event: Event, seq: int = 0) -> Change:
        """Fold one event."""
        change = self.plan(event)
        self.commit(change, seq)
        return change

    # --- queries, all O(1) or proportional to what they return ----------------------------------------------

    def open_orders(self, account_id: str) -> Iterator[Order]:
        """Orders of an account that may still cost money: working or UNKNOWN, oldest first."""
        return (self.orders[key] for key in tuple(self._open.get(account_id, ())))

    def all_open(self) -> Iterator[Order]:
        """Open orders of all accounts."""
        return (order for account_id in tuple(self._open) for order in self.open_orders(account_id))

    def unknown_orders(self) -> Iterator[Order]:
        """Orders whose outcome at the venue is unknown."""
        return (self.orders[key] for key in tuple(self._unknown))

    def staged_orders(self) -> Iterator[Order]:
        """Orders kept INITIALIZED."""
        return (order for key in tuple(self._staged) if not (order := self.orders[key]).is_held)

    def held_orders(self) -> Iterator[Order]:
        """Orders that the engine holds until their condition is met."""
        return (order for key in tuple(self._staged) if (order := self.orders[key]).is_held)

    def fills_of(self, client_order_id: str) -> tuple[Fill, ...]:
        """Executions of one order, oldest first, those taken back left out."""
        return tuple(self.fills[key] for key in self._fills_of.get(client_order_id, ()) if key in self.fills)

    def has_fill(self, account_id: str, fill_id: str) -> bool:
        """Whether this execution was booked once, even if it was taken back later, or was adopted with its account."""
        key = (account_id, fill_id)
        return key in self.fills or key in self._taken_back or key in self._before

    def named(self, broker: str, venue_order_id: str) -> str:
        """Our id of an order that a broker names by its own; "" when it is not known."""
        return self._named.get((broker, venue_order_id), "")

    def last_fills(self, account_id: str, instrument_id: str, count: int) -> tuple[str, ...]:
        """Ids of the newest executions of an account in an instrument (in all of them with ""), newest first."""
        found = (
            fill.fill_id
            for fill in reversed(self.fills.values())
            if fill.account_id == account_id and instrument_id in ("", fill.instrument_id)
        )
        return tuple(islice(found, count))

    def open_suspense(self, account_id: str = "") -> Iterator[SuspenseRaised]:
        """Differences of an account, or of all with "", that nobody has explained."""
        return (one for one in self.suspense.values() if account_id in ("", one.account_id))

    def blocking(self, account_id: str, instrument_id: str) -> SuspenseRaised | None:
        """What holds back new orders of an instrument: a difference in it, or in the account's cash."""
        if not self.suspense:  # as nearly always: the router asks for each order
            return None
        mine = (one for one in self.open_suspense(account_id) if one.is_blocking)
        return next((one for one in mine if one.instrument_id in ("", instrument_id)), None)

    def family(self, client_order_id: str) -> tuple[str, ...]:
        """The order and, for a bracket's entry, its children."""
        return (client_order_id, *self.children.get(client_order_id, ()))

    def cursor(self, broker: str) -> int:
        """Highest report sequence number seen from this broker."""
        return self.cursors.get(broker, 0)

    def facts(self) -> dict[str, Any]:
        """A picture of everything the fold holds, for comparing two books (L12)."""
        return {name: _copied(value) for name, value in vars(self).items() if name != "entries"}

    def copy(self) -> TradingBook:
        """An independent book of the same state."""
        twin = TradingBook()
        for name, value in vars(self).items():
            setattr(twin, name, _copied(value))
        return twin

    # --- planning: pure -------------------------------------------------------------------------------------

    def plan(self, event: Event) -> Change:
        """What the event would do. Pure.

        Raises:
            InvariantError: an event of ours that is illegal now, or about an order nobody made.
        """
        if not isinstance(event, OrderEvent):
            return Change(event)
        before = self.orders.get(event.client_order_id)
        if before is None:
            if event.order is None:
                raise InvariantError(f"order {event.client_order_id}: {event.kind.value} before the order exists.")
            return Change(event, None, apply(event.order, event), is_surprise=is_surprise(event.order, event))
        if event.order is not None:
            raise InvariantError(f"order {event.client_order_id} is made twice.")
        if event.fill is not None:
            return self._plan_execution(event, before, event.fill)
        return Change(event, before, apply(before, event), is_surprise=is_surprise(before, event))

    def _plan_execution(self, event: OrderEvent, before: Order, fill: Fill) -> Change:
        key = (fill.account_id, fill.fill_id)
        if event.kind is _K.BUST:
            live = self._live(key)
            if live is None:
                return Change(event, before, before)
            if self._is_foreign(live, before):
                return Change(event, before, apply(before, _without_fill(event)), is_surprise=True)
            known = self.fills.get(live)
            if known is None:  # never booked: remember it, so that the late execution posts nothing
                return Change(event, before, apply(before, _without_fill(event)), None, key)
            order = apply(before, msgspec.structs.replace(event, fill=known))
            return Change(event, before, order, None, live, is_surprise(before, event))
        if self.has_fill(*key):
            return Change(event, before, before)
        live = self._live((fill.account_id, fill.corrects)) if event.kind is _K.CORRECT else None
        if live is None or self._is_foreign(live, before):
            return Change(event, before, apply(before, event), fill, None, is_surprise(before, event))
        known = self.fills.get(live)
        seen = event if known is not None else msgspec.structs.replace(event, kind=_K.FILL)
        # What it restates may have been lost on the way: then this is the execution itself, and the order goes on.
        return Change(event, before, apply(before, seen, known), fill, live, is_surprise(before, seen))

    def _is_foreign(self, key: FillKey, order: Order) -> bool:
        """Whether an execution belongs to another order: a venue that confuses two takes nothing from the other."""
        fill = self.fills.get(key)
        return fill is not None and fill.client_order_id != order.client_order_id

    def _live(self, key: FillKey) -> FillKey | None:
        """The execution that stands where `key` stood: itself, its last correction, or none after a bust."""
        current: FillKey | None = key
        while current is not None and current in self._taken_back:
            current = self._taken_back[current]
        return current

    # --- committing -----------------------------------------------------------------------------------------

    def commit(self, change: Change, seq: int = 0) -> None:
        """Take over a planned change; `seq` is its place in the journal."""
        event = change.event
        if isinstance(event, OrderEvent):
            self._commit_order(event, change, seq)
        elif (commit := self._COMMITS.get(type(event))) is not None:
            commit(self, event)

    def _open_account(self, event: AccountOpened) -> None:
        self.accounts.setdefault(event.account.account_id, event.account)

    def _set_state(self, event: TradingStateChanged) -> None:
        self.state = event

    def _note_reconciled(self, event: Reconciled) -> None:
        self.reconciled[event.account_id] = event

    def _act(self, event: ActionApplied) -> None:
        self.actions[event.statement.account_id, event.statement.action_id] = None
        if event.statement.is_split:
            self.splits[event.statement.instrument_id] = event.ts_event
        self._advance_cursor(event.statement.account_id, event.report_seq)

    def _start(self, event: EngineStarted) -> None:
        if not event.was_clean:
            self.unclean_starts += 1
            self.unclean_at.append(event.ts_event)
        self.is_running = True

    def _stop(self, _: EngineStopped | HomeRestored) -> None:
        self.is_running = False

    def _adopt(self, event: HoldingsAdopted) -> None:
        self.adopted.setdefault(event.account_id, event)
        self._before.update(dict.fromkeys((event.account_id, fill_id) for fill_id in event.known_fills))
        self._advance_cursor(event.account_id, event.report_seq)

    def _park(self, event: FillParked) -> None:
        self.parked[event.account_id, event.fill.fill_id] = event
        self._advance_cursor(event.account_id, event.report_seq)

    def _raise(self, event: SuspenseRaised) -> None:
        self.suspense[event.suspense_id] = event
        self.suspended[event.account_id] = self.suspended.get(event.account_id, 0) + 1

    def _explain(self, event: SuspenseExplained) -> None:
        known = self.suspense.pop(event.suspense_id, None) or self.ignored.pop(event.suspense_id, None)
        if known is not None and event.how is SuspenseEnd.IGNORE:
            self.ignored[event.suspense_id] = known

    _COMMITS: ClassVar[dict[type, Callable[..., None]]] = {
        AccountOpened: _open_account,
        TradingStateChanged: _set_state,
        Reconciled: _note_reconciled,
        ActionApplied: _act,
        EngineStarted: _start,
        EngineStopped: _stop,
        HomeRestored: _stop,
        FillParked: _park,
        HoldingsAdopted: _adopt,
        SuspenseRaised: _raise,
        SuspenseExplained: _explain,
    }
    """Facts that are not about an order; those not named here change nothing of what trading knows."""

    def _commit_order(self, event: OrderEvent, change: Change, seq: int) -> None:
        order = change.order
        if order is None:
            return
        key = order.client_order_id
        self.orders[key] = order
        self._index(order)
        if order.venue_order_id and (change.before is None or change.before.venue_order_id != order.venue_order_id):
            account = self.accounts.get(order.terms.account_id)
            self._named[account.broker if account else "", order.venue_order_id] = key
        if change.before is None and order.parent_id:
            self.children[order.parent_id] = (*self.children.get(order.parent_id, ()), key)
        if event.request_id:
            self.requests[event.request_id] = RequestMark(key, event.kind, event.body_digest)
        if event.body_digest and change.before is None:
            self.bodies[key] = event.body_digest
        if event.fill is not None:
            self._commit_execution(change, event.fill)
        if event.report_seq:
            self._advance_cursor(order.terms.account_id, event.report_seq)
        if seq:
            self.entries.setdefault(key, []).append(seq)

    def _commit_execution(self, change: Change, stated: Fill) -> None:
        posted = change.fill
        if posted is not None:
            key = (posted.account_id, posted.fill_id)
            self.fills[key] = posted
            self.parked.pop(key, None)
            self._fills_of.setdefault(posted.client_order_id, []).append(key)
            if change.replaced is not None:
                self._take_back(change.replaced, key)
        elif change.replaced is not None:
            self._take_back((stated.account_id, stated.fill_id), None)
            self._take_back(change.replaced, None)

    def _take_back(self, key: FillKey, by: FillKey | None) -> None:
        if key == by:  # restated under its own id: it stands
            return
        self.fills.pop(key, None)
        if self._taken_back.get(key) is None:
            self._taken_back[key] = by

    def _index(self, order: Order) -> None:
        key, account_id = order.client_order_id, order.terms.account_id
        _keep(self._open.setdefault(account_id, {}), key, is_in=order.is_open)
        _keep(self._unknown, key, is_in=order.is_unknown)
        _keep(self._staged, key, is_in=order.status is OrderStatus.INITIALIZED)

    def _advance_cursor(self, account_id: str, report_seq: int) -> None:
        account = self.accounts.get(account_id)
        broker = account.broker if account else ""
        if report_seq > self.cursors.get(broker, 0):
            self.cursors[broker] = report_seq


def _keep(index: dict[str, None], key: str, *, is_in: bool) -> None:
    if is_in:
        index[key] = None
    else:
        index.pop(key, None)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, list) else value


def _without_fill(event: OrderEvent) -> OrderEvent:
    return msgspec.structs.replace(event, fill=None)
