"""A venue in memory that loses, delays, repeats and reorders what it says, and counts what reached it.

It keeps its truth in `orders` and `reports` through any crash of the engine under test: a new `FakeBroker` on the
same `FakeVenue` is a new link to the same market.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import BrokerCapabilities, Dedup
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, TimeInForce
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

K = OrderEventKind
DEAD = frozenset({"CANCELED", "EXPIRED", "REJECTED", "FILLED"})


@dataclass
class FakeVenue:
    """The venue's truth. `now` is its clock."""

    now: Callable[[], int] = lambda: 1
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    fills: list[tuple[int, Fill]] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    cash: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    reports: list[ExecutionReport] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    """How many submit requests carried each client order id."""
    made: Counter[str] = field(default_factory=Counter)
    """How many orders were made from each client order id: more than one is a duplicate."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    fills_at: Decimal | None = None
    """When set, whatever is accepted is filled at once at this price."""
    rejects: tuple[str, str] | None = None
    """When set, new orders are refused with this (reason, code)."""

    def say(self, kind: OrderEventKind, key: str, **more: object) -> ExecutionReport:
        """Add a report about an order to the stream."""
        order = self.orders.get(key)
        report = ExecutionReport(
            client_order_id=key,
            venue_order_id=order.venue_order_id if order else "",
            kind=kind,
            ts_event=self.now(),
            report_seq=len(self.reports) + 1,
        )
        report = structs.replace(report, **more)
        self.reports.append(report)
        self.changed.set()
        return report

    def receive(self, orders: Sequence[Order]) -> None:
        """A submission arrived. The same id never makes a second order."""
        for order in orders:
            key = order.client_order_id
            self.arrived[key] += 1
            if key in self.orders:
                continue
            self.made[key] += 1
            status = "HELD" if order.parent_id else "ACCEPTED"
            self.orders[key] = VenueOrder(
                client_order_id=key,
                venue_order_id=f"V-{key}",
                terms=order.terms,
                status=status,
                parent_id=order.parent_id,
                role=order.role.value,
                ts_event=self.now(),
            )
            self.say(K.ACCEPT, key)
            if self.fills_at is not None and not order.parent_id:
                self.fill(key, order.terms.quantity, self.fills_at)

    def fill(self, key: str, quantity: Decimal | int, price: Decimal | int, *, fill_id: str = "") -> Fill:
        """Execute (part of) an order."""
        order = self.orders[key]
        terms = order.terms
        done = Fill(
            fill_id=fill_id or f"X{len(self.fills) + 1}",
            client_order_id=key,
            account_id=terms.account_id,
            instrument_id=terms.instrument_id,
            sign=terms.side.sign,
            quantity=Decimal(quantity),
            price=Decimal(price),
            ts_event=self.now(),
            venue_order_id=order.venue_order_id,
        )
        filled = order.filled_quantity + done.quantity
        status = order.status if order.status in DEAD else "FILLED" if filled >= terms.quantity else "PARTIALLY_FILLED"
        self.orders[key] = structs.replace(order, filled_quantity=filled, status=status)
        held = self.positions.setdefault(terms.account_id, {})
        held[terms.instrument_id] = held.get(terms.instrument_id, ZERO) + done.signed_quantity
        self.cash[terms.account_id] = self.cash.get(terms.account_id, ZERO) - done.signed_quantity * done.price
        self.fills.append((len(self.reports) + 1, done))
        self.say(K.FILL, key, fill=done)
        return done

    def end(self, key: str, kind: OrderEventKind = K.CANCEL, reason: str = "") -> None:
        """Cancel or expire an order, and the children that wait for it."""
        order = self.orders[key]
        if order.status in DEAD:
            return
        self.orders[key] = structs.replace(order, status="CANCELED" if kind is K.CANCEL else "EXPIRED")
        self.say(kind, key, reason=reason)
        for child in [one for one in self.orders.values() if one.parent_id == key and not order.filled_quantity]:
            self.end(child.client_order_id, kind, "its entry is over")

    def ask_cancel(self, key: str) -> None:
        """A cancel request arrived."""
        order = self.orders.get(key)
        if order is None or order.status in DEAD:
            if order is not None:
                self.say(K.CANCEL_REJECT, key, reason="too late")
            else:
                raise RejectedByBrokerError("unknown order", "unknown")
        else:
            self.end(key)


class FakeBroker:
    """Implements `trading.ports.Broker` on a FakeVenue. Script its failures by the attributes."""

    def __init__(self, venue: FakeVenue, *, name: str = "fake", numbers_reports: bool = True) -> None:
        self.venue = venue
        self.name = name
        self.numbers_reports = numbers_reports
        """Whether its reports are numbered; otherwise they carry the time of what they state."""
        self.blind_accounts: set[str] = set()
        """Queries about these accounts raise."""
        self.fails_at = 0
        """The n-th query from now raises; 0 for none."""
        self.is_connected = False
        self.fate: list[str] = []
        """What becomes of the next submits: `ok`, `lost` (never arrives), `silent` (arrives, no answer), `refused`."""
        self.cancel_fate: list[str] = []
        self.change_fate: list[str] = []
        self.is_blind = False
        """Queries raise."""
        self.holds_reports = False
        self.withheld: set[int] = set()
        """Sequence numbers of reports that are never sent."""
        self.refuses_link = False
        self.queries = 0
        self.can_replace = True
        self.dedup = Dedup.FOR_EVER
        self.is_bare = False
        """It takes plain orders alone: no groups, no trailing stops."""
        self.gate: asyncio.Event | None = None
        """When set, submits wait for it before they arrive."""
        self._is_cut = False

    @property
    def capabilities(self) -> BrokerCapabilities:
        """Like the paper venue."""
        return BrokerCapabilities(
            name=self.name,
            deduplicates=True,
            holds_brackets=not self.is_bare,
            supports_replace=self.can_replace,
            dedup=self.dedup,
            holds_oco=not self.is_bare,
            holds_oto=not self.is_bare,
            holds_trailing=not self.is_bare,
            order_types=frozenset({OrderType.MARKET, OrderType.LIMIT} if self.is_bare else OrderType),
            times_in_force=frozenset({TimeInForce.DAY, TimeInForce.GTC} if self.is_bare else TimeInForce),
            numbers_reports=self.numbers_reports,
            overlap=1000 if self.numbers_reports else 600_000_000_000,
        )

    async def connect(self) -> None:
        """Open the link."""
        if self.refuses_link:
            raise UnavailableError("the venue is away")
        self.is_connected = True
        self._is_cut = False

    async def close(self) -> None:
        """Close the link."""
        self.cut()

    def cut(self) -> None:
        """The link drops: streams end."""
        self.is_connected = False
        self._is_cut = True
        self.venue.changed.set()

    async def open_account(self, account: Account) -> None:
        """Make the account known."""
        self._require_link()
        if account.account_id not in self.venue.accounts:
            self.venue.accounts[account.account_id] = account
            self.venue.cash[account.account_id] = account.initial_cash

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send orders, to the fate that is due."""
        if self.gate is not None:
            await self.gate.wait()
        fate = self.fate.pop(0) if self.fate else "ok"
        if fate == "lost":
            raise AmbiguousOutcomeError("timeout before the answer")
        if fate == "refused" or self.venue.rejects:
            raise RejectedByBrokerError(*(self.venue.rejects or ("no", "no")))
        self._require_link()
        self.venue.receive(orders)
        if fate == "silent":
            raise AmbiguousOutcomeError("timeout after the request")

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Send new terms."""
        fate = self.change_fate.pop(0) if self.change_fate else "ok"
        if fate == "lost":
            raise AmbiguousOutcomeError("timeout before the answer")
        self._require_link()
        key = order.client_order_id
        found = self.venue.orders[key]
        if found.status in DEAD or fate == "refused":
            self.venue.say(K.UPDATE_REJECT, key, reason="too late")
        else:
            self.venue.orders[key] = structs.replace(found, terms=terms)
            self.venue.say(K.UPDATE, key, terms=terms)
        if fate == "silent":
            raise AmbiguousOutcomeError("timeout after the request")

    async def cancel(self, order: Order, request_id: str) -> None:
        """Send a cancel."""
        fate = self.cancel_fate.pop(0) if self.cancel_fate else "ok"
        if fate == "lost":
            raise AmbiguousOutcomeError("timeout before the answer")
        self._require_link()
        self.venue.ask_cancel(order.client_order_id)
        if fate == "silent":
            raise AmbiguousOutcomeError("timeout after the request")

    async def cancel_all(self, account_id: str) -> None:
        """Cancel everything of the account."""
        self._require_link()
        for key, order in list(self.venue.orders.items()):
            if order.terms.account_id == account_id and order.status not in DEAD:
                self.venue.end(key)

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """Missed reports, then live, until the link drops."""
        sent = after_seq
        if not self.numbers_reports:
            sent = sum(1 for one in self.venue.reports if one.ts_event <= after_seq)
        while not self._is_cut:
            batch = [one for one in self.venue.reports[sent:] if one.report_seq not in self.withheld]
            if batch and not self.holds_reports:
                sent = len(self.venue.reports)
                yield batch if self.numbers_reports else [_unnumbered(one) for one in batch]
                continue
            self.venue.changed.clear()
            await self.venue.changed.wait()

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """One order, or the venue's own word that there is none."""
        self._require_sight(account_id)
        return self.venue.orders.get(client_order_id)

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """Working orders."""
        self._require_sight(account_id)
        orders = self.venue.orders.values()
        return [one for one in orders if one.terms.account_id == account_id and one.status not in DEAD]

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """Executions after the cursor."""
        self._require_sight(account_id)
        made = [(seq if self.numbers_reports else fill.ts_event, fill) for seq, fill in self.venue.fills]
        return [fill for at, fill in made if at > after_seq and fill.account_id == account_id]

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and holdings."""
        self._require_sight(account_id)
        held = {key: value for key, value in self.venue.positions.get(account_id, {}).items() if value}
        return VenueAccount(
            account_id=account_id,
            cash=self.venue.cash.get(account_id, ZERO),
            positions=held,
            last_report_seq=len(self.venue.reports) if self.numbers_reports else 0,
            ts_event=self.venue.now(),
        )

    def _require_link(self) -> None:
        if not self.is_connected:
            raise AmbiguousOutcomeError("the link is down")

    def _require_sight(self, account_id: str) -> None:
        self.queries += 1
        self.fails_at -= 1
        if self.fails_at == 0:
            raise UnavailableError("cut off half-way")
        if self.is_blind or not self.is_connected or account_id in self.blind_accounts:
            raise UnavailableError("no answer")


def _unnumbered(report: ExecutionReport) -> ExecutionReport:
    """As a broker says it that has no numbers: an execution carries its time, anything else nothing."""
    return structs.replace(report, report_seq=report.ts_event if report.fill is not None else 0)
