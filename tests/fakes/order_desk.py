"""An order service on fakes and virtual time: the whole room without disk, network or waiting."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import structs

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.ids import counted_ids
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, OrderChanged
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import AccountView, Preview
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.trading.arming import Connections
from stockpulse_engine.trading.desk import Timing
from stockpulse_engine.trading.ports import Broker, HaltLatch, Journal
from stockpulse_engine.trading.service import OrderService
from tests.fakes.fake_broker import FakeBroker, FakeVenue
from tests.fakes.memory_journal import MemoryJournal

ACCOUNT = Account(
    account_id="PAPER",
    kind=AccountKind.PAPER,
    account_type=AccountType.MARGIN,
    currency="USD",
    initial_cash=Decimal(100_000),
    broker="fake",
)
AAPL, MSFT = "AAPL.XNAS", "MSFT.XNAS"
_ids = itertools.count(1)


class VirtualTime:
    """A clock and its sleepers: time passes only in `advance`."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced that far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self.clock.monotonic_ns() + int(seconds * 1e9)
        heapq.heappush(self._sleepers, (due, next(self._order), future))
        await future

    def rule_the_loop(self) -> None:
        """Timeouts pass as this clock does: how busy the machine is decides nothing."""
        loop = asyncio.get_running_loop()
        loop.time = lambda: self.clock.monotonic_ns() / 1e9  # type: ignore[method-assign] # this loop is the test's own

    async def settle(self) -> None:
        """Let everything that can run now run."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # the loop's own queue: empty is quiet
        for _ in range(1000):
            await asyncio.sleep(0)
            if not ready:
                return

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking sleepers in order."""
        end = self.clock.monotonic_ns() + int(seconds * 1e9)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self.clock.advance(max(0, due - self.clock.monotonic_ns()))
            if not future.done():
                future.set_result(None)
            await self.settle()
        self.clock.advance(max(0, end - self.clock.monotonic_ns()))
        await self.settle()


class FakeLatch:
    """A latch in memory."""

    def __init__(self) -> None:
        self.is_latched = False
        self.is_broken = False

    def is_set(self) -> bool:
        """Whether it is latched."""
        return self.is_latched

    def set(self, reason: str, actor: str) -> None:
        """Latch, unless the disk is broken."""
        if self.is_broken:
            raise OSError(28, "No space left on device")
        self.is_latched = True

    def clear(self) -> None:
        """Unlatch."""
        self.is_latched = False

    def note(self) -> str:
        """Only touched."""
        return ""


class FakeGate:
    """Lets everything pass until told otherwise."""

    def __init__(self) -> None:
        self.denial: Verdict | None = None
        self.judged: list[tuple[SubmitOrder, str]] = []
        self.noted: list[str] = []

    def deny(self, code: DenialCode, sentence: str = "It may not.", fix: str = "Do not.") -> None:
        """Refuse from now on."""
        self.denial = Verdict(is_allowed=False, rows=(), code=code, sentence=sentence, fix=fix)

    def judge(self, command: SubmitOrder, *, exclude: str = "") -> Verdict:
        """As told."""
        self.judged.append((command, exclude))
        return self.denial or Verdict(is_allowed=True, rows=())

    def preview(self, command: SubmitOrder) -> Preview:
        """As told."""
        verdict = self.judge(command)
        return Preview(sentence="", notional=None, rows=(), is_allowed=verdict.is_allowed, denial=verdict.denial)

    def note(self, order: Order, recorded_at: int) -> None:
        """Remember what was submitted."""
        self.noted.append(order.client_order_id)


class OrderDesk:
    """An engine's order service with everything around it; `crash` and `start` again on the same disk and venue."""

    def __init__(
        self,
        *,
        venue: FakeVenue | None = None,
        journal: Journal | None = None,
        latch: HaltLatch | None = None,
        has_ledger: bool = False,
    ) -> None:
        self.has_ledger = has_ledger
        """Whether the real ledger says what is held and how much cash there is; otherwise a simple count does."""
        self.quotes: dict[str, Quote] = {}
        self.cash_bound = ZERO
        self.day_end = self.day_start = 0
        self.time = VirtualTime()
        self.clock = self.time.clock
        self.venue = venue or FakeVenue(now=self.clock.now_ns)
        self.journal: Journal = journal or MemoryJournal()
        self.latch: Any = latch or FakeLatch()
        self.gate = FakeGate()
        self.timing = Timing(catch_up=0.05, connect=0.5)
        self.connections: Connections | None = None
        """What is known of brokers with live accounts; given before `start` by those who need it."""
        self._running: asyncio.Task[None] | None = None
        self._make()

    def _make(self) -> None:
        self.bus = Bus(self._bus_failed)
        self.alerts: list[AlertRaised] = []
        self.changes: list[OrderChanged] = []
        self.facts: list[Event] = []
        self.holdings: dict[str, dict[str, Decimal]] = {}
        self._seen: dict[str, Fill] = {}
        self.ledger = Ledger()
        self.bus.subscribe(AlertRaised, self.alerts.append)
        self.bus.subscribe(OrderChanged, self.changes.append)
        self.broker = self.make_broker()
        brokers: Mapping[str, Broker] = {ACCOUNT.broker: self.broker}
        self.service = OrderService(
            journal=self.journal,
            brokers=brokers,
            gate=self.gate,
            latch=self.latch,
            clock=self.clock,
            market_now=self.clock.now_ns,
            bus=self.bus,
            quotes=self._quote,
            positions=self.positions,
            account_view=self._account_view,
            day_start=lambda: self.day_start,
            listeners=[self._follow, self.ledger.apply],
            cash=self._cash if self.has_ledger else None,
            cash_bound=lambda _: self.cash_bound,
            day_end=lambda: self.day_end,
            ids=counted_ids("FL-"),
            timing=self.timing,
            sleep=self.time.sleep,
            version="0.1.0",
            connections=self,
        )

    def make_broker(self) -> FakeBroker:
        """The broker of this life; a desk on another venue has its own."""
        return FakeBroker(self.venue)

    # --- what is known of brokers: nothing, until `connections` are given ---------------------------------------

    def mode(self, broker: str) -> AccountKind | None:
        """Whose money."""
        return self.connections.mode(broker) if self.connections else None

    def number(self, broker: str) -> str:
        """The account's number there."""
        return self.connections.number(broker) if self.connections else ""

    def ends_at(self, broker: str) -> int:
        """When its session ends."""
        return self.connections.ends_at(broker) if self.connections else 0

    def trouble(self, broker: str) -> str:
        """Disk and clock."""
        return self.connections.trouble(broker) if self.connections else ""

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self, *, is_open: bool = True) -> OrderDesk:
        """Recover, run, and have the account open."""
        self.time.rule_the_loop()
        recovery = asyncio.ensure_future(self.service.recover())
        while not recovery.done():
            await self.time.advance(0.1)
        await recovery
        self._running = asyncio.ensure_future(self.service.run())
        await self.time.settle()
        if is_open:
            await self.service.open_account(ACCOUNT, "cli")
        return self

    async def crash(self) -> None:
        """Everything in memory is gone; the disk and the venue stay."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.service._desk.crew.stop()
        self.broker.cut()
        await self.time.settle()

    async def restart(self, journal: Journal | None = None) -> OrderDesk:
        """Crash and start again, by default on what is durable in memory."""
        await self.crash()
        if journal is not None:
            self.journal = journal
        elif isinstance(self.journal, MemoryJournal):
            self.journal = MemoryJournal(self.journal.disk)
        self._make()
        return await self.start(is_open=False)

    async def stop(self) -> None:
        """Stop in order."""
        await self.service.stop()
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    # --- commands -------------------------------------------------------------------------------------------

    async def submit(self, key: str = "", **terms: Any) -> Order:
        """Submit and give the entry."""
        orders, _ = await self.service.submit(self.command(key, **terms), "tui")
        return orders[0]

    def command(self, key: str = "", **more: Any) -> SubmitOrder:
        """A limit order for 100 AAPL at 231.40, with changes."""
        command_fields = {name: more.pop(name) for name in tuple(more) if name in SubmitOrder.__struct_fields__}
        terms = OrderTerms(
            account_id="PAPER",
            instrument_id=AAPL,
            side=Side.BUY,
            quantity=Decimal(100),
            order_type=OrderType.LIMIT,
            limit_price=Decimal("231.40"),
        )
        return SubmitOrder(
            client_order_id=key or f"C{next(_ids)}", terms=structs.replace(terms, **more), **command_fields
        )

    async def cancel(self, key: str, request_id: str = "") -> Order:
        """Ask to cancel."""
        request = CancelOrder(client_order_id=key, request_id=request_id or f"Q{next(_ids)}")
        return await self.service.cancel(request, "tui")

    async def modify(self, key: str, request_id: str = "", **more: Any) -> Order:
        """Ask for new terms."""
        request = ModifyOrder(client_order_id=key, request_id=request_id or f"Q{next(_ids)}", **more)
        return await self.service.modify(request, "tui")

    async def change(self, action: str, word: str = "", reason: str = "because") -> Any:
        """Change the trading state."""
        return await self.service.change_state(action, reason=reason, word=word, account_id="", actor="tui")

    def order(self, key: str) -> Order:
        """The durable order."""
        return self.service.book.orders[key]

    def steps(self, key: str) -> list[OrderEventKind]:
        """Kinds of the order's journal entries."""
        entries = self.journal.fetch(self.service.book.entries[key])
        return [entry.event.kind for entry in entries if isinstance(entry.event, OrderEvent)]

    def texts(self, level: str = "danger") -> str:
        """All alerts of a level."""
        return " | ".join(alert.text for alert in self.alerts if alert.level == level)

    # --- what the service is given --------------------------------------------------------------------------

    def positions(self, account_id: str) -> Mapping[str, Decimal]:
        """Holdings by the listener's own count, or by the ledger."""
        if self.has_ledger:
            held = self.ledger.positions(account_id) if account_id in self.ledger.account_ids else ()
            return {one.instrument_id: one.quantity for one in held}
        return {key: value for key, value in self.holdings.get(account_id, {}).items() if value}

    def _follow(self, event: Event) -> None:
        """The simplest ledger: signed quantities by execution id."""
        self.facts.append(event)
        if not isinstance(event, OrderEvent) or event.fill is None:
            return
        fill = event.fill
        if event.kind is OrderEventKind.BUST:
            known = self._seen.get(fill.fill_id)
            if known is not None and known.client_order_id == fill.client_order_id:
                self._count(self._seen.pop(fill.fill_id), -1)
        elif fill.fill_id not in self._seen:
            if event.kind is OrderEventKind.CORRECT:
                self._count(self._seen.pop(fill.corrects, None), -1)
            self._seen[fill.fill_id] = fill
            self._count(fill, 1)

    def _count(self, fill: Fill | None, sign: int) -> None:
        if fill is not None:
            held = self.holdings.setdefault(fill.account_id, {})
            held[fill.instrument_id] = held.get(fill.instrument_id, ZERO) + sign * fill.signed_quantity

    def _quote(self, instrument_id: str) -> Quote | None:
        return self.quotes.get(instrument_id)

    def _cash(self, account_id: str) -> Decimal | None:
        return self.ledger.book(account_id).cash if account_id in self.ledger.account_ids else None

    def _account_view(self, account_id: str) -> AccountView:
        return account_view(self.service, account_id)

    def _bus_failed(self, value: object, error: Exception) -> None:
        raise AssertionError(f"a handler of {value} failed") from error


def account_view(service: OrderService, account_id: str) -> AccountView:
    """Balances nobody looks at."""
    numbers: dict[str, Any] = {**dict.fromkeys(_MONEY, ZERO), **dict.fromkeys(_COUNTS, 0)}
    return AccountView(account=service.book.accounts[account_id], loss_left=None, **numbers)


_MONEY: Sequence[str] = (
    "cash", "reserved", "equity", "market_value", "gross_exposure", "net_exposure", "buying_power", "realized",
    "unrealized", "day_pnl", "fees", "equity_open", "maintenance_margin", "margin_call",
)  # fmt: skip
_COUNTS: Sequence[str] = ("unknown_orders", "working_orders", "stale_marks", "reconciled_at")
