"""The order service: commands in, venue and journal behind, facts out. Assembled here, worked in the modules beside.

Order of a submission: idempotency → gate → intent journalled and durable → answer → the one attempt to send. Truth
returns as reports. Starting and recovering are the same path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from msgspec import structs

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.ids import IdFactory, new_id
from stockpulse_engine.base.tasks import Supervisor
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AccountTouched, LiveSet, OrderChanged, PartChanged, TradingStateSet
from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.brokers import PAPER_BROKER, VenueHolding
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, InvalidValueError, NotFoundError
from stockpulse_engine.domain.events import (
    AccountOpened,
    CashMoved,
    Event,
    SessionMarked,
    TradingStateChanged,
)
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms
from stockpulse_engine.domain.views import (
    AccountView,
    HaltView,
    LogEntry,
    OrderLife,
    Preview,
    PreviewRow,
    VerifyResult,
)
from stockpulse_engine.risk.view import Arming
from stockpulse_engine.trading import milestones as at
from stockpulse_engine.trading.accounts import require_sound
from stockpulse_engine.trading.adopt import Adopter
from stockpulse_engine.trading.amend import Amender
from stockpulse_engine.trading.arming import Connections, LiveArming, NoConnections
from stockpulse_engine.trading.book import Change, TradingBook
from stockpulse_engine.trading.comparing import Comparing
from stockpulse_engine.trading.conditional import Conditional
from stockpulse_engine.trading.decide import Decider
from stockpulse_engine.trading.desk import MAX_JOBS, Desk, Timing
from stockpulse_engine.trading.flatten import Flattener
from stockpulse_engine.trading.halt import Halter
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.life import Narrator
from stockpulse_engine.trading.link import Link
from stockpulse_engine.trading.live import LiveDesk
from stockpulse_engine.trading.ports import (
    BindingSink,
    Broker,
    Gate,
    HaltLatch,
    Journal,
    MarketNow,
    PositionSource,
    QuoteSource,
)
from stockpulse_engine.trading.queries import Queries
from stockpulse_engine.trading.reconcile import CashSource, Reconciler
from stockpulse_engine.trading.reconciliation import ReconcileReader
from stockpulse_engine.trading.recorder import Listener, Recorder
from stockpulse_engine.trading.recovery import Recovery
from stockpulse_engine.trading.resolver import Resolver
from stockpulse_engine.trading.router import Router
from stockpulse_engine.trading.sender import Sender
from stockpulse_engine.trading.submit import Submitter
from stockpulse_engine.trading.suspense import CashBound, Suspender
from stockpulse_engine.trading.watch import Watch

_K = OrderEventKind
HELD_HERE = PreviewRow(
    name="held",
    text="by the engine: does nothing while StockPulse is down   its broker takes no trailing stops",
    verdict="read",
    explanation="The engine moves the trigger and sends a market (or limit) order when it is reached; the gate judges "
    "that one. A price that is missing or stale moves and fires nothing.",
)
"""The ticket's row for what the engine does in a broker's place."""
_VENUE_WORDS = frozenset({_K.ACCEPT, _K.REJECT, _K.TRIGGER, _K.FILL, _K.CANCEL, _K.EXPIRE})


class OrderService:
    """Implements `api.ports.TradingPort`.

    Args:
        journal: where facts become durable.
        brokers: by the name of the connection, as `Account.broker` says it; `join` and `leave` change them.
        gate: the pre-trade gate.
        latch: the halt latch.
        clock: wall time; `market_now` is this world's market time.
        bus: where durable facts are told: OrderChanged, AccountTouched, TradingStateSet, AlertRaised, PartChanged.
        quotes: latest quote by instrument id, the arrival price.
        positions: signed holdings of an account by instrument id.
        account_view: balances of an account, for the answer to `open_account`.
        listeners: called with every durable event in order, replay included: the ledger.
        day_start: market time at which the trading session began.
        cash: our cash of an account, compared with the venue's; None leaves cash out.
        cash_bound: a difference in an account's cash up to which its orders are not held back.
        day_end: market time at which the trading session closes, 0 when not known: everything is compared after it.
        binding: is told which orders bind money or holdings, as `open_orders` lists them.
        world, version: what the start mark in the journal says.
        ids: mints ids of orders of our own (closes of a flatten).
        timing: waits; sleep: how to wait.
        quote_age: nanoseconds since an instrument's quote was confirmed; session_date: the trading session now.
        limits_name: which limits an order is judged by, for its record.
        connections: what is known of the brokers that hold live accounts; without it none can be armed.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        brokers: Mapping[str, Broker],
        gate: Gate,
        latch: HaltLatch,
        clock: Clock,
        market_now: MarketNow,
        bus: Bus,
        quotes: QuoteSource,
        positions: PositionSource,
        account_view: Callable[[str], AccountView],
        listeners: Sequence[Listener] = (),
        day_start: Callable[[], int] = lambda: 0,
        cash: CashSource | None = None,
        cash_bound: CashBound = lambda _: ZERO,
        day_end: Callable[[], int] = lambda: 0,
        binding: BindingSink | None = None,
        world: str = "sim",
        version: str = "",
        ids: IdFactory | None = None,
        timing: Timing | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connections: Connections | None = None,
        quote_age: Callable[[str], int] | None = None,
        session_date: Callable[[], str] = str,
        limits_name: Callable[[OrderTerms], str] = lambda _: "",
    ) -> None:
        self._bus, self._account_view = bus, account_view
        self._recorder = Recorder(
            journal, listeners=listeners, on_change=self._on_change, on_fault=self._on_fault, binding=binding
        )
        joined = dict(brokers)
        self._arming = self._make_arming(clock, market_now, quotes, connections or NoConnections())
        self._desk = desk = Desk(
            recorder=self._recorder,
            router=self._make_router(joined, latch, journal, positions),
            brokers=joined,
            gate=gate,
            latch=latch,
            clock=clock,
            market_now=market_now,
            bus=bus,
            quotes=quotes,
            positions=positions,
            crew=Supervisor(self._on_part, on_error=self._on_task_error, max_spawned=MAX_JOBS * 2),
            timing=timing or Timing(),
            sleep=sleep,
            limits_name=limits_name,
        )
        self.live = LiveDesk(desk, self._arming)
        """Arming for live money."""
        self._make_commands(desk, ids or partial(new_id, "FL-"))
        self._conditional = Conditional(
            desk, self._submitter, age=quote_age or self._age_by_time, day_start=day_start, session_date=session_date
        )
        suspender = Suspender(desk, cash_bound)
        reconciler = Reconciler(desk, self._intake, self._resolver, suspender, cash)
        self._adopter = Adopter(desk, self._intake)
        self._decider = Decider(desk)
        self._make_link = partial(Link, desk, intake=self._intake, reconciler=reconciler)
        self._links = {name: self._make_link(name) for name in brokers}
        self._is_running = False
        self._watch = Watch(desk, self._intake, self._halter, self._resolver, self._links, day_end=day_end)
        self.comparing = Comparing(desk, self._links, suspender, ReconcileReader(desk, cash))
        """Our figures against the brokers', as people ask about them."""
        self._recovery = Recovery(desk, self._links, self._resolver, self._halter, version=version, world=world)
        self._narrator = Narrator(self._recorder, desk.milestones)
        self._queries = Queries(lambda: self._recorder.book, day_start)

    def _make_arming(
        self, clock: Clock, market_now: MarketNow, quotes: QuoteSource, connections: Connections
    ) -> LiveArming:
        return LiveArming(
            clock=clock,
            market_now=market_now,
            quotes=quotes,
            write=self._recorder.write,
            connections=connections,
            is_clean=lambda account: account.account_id in self._desk.clean,
            halted=lambda: "trading is HALTED" if self._halter.state is TradingState.HALTED else "",
            on_change=lambda: self._bus.publish(LiveSet()),
        )

    def _make_router(
        self, joined: Mapping[str, Broker], latch: HaltLatch, journal: Journal, positions: PositionSource
    ) -> Router:
        return Router(
            brokers=joined,
            accounts=self._account,
            latch=latch,
            state=lambda: self._halter.state_beside_latch,
            is_clean=lambda account: account.account_id in self._desk.clean,
            is_suspended=lambda *place: self._recorder.front.blocking(*place) is not None,
            journal_failure=lambda: journal.failure,
            positions=positions,
            arming=self._arming,
        )

    def _make_commands(self, desk: Desk, ids: IdFactory) -> None:
        """What takes commands, and what asks about orders and takes reports in."""
        self._resolver = Resolver(desk)
        self._intake = self._resolver.intake = Intake(desk, self._resolver.ask, self._on_gap)
        sender = Sender(desk, self._resolver.ask)
        self._submitter = Submitter(desk, sender)
        self._resolver.send_once_more = self._submitter.send_once_more
        self._amender = Amender(desk, sender, self._submitter)
        self._halter = Halter(desk, sender, self._amender, self._resolver, Flattener(desk, sender, ids))

    # --- life cycle ---------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Replay the journal, record the start, join the venue. Submits are refused until it is joined."""
        await self._recovery.start()
        self._conditional.begin()

    async def run(self) -> None:
        """Follow the venues and watch, until canceled."""
        crew = self._desk.crew
        self._is_running = True
        for link in self._links.values():
            crew.start(_task_of(link.name), link.run)
        crew.start("orders watch", self._watch.run)
        crew.start("arming", self.live.mind)
        crew.start("held orders", self._conditional.run)
        try:
            await asyncio.Event().wait()
        finally:
            self._is_running = False
            await crew.stop()

    async def join(self, name: str, broker: Broker) -> None:
        """A connection appeared: its accounts are compared, then its reports are followed. Raises ConflictError."""
        if name in self._links:
            raise ConflictError(f"The connection {clean_line(name, 40)!r} is up already.", fix="Remove it first.")
        self._desk.brokers[name] = broker
        link = self._links[name] = self._make_link(name)
        if self._is_running:
            self._desk.crew.start(_task_of(name), link.run)

    async def leave(self, name: str) -> None:
        """A connection is given up: its accounts stay, and nothing of them leaves until it is back.

        Raises:
            NotFoundError: there is no such connection.
            ConflictError: it is the paper venue, or orders work there that nobody would follow.
        """
        link = self._links.get(name)
        if link is None:
            raise NotFoundError(f"There is no connection {clean_line(name, 40)!r}.", fix="See `sp broker list`.")
        if name == PAPER_BROKER:
            raise ConflictError("The paper venue belongs to the engine.", fix="Remove another connection.")
        if working := [order for one in link.accounts() for order in self._desk.open_in(one.account_id)]:
            raise ConflictError(
                f"{len(working)} order(s) are open there, {working[0].client_order_id} first.", fix="Cancel them first."
            )
        del self._links[name]
        await self._desk.crew.stop_part(_task_of(name))
        link.forget()
        self._desk.brokers.pop(name, None)
        await link.broker.close()

    @property
    def broker_names(self) -> tuple[str, ...]:
        """Connections that run here."""
        return tuple(self._links)

    async def stop(self) -> None:
        """Take nothing new, let out what is on its way, record the ordered stop."""
        await self._recovery.stop()

    # --- commands -----------------------------------------------------------------------------------------

    async def submit(self, command: SubmitOrder, actor: str) -> tuple[tuple[Order, ...], bool]:
        """Orders made (entry first) and whether this was a replay."""
        return await self._submitter.submit(command, actor)

    async def preview(self, command: SubmitOrder) -> Preview:
        """What would happen, through the same gate; never raises for a denial."""
        made = self._desk.gate.preview(command)
        account = self._account(command.terms.account_id)
        if account is None or account.broker not in self._links or not self._submitter.is_emulated(command.terms):
            return made
        return structs.replace(made, rows=(HELD_HERE, *made.rows))

    async def send_staged(self, client_order_id: str, request_id: str, actor: str) -> tuple[Order, ...]:
        """Send an INITIALIZED order (and its bracket) now."""
        key = self._queries.order(client_order_id).client_order_id
        return await self._submitter.send_staged(key, request_id, actor)

    async def discard_staged(self, client_order_id: str, request_id: str, actor: str) -> Order:
        """Throw an INITIALIZED order away."""
        key = self._queries.order(client_order_id).client_order_id
        return await self._submitter.discard_staged(key, request_id, actor)

    async def cancel(self, command: CancelOrder, actor: str) -> Order:
        """Ask to cancel; also for UNKNOWN orders and when HALTED."""
        return await self._amender.cancel(command, actor)

    async def cancel_matching(self, pattern: str, account_id: str, actor: str) -> tuple[str, ...]:
        """Ask to cancel every open order whose symbol matches the glob; returns their ids."""
        return await self._amender.cancel_matching(pattern, account_id, actor)

    async def declare_dead(self, client_order_id: str, *, reason: str, word: str, actor: str) -> Order:
        """A person says that an UNKNOWN order does not work at its broker; see `Decider.declare_dead`."""
        key = self._queries.order(client_order_id).client_order_id
        return await self._decider.declare_dead(key, reason=reason, word=word, actor=actor)

    async def modify(self, command: ModifyOrder, actor: str) -> Order:
        """Ask for new terms."""
        return await self._amender.modify(command, actor)

    async def change_state(self, action: str, *, reason: str, word: str, account_id: str, actor: str) -> HaltView:
        """halt | reduce | flatten | resume; flatten and resume check the typed word (FLATTEN, RESUME)."""
        return await self._halter.change(action, reason=reason, word=word, account_id=account_id, actor=actor)

    async def open_account(self, account: Account, actor: str) -> AccountView:
        """Open an account (idempotent for the same body). Raises ConflictError for another body, InvalidValueError."""
        accounts = self._recorder.front.accounts
        known = accounts.get(account.account_id)
        if known is None:
            require_sound(account, len(accounts))
            self._require_broker(account)
            now = self._desk.market_now()
            opened = structs.replace(account, opened_at=account.opened_at or now)
            fact = AccountOpened(account=opened, ts_event=now, recorded_at=self._desk.clock.now_ns(), actor=actor)
            await self._recorder.write([fact])
            await self._tell_venue(opened)
        elif known != structs.replace(account, opened_at=known.opened_at):
            raise ConflictError(f"The account {account.account_id} exists with other terms.", fix="Choose another id.")
        await self._recorder.settle()
        return self._account_view(account.account_id)

    async def adopt(self, account: Account, holdings: Sequence[VenueHolding] | None, actor: str) -> AccountView:
        """Open an account that exists at its broker already, with what it holds and the cash it has there.

        Without `holdings` the broker is asked for them.

        Raises:
            ConflictError: it is open here, or its broker held something else at the second look.
            InvalidValueError: no connection, or a holding without any price.
            UnavailableError: the broker cannot be asked now.
        """
        accounts = self._recorder.front.accounts
        if account.account_id in accounts:
            raise ConflictError(f"The account {account.account_id} is open already.", fix="See `sp reconcile`.")
        require_sound(account, len(accounts))
        self._require_broker(account)
        facts = await self._adopter.facts(account, holdings, actor)
        await self._recorder.write(facts)
        await self._tell_venue(accounts[account.account_id])
        return self._account_view(account.account_id)

    async def record_fact(self, event: SessionMarked | CashMoved | Event) -> int:
        """Record a fact of another room in the one journal; returns its seq."""
        return await self._recorder.write([event])

    # --- views --------------------------------------------------------------------------------------------

    def halt_view(self) -> HaltView:
        """The trading state now."""
        return self._halter.view()

    def orders(self, *, scope: str, account_id: str = "", limit: int = 500) -> Sequence[Order]:
        """scope: working | unknown | today | history | staged | all; newest first."""
        return self._queries.orders(scope=scope, account_id=account_id, limit=limit)

    def order(self, client_order_id: str) -> Order:
        """One order by its full id or an unambiguous prefix; raises NotFoundError."""
        return self._queries.order(client_order_id)

    def fills(self, *, account_id: str = "", client_order_id: str = "", limit: int = 500) -> Sequence[Fill]:
        """Fills, newest first."""
        return self._queries.fills(account_id=account_id, client_order_id=client_order_id, limit=limit)

    async def life(self, client_order_id: str) -> OrderLife:
        """Everything the journal knows about the order."""
        return self._narrator.life(self._queries.order(client_order_id).client_order_id)

    async def log(self, *, after_seq: int | None, limit: int) -> Sequence[LogEntry]:
        """Journal records for people: those after a seq, or with None the newest."""
        return self._narrator.log(after_seq, limit)

    async def verify_log(self) -> VerifyResult:
        """Walk the whole chain against the external head."""
        return await self._narrator.verify()

    # --- for the rooms beside (gate, portfolio, health) -----------------------------------------------------

    @property
    def book(self) -> TradingBook:
        """What is durable."""
        return self._recorder.book

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """What binds money or holdings of an account: open orders, those on their way to the disk included."""
        return tuple(self._recorder.binding(account_id))

    def hops(self, client_order_id: str) -> dict[str, int]:
        """Milestone → nanoseconds since the one before."""
        return self._narrator.hops(client_order_id)

    @property
    def trading_state(self) -> TradingState:
        """The state in force, latch included."""
        return self._halter.state

    def arming(self, account: Account, terms: OrderTerms) -> Arming:
        """Whether live money may leave for an order of these terms."""
        return self._arming.standing(account, terms)

    def is_reconciled(self, account_id: str) -> bool:
        """Whether orders of this account may leave as far as the comparison with the venue goes."""
        return account_id in self._desk.clean

    def matched_at(self, account_id: str) -> int:
        """Market time at which the account was last seen to match the venue's; 0 when not since this start."""
        return self._desk.matched_at.get(account_id, 0)

    def matched_wall(self, account_id: str) -> int:
        """The same in wall time."""
        return self._desk.matched_wall.get(account_id, 0)

    @property
    def journal_head(self) -> tuple[int, str]:
        """Seq and digest of the last durable entry."""
        return self._recorder.journal.head

    @property
    def kills_survived(self) -> int:
        """Starts that followed no ordered stop."""
        return self._recorder.book.unclean_starts

    @property
    def kill_times(self) -> tuple[int, ...]:
        """Market time at which the newest of them began, oldest first."""
        return tuple(self._recorder.book.unclean_at)

    def _age_by_time(self, instrument_id: str) -> int:
        """Age of a quote where nobody says more: what market time has passed since."""
        quote = self._desk.quotes(instrument_id)
        return -1 if quote is None else max(0, self._desk.market_now() - quote.ts_event)

    def _account(self, account_id: str) -> Account | None:
        return self._recorder.front.accounts.get(account_id)

    # --- what happens ---------------------------------------------------------------------------------------

    def _on_change(self, change: Change, seq: int) -> None:
        """A fact is durable: tell everybody."""
        event = change.event
        if isinstance(event, OrderEvent):
            self._on_order_change(event, change, seq)
        elif isinstance(event, TradingStateChanged):
            if event.state is TradingState.HALTED:
                self.live.drop("trading was halted", event.actor)
            self._bus.publish(TradingStateSet(actor=event.actor))
        elif (account_id := _account_of(event)) is not None:
            self._bus.publish(AccountTouched(account_id=account_id))

    def _on_order_change(self, event: OrderEvent, change: Change, seq: int) -> None:
        order, desk = change.order, self._desk
        if order is None:
            return
        key = order.client_order_id
        if event.kind in _VENUE_WORDS:
            desk.note(key, at.ACK)
            if change.fill is not None:
                desk.note(key, at.FILL)
        self._watch.follow(order)
        self._conditional.follow(order)
        self._bus.publish(OrderChanged(order=order, event=event, fill=change.fill, seq=seq))
        if change.fill is not None or change.replaced is not None:
            self._bus.publish(AccountTouched(account_id=order.terms.account_id))
        self._alert_about(change, order)

    def _alert_about(self, change: Change, order: Order) -> None:
        event, desk, key = change.event, self._desk, order.client_order_id
        if not isinstance(event, OrderEvent):
            return
        if change.is_surprise:
            desk.alert("danger", f"The venue says {event.kind.value} of {key}, which was {order.status.value}.", key)
            self._resolver.ask(key)
        elif event.kind is _K.MARK_UNKNOWN:
            desk.alert("danger", f"{key} is UNKNOWN: {order.reason or 'the venue did not answer'}.", key)
        if change.fill is not None and change.before is not None:
            if order.has_overfill and not change.before.has_overfill:
                desk.alert("danger", f"{key} was filled beyond its quantity.", key)
            if order.has_late_fill and not change.before.has_late_fill:
                desk.alert("warn", f"{key} was filled after it was {order.status.value}.", key)

    def _require_broker(self, account: Account) -> None:
        if account.broker not in self._links:
            raise InvalidValueError(
                f"There is no connection {clean_line(account.broker, 40)!r} to hold it.", fix="See `sp broker list`."
            )

    async def _tell_venue(self, account: Account) -> None:
        """Make the account known there; when that fails now, joining the venue does it."""
        link = self._links[account.broker]
        try:
            await link.introduce(account)
        except Exception as error:  # noqa: BLE001 - the account is ours already; the venue learns of it when joined
            why = clean_line(str(error), 200)
            self._desk.alert("warn", f"The venue does not know {account.account_id} yet: {why}", account.account_id)
            link.want_compare()

    def _on_gap(self, broker: str) -> None:
        if link := self._links.get(broker):
            link.want_compare()

    def _on_fault(self, error: Exception) -> None:
        """Our own code failed on a fact: halt. The fact itself stands."""
        self._desk.spawn(self._halter.halt_for_fault(error), "halt for a fault")

    def _on_task_error(self, name: str, error: BaseException) -> None:
        self._desk.alert("danger", f"{name} failed: {type(error).__name__}: {error}"[:300], "orders")

    def _on_part(self, name: str, state: str, detail: str) -> None:
        self._bus.publish(PartChanged(name=name, state=state, detail=detail))


def _task_of(broker: str) -> str:
    return f"link {broker}"


def _account_of(event: Event) -> str | None:
    if isinstance(event, AccountOpened):
        return event.account.account_id
    return getattr(event, "account_id", None)
