"""One engine: its parts in the order they start, and the reverse in which they stop."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.adapters.paper.launch import VenueOptions, ensure_venue
from stockpulse_engine.api.server import ApiServer
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import Paths, account_locks
from stockpulse_engine.base.tasks import Supervisor
from stockpulse_engine.bootstrap.books import REVIEW_SPEC, Books, Market, build_books
from stockpulse_engine.bootstrap.brokers import BrokerDesk
from stockpulse_engine.bootstrap.health import HealthBoard
from stockpulse_engine.bootstrap.jobsdesk import JobsDesk
from stockpulse_engine.bootstrap.margin import MarginWatch
from stockpulse_engine.bootstrap.market import build_market
from stockpulse_engine.bootstrap.mirror import PART as MIRROR
from stockpulse_engine.bootstrap.mirror import build_mirror
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.bootstrap.past import PastService
from stockpulse_engine.bootstrap.pastjoin import build_past
from stockpulse_engine.bootstrap.pulse import Pulse
from stockpulse_engine.bootstrap.recordings import PART as RECORDING
from stockpulse_engine.bootstrap.recordings import RecordingDesk
from stockpulse_engine.bootstrap.riskdesk import RiskDesk
from stockpulse_engine.bootstrap.sealing import PART as SEAL
from stockpulse_engine.bootstrap.sealing import JournalSeal
from stockpulse_engine.bootstrap.servermirror import PART as STORE
from stockpulse_engine.bootstrap.servermirror import build_server_mirror
from stockpulse_engine.bootstrap.standing import Standing
from stockpulse_engine.bootstrap.stored import PART as HISTORY
from stockpulse_engine.bootstrap.stored import EngineHistory
from stockpulse_engine.bootstrap.storedreplay import venue_options
from stockpulse_engine.bootstrap.system import SystemService
from stockpulse_engine.bootstrap.watchdog import PART as WATCHDOG
from stockpulse_engine.bootstrap.watchdog import Watchdog
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AccountTouched, AlertRaised, OrderChanged, PartChanged
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import HomeRestored
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.marketdata.service import MarketService
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.settings import Settings
from stockpulse_engine.storage.restored import RestoredMark
from stockpulse_engine.trading.ports import AmbiguousOutcomeError
from stockpulse_engine.trading.service import OrderService

SAMPLE_S = 5.0
"""How often the equity curve gets a point."""
SAMPLES_PER_SAVE = 12
FEED_WAIT_S = 20.0
"""How long a start waits for the market before it goes on without."""
_log = get_logger("engine")


class Engine:
    """Implements the API's EngineServices."""

    def __init__(self, paths: Paths, settings: Settings, options: StartOptions, clock: Clock) -> None:
        self._paths = paths
        self._settings = settings
        self._options = options
        self._clock = clock
        self.bus = Bus(self._on_handler_error)
        self._crew = Supervisor(self._on_part, on_error=self._on_task_error)
        self._board = HealthBoard(world=options.world, pid=os.getpid(), clock=clock, bus=self.bus)
        self._history = EngineHistory(paths, settings.history, options, clock, self.bus, settings.storage)
        self.history = self._history.queries()
        self._parts = build_market(paths, options.world, settings.market, clock, self.bus, self._history.charts)
        self._time = self._parts.time
        self.recordings = RecordingDesk(paths, self._parts.venue, settings.history, self.bus, self._time)
        self._mirror = build_mirror(settings.redis, options.world, clock, self.bus)
        self._server_mirror = build_server_mirror(paths, settings.storage, options.world, self.bus)
        self._broker = PaperBroker(paths.venue_socket(options.world), clock)
        self.brokers = BrokerDesk(
            paths,
            options.world,
            clock,
            connections=lambda: self._books.trading,
            accounts=self._accounts,
            locks=account_locks(),
        )
        self._books = self._build_books()
        self._seal = JournalSeal(paths, options.world, self._books.journal, clock)
        self.system = self._build_system()
        self.jobs = JobsDesk(paths, clock)
        self.risk = self._build_risk()
        where = (paths, options.world)
        self.past: PastService = build_past(where, self._parts, self._books, self._history, settings.limits)
        self._server = ApiServer(self, paths, clock=clock, settings=settings.api)
        self._pulse = self._build_pulse()
        self._watchdog = Watchdog(
            paths, options.world, settings.watchdog, clock, accounts=self._accounts, alert=self._alert
        )
        self._marked: set[tuple[str, str]] = set()
        """Session and account whose start was recorded."""

    def _accounts(self) -> Sequence[Account]:
        return tuple(self._books.trading.book.accounts.values())

    def _alert(self, level: str, text: str) -> None:
        self.bus.publish(AlertRaised(ts_event=self._time.now_ns(), level=level, text=text, subject=WATCHDOG))

    def _build_pulse(self) -> Pulse:
        return Pulse(
            self._board,
            self.bus,
            broker=self._broker,
            feed=self._feed_life,
            journal_failure=lambda: self._books.journal.failure,
            market_now=self._time.now_ns,
            clock=self._clock,
        )

    @property
    def was_ready(self) -> bool:
        """Whether its start came to its end."""
        return self._board.was_ready

    @property
    def market(self) -> MarketService:
        """Latest values and history."""
        return self._parts.service

    @property
    def trading(self) -> OrderService:
        """Commands and order views."""
        return self._books.trading

    @property
    def portfolio(self) -> PortfolioService:
        """Balances and holdings."""
        return self._books.portfolio

    def _build_books(self) -> Books:
        return build_books(
            self._paths,
            self._options.world,
            limits=self._settings.limit_policy,
            clock=self._clock,
            bus=self.bus,
            market=Market(self.market, self._time, self._parts.calendar),
            brokers={PAPER_BROKER: self._broker},
            connections=Standing(self.brokers, self._paths.state, self._clock, audit=lambda: self._seal.problem),
            cash_fraction=self._settings.reconcile.cash_fraction,
        )

    def _build_risk(self) -> RiskDesk:
        settings, books = self._settings, self._books
        written = {key: source for key, source in settings.sources.items() if key.startswith("limits.")}
        for one in settings.scoped_limits:
            written[f"limits.{one.scope.kind}.{one.scope.name}.{one.key}"] = one.source
        return RiskDesk(books.gate, books.portfolio, books.trading, clock=self._clock, bus=self.bus, written=written)

    def _build_system(self) -> SystemService:
        return SystemService(
            paths=self._paths,
            clock=self._clock,
            board=self._board,
            halt=self._books.trading.halt_view,
            market_clock=self.market.clock,
            journal_head=lambda: self._books.journal.head,
            heads=lambda: self._server.api.hub.heads,
            kills_survived=lambda: self._books.trading.kills_survived,
            ages=self._age,
            feed=self._parts.feed_counts,
        )

    # --- life ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Start in order, serve until asked to stop, stop in order."""
        await self._server.start()
        try:
            await self._start()
            await self.system.stop_asked.wait()
        finally:
            await self._stop()

    async def _start(self) -> None:
        if self._mirror is not None:
            self._crew.start(MIRROR, self._mirror.run)
        self._board.say("starting the paper venue")
        await ensure_venue(self._paths, self._options.world, self._venue_options())
        self._board.say("opening the market")
        self._history.start(self._parts.calendar)
        self._crew.start(HISTORY, self._history.run)
        self._crew.start("feed", self.market.run)
        if self._parts.feeder is not None:
            self._crew.start("venue feed", self._parts.feeder.run)
        self._crew.start(RECORDING, self.recordings.run)
        self._crew.start("references", self.market.run_references)
        self._crew.start("studies", self.market.studies.run)
        await self._wait_for_market()
        self._board.say("replaying the journal and asking the venue what we missed")
        await self._tell_restored()
        await self._books.trading.recover()
        self.portfolio.take_up_curves(self._books.curves.load())
        self._crew.start("orders", self._books.trading.run)
        await self._open_first_account()
        self._crew.start("sessions", self._follow_sessions)
        self._crew.start("venue", self._keep_venue)
        self._crew.start("margin", self._build_margin_watch().run)
        self._crew.start("risk", self.risk.run)
        self._crew.start(SEAL, lambda: self._seal.run(self._alert))
        self._crew.start("pulse", self._pulse.run)
        self._crew.start("pulse of the broker", self._pulse.run_broker)
        self.bus.publish(PartChanged(name="journal", state="ok", detail="verified"))
        if self._server_mirror is not None:
            self._crew.start(STORE, self._server_mirror.run)
        if self._watchdog.is_wanted:
            self._crew.start(WATCHDOG, self._watchdog.run)
        self._board.ready()
        _log.info("ready", world=self._options.world, journal_seq=self._books.journal.head[0])

    def _build_margin_watch(self) -> MarginWatch:
        return MarginWatch(self.portfolio.account_ids, self.portfolio.account, self.bus, self._time.now_ns)

    async def _tell_restored(self) -> None:
        """A journal that came back from a backup says so before it is replayed: nobody was killed."""
        mark = RestoredMark(self._paths.world(self._options.world))
        made_at = mark.read()
        if made_at is not None:
            now = self._clock.now_ns()
            fact = HomeRestored(made_at=made_at, ts_event=self._time.now_ns(), recorded_at=now)
            await self._books.journal.append([fact])
            mark.clear()

    async def _wait_for_market(self) -> None:
        try:
            async with asyncio.timeout(FEED_WAIT_S):
                await (self.market.tried if self._options.is_live else self.market.ready).wait()
        except TimeoutError:
            _log.warning("market_late", waited_s=FEED_WAIT_S)

    async def _stop(self) -> None:
        self._board.stopping()
        self._watchdog.dismiss()
        await self._server.stop()
        await self.past.stop()
        try:
            await self._books.trading.stop()
        except UnavailableError as error:
            _log.exception("stop_not_recorded", error)
        await self.brokers.stop()
        await self._crew.stop()
        await self._parts.provider.close()
        self.history.stop()
        await self._history.stop()
        await self._stop_venue()
        if self._board.was_ready:  # a start that failed half-way has no curve to leave behind
            self._save_curves()
        self._seal.stop()
        self._books.journal.close()
        _log.info("stopped")

    async def _stop_venue(self) -> None:
        """End the venue's process; its market time stands still until the next start."""
        venue = self._parts.venue
        try:
            await venue.connect()
            await venue.shutdown()
        except (UnavailableError, AmbiguousOutcomeError):
            _log.warning("venue_not_stopped")
        await venue.close()

    async def _open_first_account(self) -> None:
        if self._books.ledger.account_ids:
            return
        wanted = self._settings.account
        account = Account(
            account_id=wanted.name,
            kind=AccountKind.PAPER,
            account_type=AccountType[wanted.type],
            currency=wanted.currency,
            initial_cash=wanted.cash,
        )
        await self._books.trading.open_account(account, "engine")

    # --- what runs beside ---------------------------------------------------------------------------------

    async def _follow_sessions(self) -> None:
        """Mark each session's start, keep the equity curve, keep minute bars of what is traded."""
        self.bus.subscribe(ClockState, lambda _: self._mark_session())
        self.bus.subscribe(AccountTouched, lambda _: self._mark_session())
        self.bus.subscribe(OrderChanged, self._keep_bars)
        for order in self._books.trading.orders(scope="today"):
            self._want_bars(order.terms.instrument_id)
        self._mark_session()
        for count in itertools.count(1):
            await asyncio.sleep(SAMPLE_S)
            self._books.portfolio.sample(self._time.now_ns())
            if count % SAMPLES_PER_SAVE == 0:
                self._save_curves()

    def _save_curves(self) -> None:
        try:
            self._books.curves.save(self.portfolio.dump_curves())
        except OSError as error:  # the disk is the journal's to complain about; a curve can be done without
            _log.warning("curves_not_saved", problem=str(error))

    def _mark_session(self) -> None:
        """Once per session and account: an account opened in the middle of a session has its day too."""
        date, marked = self._time.session_date, self._marked
        if not date or all((date, account_id) in marked for account_id in self.portfolio.account_ids()):
            return
        self._marked = {(date, account_id) for account_id in self.portfolio.account_ids()}
        self._crew.spawn(self._record_session(date), name=f"session {date}")

    async def _record_session(self, date: str) -> None:
        for event in self._books.portfolio.begin_session(date, self._clock.now_ns()):
            await self._books.trading.record_fact(event)

    def _keep_bars(self, change: OrderChanged) -> None:
        if change.fill is not None:
            self._want_bars(change.fill.instrument_id)

    def _want_bars(self, instrument_id: str) -> None:
        if not self.market.known_bars(instrument_id, REVIEW_SPEC):
            self._crew.spawn(self._load_bars(instrument_id), name=f"bars {instrument_id}")

    async def _load_bars(self, instrument_id: str) -> None:
        await self.market.bars(instrument_id, REVIEW_SPEC, limit=500)

    async def _keep_venue(self) -> None:
        """Start the venue again when its process died: resting orders are in its store."""
        while True:
            await asyncio.sleep(1.0)
            is_up = self._broker.is_connected if self._options.is_live else self.market.is_linked
            if not is_up:
                await ensure_venue(self._paths, self._options.world, self._venue_options())

    def _feed_life(self) -> tuple[bool, int]:
        """A market outside is quiet at night; the venue's tells its clock every second."""
        return self.market.is_linked, 0 if self._options.is_live else self.market.feed_age_ns()

    def _venue_options(self) -> VenueOptions:
        settings = self._settings
        return venue_options(self._options, self._paths, settings.history.priority, settings.account.withholding)

    # --- small joints -------------------------------------------------------------------------------------

    def _age(self, part: str) -> int | None:
        if part == MIRROR and self._mirror is not None:
            return self._mirror.age_ns()
        if part == "broker":
            return self._pulse.broker_age_ns()
        return self.market.feed_age_ns() if part == "feed" else None

    def _on_part(self, name: str, state: str, detail: str) -> None:
        if name in {"feed", "orders", MIRROR, STORE, RECORDING, WATCHDOG, SEAL} and state == "ok":
            return
        self.bus.publish(PartChanged(name=name, state=state, detail=detail))

    @staticmethod
    def _on_handler_error(value: object, error: Exception) -> None:
        _log.exception("handler_failed", error, kind=type(value).__name__)

    @staticmethod
    def _on_task_error(name: str, error: BaseException) -> None:
        _log.exception("task_failed", error, task=name)
