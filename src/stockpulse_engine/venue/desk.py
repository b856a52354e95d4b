"""The venue's back office: which orders exist, what accounts hold, which reports were made.

Everything that changes in a turn is collected in a `Turn`, which the store writes in one transaction before any of
it is told to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.venue.fees import FeeSchedule, total_fee
from stockpulse_engine.venue.orders import (
    ACCEPTED,
    CANCELED,
    EXPIRED,
    FILLED,
    PARTIALLY_FILLED,
    REJECTED,
    TRIGGERED,
    WorkingOrder,
)

Key = tuple[str, str]
"""Account id and client order id."""

_CLOSING_KINDS = {
    CANCELED: OrderEventKind.CANCEL,
    EXPIRED: OrderEventKind.EXPIRE,
    REJECTED: OrderEventKind.REJECT,
}


class AccountState(msgspec.Struct, kw_only=True, eq=False):
    """An account as the venue holds it; `positions` has no zeros."""

    account: Account
    cash: Decimal
    positions: dict[str, Decimal]


class Counters(msgspec.Struct, kw_only=True):
    """Running numbers; the store keeps them so that they go on after a restart."""

    order: int = 0
    fill: int = 0
    report: int = 0


class AccountReport(msgspec.Struct, frozen=True):
    """A report and the account it belongs to."""

    account_id: str
    report: ExecutionReport


class Turn:
    """What one turn changed: to be stored in one transaction, then told."""

    def __init__(self) -> None:
        self.reports: list[AccountReport] = []
        self.orders: dict[Key, WorkingOrder] = {}
        self.accounts: dict[str, AccountState] = {}
        self.requests: list[Key] = []
        """One entry per submission of each client order id, repeats included: the witness counts them."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.reports or self.orders or self.accounts or self.requests)


class Desk:
    """Orders, accounts and reports of one venue.

    Args:
        fees: the schedule of fees.
        epoch: minted once per store and part of every id, so that a new store never repeats the ids of an old one.
    """

    def __init__(self, fees: FeeSchedule, epoch: str, counters: Counters | None = None) -> None:
        self.fees = fees
        self.epoch = epoch
        self.counters = counters or Counters()
        self.now = 0
        """Market time of what is happening; set by the matcher alone."""
        self.accounts: dict[str, AccountState] = {}
        self.orders: dict[Key, WorkingOrder] = {}
        """Open orders, and closed ones while a bracket needs them."""
        self._legs: dict[Key, list[WorkingOrder]] = {}
        self.turn = Turn()

    def take_turn(self) -> Turn:
        """Hand over what changed since the last call, and forget closed orders that nothing needs any more."""
        turn, self.turn = self.turn, Turn()
        for order in turn.orders.values():
            if not order.is_open:
                self._forget(order)
        return turn

    def restore(self, orders: Iterable[WorkingOrder], accounts: Iterable[AccountState]) -> None:
        """Take over what the store held."""
        for state in accounts:
            self.accounts[state.account.account_id] = state
        for order in orders:
            self._register(order)

    def open_account(self, account: Account) -> AccountState:
        """Open an account, or return it when it is open already."""
        state = self.accounts.get(account.account_id)
        if state is None:
            state = AccountState(account=account, cash=account.initial_cash, positions={})
            self.accounts[account.account_id] = state
            self.turn.accounts[account.account_id] = state
        return state

    def create(self, order: WorkingOrder) -> None:
        """Register a new order; its number and venue id are minted here."""
        self.counters.order += 1
        order.number = self.counters.order
        order.venue_order_id = f"O{self.epoch}{order.number:08d}"
        order.received_ns = order.changed_ns = self.now
        self._register(order)

    def find(self, account_id: str, client_order_id: str) -> WorkingOrder | None:
        """An order in memory; a closed one may be in the store alone."""
        return self.orders.get((account_id, client_order_id))

    def legs(self, entry: WorkingOrder) -> list[WorkingOrder]:
        """The children of a bracket's entry."""
        return self._legs.get((entry.account_id, entry.client_order_id), [])

    def entry_of(self, leg: WorkingOrder) -> WorkingOrder:
        """The entry of a bracket's child."""
        return self.orders[leg.account_id, leg.parent_id]

    def pair(self, order: WorkingOrder) -> list[WorkingOrder]:
        """Both orders of the pair that one belongs to."""
        return self._legs[order.account_id, order.pair_id]

    def open_orders(self, account_id: str) -> list[WorkingOrder]:
        """Every order of the account that may still execute, oldest first."""
        return [order for order in self.orders.values() if order.account_id == account_id and order.is_open]

    def touch(self, order: WorkingOrder) -> None:
        """The order changed: it belongs to this turn."""
        self.turn.orders[order.account_id, order.client_order_id] = order

    def report(
        self,
        order: WorkingOrder,
        kind: OrderEventKind,
        *,
        fill: Fill | None = None,
        terms: OrderTerms | None = None,
        reason: str = "",
        code: str = "",
    ) -> None:
        """Make one report about an order."""
        self.counters.report += 1
        order.changed_ns = self.now
        self.touch(order)
        made = ExecutionReport(
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            kind=kind,
            ts_event=self.now,
            report_seq=self.counters.report,
            fill=fill,
            terms=terms,
            reason=reason,
            code=code,
        )
        self.turn.reports.append(AccountReport(order.account_id, made))

    def close(self, order: WorkingOrder, status: str, reason: str, code: str = "") -> None:
        """End an order without a fill: CANCELED, EXPIRED or REJECTED."""
        assert order.is_open, "an order ends once"
        order.status, order.reason, order.code = status, reason, code
        order.cancel_ns, order.replace_ns, order.replace_terms = 0, 0, None
        self.report(order, _CLOSING_KINDS[status], reason=reason, code=code)

    def trigger(self, order: WorkingOrder, reason: str, limit: Decimal | None = None) -> None:
        """A stop becomes active; a trailing one with the limit it has from now on."""
        order.is_triggered = True
        if order.status == ACCEPTED:
            order.status = TRIGGERED
        if not order.terms.is_trailing:
            self.report(order, OrderEventKind.TRIGGER, reason=reason)
            return
        order.trail_due_ns = 0
        order.terms = msgspec.structs.replace(order.terms, limit_price=limit)
        self.report(order, OrderEventKind.TRIGGER, reason=reason, terms=order.terms)

    def fill(self, order: WorkingOrder, quantity: Decimal, price: Decimal, liquidity: str) -> None:
        """Book one execution: order, fee, cash and position move together."""
        assert ZERO < quantity <= order.leaves, "never more than is open"
        assert order.accepts(price), "never worse than the limit"
        order.filled += quantity
        order.notional += quantity * price
        total = total_fee(self.fees, order.sign, order.filled, order.notional)
        fee, order.charged = total - order.charged, total
        if order.open_quantity is not None:
            order.open_quantity -= quantity
        self.counters.fill += 1
        fill = self._fill_of(order, quantity, price, fee, liquidity)
        self._book(fill)
        order.status = FILLED if order.filled == order.terms.quantity else PARTIALLY_FILLED
        self.report(order, OrderEventKind.FILL, fill=fill)

    def act(self, statement: ActionStatement) -> None:
        """Book what a corporate action does to an account: cash and position move together, and it is told."""
        state = self.accounts[statement.account_id]
        state.cash += statement.cash
        state.positions.pop(statement.instrument_id, None)
        if statement.after:
            name = statement.other_id or statement.instrument_id
            state.positions[name] = state.positions.get(name, ZERO) + statement.after
        self.turn.accounts[statement.account_id] = state
        self.counters.report += 1
        made = ExecutionReport(
            client_order_id="",
            venue_order_id="",
            kind=OrderEventKind.UPDATE,
            ts_event=self.now,
            report_seq=self.counters.report,
            action=statement,
        )
        self.turn.reports.append(AccountReport(statement.account_id, made))

    def _fill_of(self, order: WorkingOrder, quantity: Decimal, price: Decimal, fee: Decimal, liquidity: str) -> Fill:
        return Fill(
            fill_id=f"V{self.epoch}{self.counters.fill:08d}",
            client_order_id=order.client_order_id,
            account_id=order.account_id,
            instrument_id=order.terms.instrument_id,
            sign=order.sign,
            quantity=quantity,
            price=price,
            fee=fee,
            currency=self.accounts[order.account_id].account.currency,
            liquidity=liquidity,
            ts_event=self.now,
            venue_order_id=order.venue_order_id,
        )

    def _book(self, fill: Fill) -> None:
        state = self.accounts[fill.account_id]
        state.cash -= fill.signed_quantity * fill.price + fill.fee
        held = state.positions.pop(fill.instrument_id, ZERO) + fill.signed_quantity
        if held:
            state.positions[fill.instrument_id] = held
        self.turn.accounts[fill.account_id] = state

    def _register(self, order: WorkingOrder) -> None:
        self.orders[order.account_id, order.client_order_id] = order
        if order.group_id:
            self._legs.setdefault((order.account_id, order.group_id), []).append(order)

    def _forget(self, order: WorkingOrder) -> None:
        entry_key = (order.account_id, order.group_id or order.client_order_id)
        legs = self._legs.get(entry_key, [])
        entry = self.orders.get(entry_key)
        if (entry is not None and entry.is_open) or any(leg.is_open for leg in legs):
            return
        self.orders.pop(entry_key, None)
        for leg in self._legs.pop(entry_key, []):
            self.orders.pop((leg.account_id, leg.client_order_id), None)
