"""Losses act: an account that reached its limit may only reduce, and what would open is canceled."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AccountTouched, AlertRaised
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import CancelOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.events import LossLimitActed
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.portfolio.reservations import in_flight
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.valuation import Balances, tidy
from stockpulse_engine.risk.brakes import DAILY_LOSS, DRAWDOWN
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.rows import money
from stockpulse_engine.trading.amend import EXTERNAL
from stockpulse_engine.trading.service import OrderService

ACTOR: Final = "engine/loss limit"
_log = get_logger("risk")


class LossWatch:
    """Compares every account with its loss limits; what it did is in the journal and survives a kill.

    A limit acts when it is reached at two looks in a row: one wrong print stops nobody for a day. The gate denies
    from the first moment on, as long as it lasts.
    """

    def __init__(
        self, gate: BoundGate, portfolio: PortfolioService, trading: OrderService, *, clock: Clock, bus: Bus
    ) -> None:
        self._gate = gate
        self._portfolio = portfolio
        self._trading = trading
        self._clock = clock
        self._bus = bus
        self._reached_before: dict[str, frozenset[str]] = {}
        """Limits that were reached at the look before: what acts for the day does so on no single print."""

    async def look(self) -> None:
        """One look at every account. A failure is logged and tried again: the gate denies by itself meanwhile."""
        for account_id in self._portfolio.account_ids():
            try:
                await self._look_at(account_id)
            except StockPulseError as error:
                _log.warning("loss_limit_not_recorded", account=account_id, problem=error.message)

    async def _look_at(self, account_id: str) -> None:
        limits = self._gate.limits.current(self._clock.now_ns()).of_account(account_id)
        sources = self._gate.sources
        balances = sources.balances(account_id, sources.working(account_id))
        reached = self._reached(account_id, balances, limits)
        before = self._reached_before.get(account_id, frozenset())
        self._reached_before[account_id] = frozenset(kind for kind, _, _ in reached)
        for kind, amount, limit in reached:
            if kind in before:
                await self._act(account_id, kind, amount, limit)
        if self._gate.brakes.of(account_id).is_on and limits.loss_cancels:
            await self._cancel_opening(account_id)

    def _reached(self, account_id: str, balances: Balances, limits: Limits) -> list[tuple[str, Decimal, Decimal]]:
        """Limits that were reached and have not acted yet."""
        brake, found = self._gate.brakes.of(account_id), []
        loss, allowed = -balances.day_pnl, max(ZERO, balances.equity_open) * limits.daily_loss_fraction
        if brake.daily is None and loss > 0 and loss - brake.forgiven_loss >= allowed:
            found.append((DAILY_LOSS, loss, allowed + brake.forgiven_loss))
        peak = self._portfolio.peak(account_id)
        fall, allowed = peak - balances.equity, max(ZERO, peak) * limits.max_drawdown_fraction
        if brake.drawdown is None and fall > 0 and fall - brake.forgiven_fall >= allowed:
            found.append((DRAWDOWN, fall, allowed + brake.forgiven_fall))
        return found

    async def _act(self, account_id: str, kind: str, amount: Decimal, limit: Decimal) -> None:
        fact = LossLimitActed(
            account_id=account_id,
            kind=kind,
            state=TradingState.REDUCING,
            session_date=self._gate.sources.session_date(),
            amount=tidy(amount),
            limit=tidy(limit),
            actor=ACTOR,
            ts_event=self._gate.sources.now_ns(),
            recorded_at=self._clock.now_ns(),
        )
        await self._trading.record_fact(fact)
        self._bus.publish(AccountTouched(account_id=account_id))
        words = f"The {kind} of {account_id} reached {money(amount)} of {money(limit)}: it may only reduce"
        until = "until the next session or `sp limits release`" if kind == DAILY_LOSS else "until `sp limits release`"
        self._bus.publish(
            AlertRaised(ts_event=fact.ts_event, level="danger", text=f"{words} {until}.", subject=account_id)
        )

    async def _cancel_opening(self, account_id: str) -> None:
        """Ask to cancel what would open; the same request again after a kill is the same request.

        Orders made elsewhere are left alone (O14): only a person cancels what we never sent.
        """
        for order in self._trading.open_orders(account_id):
            if order.source == EXTERNAL or order.status is OrderStatus.PENDING_CANCEL or not self._opens(order):
                continue
            request_id = f"loss-{order.client_order_id}"[:64]
            try:
                await self._trading.cancel(
                    CancelOrder(client_order_id=order.client_order_id, request_id=request_id, source="loss limit"),
                    ACTOR,
                )
            except StockPulseError as error:
                _log.warning("loss_cancel_failed", order=order.client_order_id, problem=error.message)

    def _opens(self, order: Order) -> bool:
        """Whether it may open anything: not what only closes, nor what fits into the position it stands against."""
        terms, sources = order.terms, self._gate.sources
        claims = [one for one in sources.working(terms.account_id).claims(terms.instrument_id) if not one.is_closing]
        if all(claim.client_order_id != order.client_order_id for claim in claims):
            return False
        against = -sources.held(terms.account_id, terms.instrument_id) * terms.side.sign
        return in_flight(claims, terms.side.sign) > max(ZERO, against)
