"""An account with its gate, its risk desk and a journal in memory; it can be killed and folded again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.bootstrap.riskdesk import RiskDesk
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import CancelOrder, SubmitOrder
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms
from stockpulse_engine.domain.views import HaltView
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.working import WorkingBook
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import Policy
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.risk.view import ViewSources
from stockpulse_engine.wire.risk import SetLimit
from tests.fakes.portfolio_build import SECOND, D, fill, filled, opened, quote
from tests.unit.risk.build import INSTRUMENT, NOW, phase

DATE = "2024-03-08"
REASON = "a test"


class RiskFloor:
    """What `kill` leaves is the journal; `price` moves the market."""

    def __init__(self, *, limits: Limits | Policy = Limits(), quantity: str = "200") -> None:  # noqa: B008 - frozen
        self.clock = ManualClock(NOW)
        self.files = limits
        self.journal: list[Event] = []
        self.alerts: list[str] = []
        self.canceled: list[tuple[str, str]] = []
        self.orders: list[Order] = []
        self.journal_fails = False
        self.bid, self.ask = "99.99", "100.01"
        self._live()
        self._apply(opened())
        self._apply(filled(fill("f1", quantity, "100")))
        self.new_session(DATE)

    def _live(self) -> None:
        self.bus = Bus(lambda _, error: self.alerts.append(repr(error)))
        self.bus.subscribe(AlertRaised, lambda one: self.alerts.append(one.text))
        self.ledger = Ledger()
        self.working = WorkingBook(Limits().collar_fraction)
        self.portfolio = PortfolioService(
            self.ledger,
            orders=lambda: self.orders,
            quote=self._quote,
            clock=self.clock.now_ns,
            loss_limit=lambda account_id, base: self.gate.loss_limit(account_id, base),  # noqa: PLW0108 - made below
        )
        sources = ViewSources(
            account=self.ledger.account,
            working=self.working.of,
            balances=self.portfolio.balances,
            held=self.ledger.quantity,
            instrument=lambda _: INSTRUMENT,
            quote=self._quote,
            quote_age_ns=lambda _: 0,
            status=lambda _: phase(MarketPhase.OPEN),
            trading_state=lambda: TradingState.ACTIVE,
            is_reconciled=lambda _: True,
            now_ns=self.clock.now_ns,
            wall_ns=self.clock.now_ns,
            session_date=lambda: DATE,
            peak=self.portfolio.peak,
        )
        self.gate = BoundGate(sources, self.files, self.ledger, session_of=lambda _: DATE)
        trading: Any = self
        self.desk = RiskDesk(
            self.gate,
            self.portfolio,
            trading,
            clock=self.clock,
            bus=self.bus,
            written={"limits.max_gross": "mine.toml"},
        )
        for order in self.orders:
            self.working.put(order)

    def _quote(self, instrument_id: str) -> Any:
        return quote(self.bid, self.ask, instrument_id=instrument_id, last=None)

    def _apply(self, event: Event) -> None:
        self.journal.append(event)
        self._fold(event)

    def _fold(self, event: Event) -> None:
        self.ledger.apply(event)
        self.portfolio.observe(event)
        self.gate.observe(event)

    # --- what happens --------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """Only the journal and the venue's orders stay."""
        events, self.journal = self.journal, []
        self._live()
        for event in events:
            self._apply(event)

    def price(self, middle: str) -> None:
        """The market moves."""
        self.bid, self.ask = f"{D(middle) - D('0.01')}", f"{D(middle) + D('0.01')}"
        self.clock.advance(SECOND)
        self.portfolio.sample(self.clock.now_ns())

    async def look(self) -> None:
        """Two looks, a second apart."""
        await self.desk.look()
        await self.desk.look()

    def new_session(self, date: str) -> None:
        """A session begins at the prices of now."""
        for event in self.portfolio.begin_session(date, self.clock.now_ns()):
            self._apply(event)

    def work(self, *orders: Order) -> None:
        """Orders rest at the venue."""
        for order in orders:
            self.orders.append(order)
            self.working.put(order)

    def judge(self, instruction: OrderTerms) -> Verdict:
        """What the gate says of an order."""
        self.clock.advance(10 * SECOND)
        return self.gate.judge(SubmitOrder(client_order_id="x", terms=instruction))

    def wish(self, key: str, value: str, scope: str = "", name: str = "") -> SetLimit:
        """A request to set a limit."""
        self.clock.advance(1)
        return SetLimit(
            request_id=f"r{self.clock.now_ns()}", key=key, value=value, scope=scope, name=name, reason=REASON
        )

    # --- the order service as the desk sees it ------------------------------------------------------------------

    async def record_fact(self, event: Event) -> int:
        """The journal takes it, or the disk is full."""
        if self.journal_fails:
            raise UnavailableError("The journal is read-only.")
        self._apply(event)
        return len(self.journal)

    def halt_view(self) -> HaltView:
        """Nothing was halted."""
        return HaltView(state=TradingState.ACTIVE, reason="", since=0, actor="", is_latched=False)

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """What works."""
        return [order for order in self.orders if order.terms.account_id == account_id and order.is_open]

    async def cancel(self, command: CancelOrder, actor: str) -> Order:
        """The venue cancels."""
        self.canceled.append((command.client_order_id, command.request_id))
        if not actor:
            raise UnavailableError("Nobody asks.")
        order = next(one for one in self.orders if one.client_order_id == command.client_order_id)
        self.orders.remove(order)
        self.working.drop(order)
        return order


def working(order: Order, status: OrderStatus = OrderStatus.ACCEPTED) -> Order:
    """The same order, taken by the venue."""
    return msgspec.structs.replace(order, status=status)
