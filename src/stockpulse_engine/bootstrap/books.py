"""Orders, ledger, gate and portfolio, joined: the half of the engine that money depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from stockpulse_engine import __version__
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.ids import IdFactory
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketPhase
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.marketdata.service import MarketService
from stockpulse_engine.marketdata.time import MarketTime
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.reservations import FeeEstimate
from stockpulse_engine.portfolio.review import ReviewSources
from stockpulse_engine.portfolio.service import PortfolioService, PortfolioSettings
from stockpulse_engine.portfolio.working import WorkingBook
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import Policy
from stockpulse_engine.risk.version import LimitNames
from stockpulse_engine.risk.view import ViewSources
from stockpulse_engine.storage.curves import CurveFile
from stockpulse_engine.storage.journal import SqliteJournal
from stockpulse_engine.storage.latch import FileLatch
from stockpulse_engine.trading.arming import Connections
from stockpulse_engine.trading.desk import Timing
from stockpulse_engine.trading.ports import Broker, HaltLatch, Journal
from stockpulse_engine.trading.service import OrderService
from stockpulse_engine.trading.settings import ReconcileSettings
from stockpulse_engine.venue.fees import FeeSchedule, total_fee

CASH_FRACTION = ReconcileSettings().cash_fraction
REVIEW_SPEC = BarSpec(1, "m")
"""Bars that a review measures excursions on."""


@dataclass
class Books:
    """What `build_books` joined."""

    journal: SqliteJournal
    ledger: Ledger
    portfolio: PortfolioService
    trading: OrderService
    gate: BoundGate
    curves: CurveFile


@dataclass
class Joined:
    """What `join_books` joined."""

    ledger: Ledger
    portfolio: PortfolioService
    trading: OrderService
    gate: BoundGate


@dataclass(frozen=True)
class Market:
    """The market as the books see it."""

    service: MarketService
    time: MarketTime
    calendar: Calendar
    last_session: list[Session] = field(default_factory=list)
    """The session that was found last, at most one."""

    def instrument(self, instrument_id: str) -> Instrument | None:
        """The instrument, None when it is not traded here."""
        return self.service.instrument(instrument_id)

    def is_open(self, instrument_id: str) -> bool:
        """Whether quotes of an instrument should be flowing now."""
        status = self.service.status(instrument_id)
        return status is not None and status.phase is MarketPhase.OPEN and not status.is_halted

    def day_start(self) -> int:
        """Market time at which the current session began, pre-market included."""
        session = self.calendar.session(self.time.session_date)
        return session.pre_open if session is not None else 0

    def day_end(self) -> int:
        """Market time at which the current session's regular hours end; 0 when there is none."""
        session = self.calendar.session(self.time.session_date)
        return session.close if session is not None else 0

    def session_of(self, ts_event: int) -> str:
        """Date of the session that a market time lies in, of the one to come while the market is closed."""
        last = self.last_session
        if last and last[0].pre_open <= ts_event < last[0].post_close:  # as nearly all of a day's orders do
            return last[0].date
        try:
            session = self.calendar.current_or_next(ts_event)
        except NotFoundError:  # beyond the calendar
            return ""
        last[:] = [session]
        return session.date

    def review_bars(self, instrument_id: str, start_ns: int, end_ns: int) -> Sequence[Bar]:
        """Minute bars in memory that touch the time."""
        return [
            bar
            for bar in self.service.known_bars(instrument_id, REVIEW_SPEC)
            if bar.known_at >= start_ns and bar.ts_event <= end_ns
        ]


@dataclass(frozen=True)
class Ends:
    """What the books stand on and what they reach out to. `timing` and `ids` are given in simulations."""

    journal: Journal
    latch: HaltLatch
    clock: Clock
    bus: Bus
    market: Market
    brokers: Mapping[str, Broker]
    timing: Timing | None = None
    ids: IdFactory | None = None
    cash_fraction: Decimal = CASH_FRACTION
    """Part of an account's equity up to which a difference in cash holds no orders back."""
    connections: Connections | None = None
    """What is known of brokers that hold live accounts; without it none can be armed."""


def build_books(
    paths: Paths,
    world: str,
    *,
    limits: Limits | Policy,
    clock: Clock,
    bus: Bus,
    market: Market,
    brokers: Mapping[str, Broker],
    connections: Connections | None = None,
    cash_fraction: Decimal = CASH_FRACTION,
) -> Books:
    """Open the journal and join the rooms around it. Nothing is replayed or sent yet.

    Raises:
        IntegrityError: the journal does not match its head; nothing was changed.
    """
    journal = SqliteJournal(paths.journal(world), paths.journal_head(world), clock, world=world)
    latch = FileLatch(paths.latch, clock)
    ends = Ends(
        journal=journal,
        latch=latch,
        clock=clock,
        bus=bus,
        market=market,
        brokers=brokers,
        connections=connections,
        cash_fraction=cash_fraction,
    )
    joined = join_books(ends, limits=limits, world=world)
    return Books(
        journal=journal,
        ledger=joined.ledger,
        portfolio=joined.portfolio,
        trading=joined.trading,
        gate=joined.gate,
        curves=CurveFile(paths.curves(world)),
    )


def join_books(ends: Ends, *, limits: Limits | Policy, world: str) -> Joined:
    """Join orders, ledger, gate and portfolio over these ends: the engine's own, or those of a simulation."""
    clock, market = ends.clock, ends.market
    policy = limits if isinstance(limits, Policy) else Policy(limits)
    base = policy.base
    ledger = Ledger()
    fee = partial(total_fee, FeeSchedule())
    trading: OrderService
    portfolio = PortfolioService(
        ledger,
        orders=lambda: trading.book.all_open(),  # noqa: PLW0108 - the order service is made below
        quote=market.service.quote,
        clock=market.time.now_ns,
        settings=portfolio_settings(base),
        fee=fee,
        expects_quotes=market.is_open,
        review=ReviewSources(
            orders=lambda account_id: _orders_of(trading, account_id),
            fills=lambda key: trading.book.fills_of(key),  # noqa: PLW0108 - the order service is made below
            hops=lambda key: trading.hops(key),  # noqa: PLW0108 - the order service is made below
            bars=market.review_bars,
            session_of=market.session_of,
            kill_times=lambda: trading.kill_times,
        ),
        matched_at=lambda account_id: trading.matched_at(account_id),  # noqa: PLW0108 - the order service is made below
        matched_wall=lambda account_id: trading.matched_wall(account_id),  # noqa: PLW0108 - the same
        suspense=lambda account_id: trading.comparing.suspense(account_id),  # noqa: PLW0108 - the same
        quote_age=market.service.quote_age_ns,
        loss_limit=lambda account_id, base: gate.loss_limit(account_id, base),  # noqa: PLW0108 - the gate is made below
    )
    working = WorkingBook(base.collar_fraction, fee)
    sources = _sources(ledger, portfolio, working, market, clock=clock, fee=fee, trading=lambda: trading)
    gate = BoundGate(sources, policy, ledger, session_of=market.session_of, is_void=lambda key: _is_void(trading, key))
    names = LimitNames()
    trading = OrderService(
        journal=ends.journal,
        brokers=ends.brokers,
        gate=gate,
        latch=ends.latch,
        clock=clock,
        market_now=market.time.now_ns,
        bus=ends.bus,
        quotes=market.service.quote,
        positions=partial(_holdings, ledger),
        account_view=portfolio.account,
        listeners=(ledger.apply, portfolio.observe, gate.observe),
        day_start=market.day_start,
        cash=partial(_cash, ledger),
        cash_bound=lambda account_id: portfolio.balances(account_id).equity * ends.cash_fraction,
        day_end=market.day_end,
        binding=working,
        world=world,
        version=__version__,
        ids=ends.ids,
        timing=ends.timing,
        connections=ends.connections,
        limits_name=lambda terms: names.name(gate.limits_of(terms)),
        quote_age=market.service.quote_age_ns,
        session_date=lambda: market.time.session_date,
    )
    return Joined(ledger=ledger, portfolio=portfolio, trading=trading, gate=gate)


def _sources(
    ledger: Ledger,
    portfolio: PortfolioService,
    working: WorkingBook,
    market: Market,
    *,
    clock: Clock,
    fee: FeeEstimate,
    trading: Callable[[], OrderService],
) -> ViewSources:
    """What the gate looks at; the order service is asked for, since it is made with the gate."""
    return ViewSources(
        account=ledger.account,
        working=working.of,
        balances=portfolio.balances,
        held=ledger.quantity,
        instrument=market.instrument,
        quote=market.service.quote,
        quote_age_ns=market.service.quote_age_ns,
        status=market.service.status,
        trading_state=lambda: trading().trading_state,
        is_reconciled=lambda account_id: trading().is_reconciled(account_id),
        now_ns=market.time.now_ns,
        wall_ns=clock.now_ns,
        session_date=lambda: market.time.session_date,
        peak=portfolio.peak,
        suspended=lambda *place: trading().comparing.suspended(*place),  # noqa: PLW0108 - it is made with the gate
        arming=lambda account, terms: trading().arming(account, terms),
        fee=fee,
    )


def portfolio_settings(limits: Limits) -> PortfolioSettings:
    """What valuation needs of the limits."""
    return PortfolioSettings(
        collar_fraction=limits.collar_fraction,
        daily_loss_fraction=limits.daily_loss_fraction,
        max_mark_age_ns=limits.max_quote_age_extended_ms * 1_000_000,
    )


def _orders_of(trading: OrderService, account_id: str) -> Iterable[Order]:
    return (order for order in trading.book.orders.values() if order.terms.account_id == account_id)


def _is_void(trading: OrderService, key: str) -> bool:
    """Whether an order is over for certain and nothing of it was executed."""
    order = trading.book.orders.get(key)
    return order is not None and order.status.is_terminal and not order.is_unknown and not order.filled_quantity


def _holdings(ledger: Ledger, account_id: str) -> Mapping[str, Decimal]:
    try:
        return {one.instrument_id: one.quantity for one in ledger.positions(account_id) if one.quantity}
    except NotFoundError:
        return {}


def _cash(ledger: Ledger, account_id: str) -> Decimal | None:
    try:
        return ledger.book(account_id).cash
    except NotFoundError:
        return None
