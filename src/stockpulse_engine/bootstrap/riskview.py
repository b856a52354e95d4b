"""What risk looks like now: every limit and how full it is, exposure, worst cases, and what waits.

Read from the same sources as the gate reads, so that a bar that is full is a gate that denies.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.risk import ExposureRow, LimitRow, LossStop, PausedRow, RiskView, WaitingRaise
from stockpulse_engine.portfolio.reservations import Claim, OpeningSide
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.valuation import Balances, tidy
from stockpulse_engine.portfolio.working import Working
from stockpulse_engine.risk.brakes import DAILY_LOSS, Brake
from stockpulse_engine.risk.limit_words import LIMIT_WORDS, value_text, value_words
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import ACCOUNT, EVERYBODY, INSTRUMENT, STRATEGY, Scope, strictest
from stockpulse_engine.risk.proposal import MANUAL
from stockpulse_engine.risk.rows import amount, money, percent
from stockpulse_engine.risk.view import SECOND_NS
from stockpulse_engine.trading.service import OrderService

Used = tuple[Decimal, Decimal, str, str, str]
"""What is used, of how much, both in words, and what uses it."""
_MAX_ROWS: Final = 200


class RiskReader:
    """Makes the view of one account from the gate's own sources."""

    def __init__(
        self, gate: BoundGate, portfolio: PortfolioService, trading: OrderService, written: Mapping[str, str]
    ) -> None:
        """`written` says where the files' values are from, as `limits.KEY` or `limits.KIND.NAME.KEY`."""
        self._gate = gate
        self._portfolio = portfolio
        self._trading = trading
        self._written = written

    def view(self, account_id: str, *, strategy: str = "", instrument_id: str = "") -> RiskView:
        """Risk of one account, its limits as they are for one strategy or instrument where those are named."""
        sources = self._gate.sources
        account_id = account_id or self._portfolio.account_ids()[0]
        account, working = sources.account(account_id), sources.working(account_id)
        balances, wall_ns = sources.balances(account_id, working), sources.wall_ns()
        state, halt, brake = sources.trading_state(), self._trading.halt_view(), self._gate.brakes.of(account_id)
        now = _Now(self._gate, account_id, strategy or MANUAL, working, balances)
        unknown = [order for order in self._trading.open_orders(account_id) if order.is_unknown]
        keys = {order.client_order_id for order in unknown}
        return RiskView(
            account_id=account_id,
            currency=account.currency,
            as_of=sources.now_ns(),
            wall_ns=wall_ns,
            state=TradingState.REDUCING if brake.is_on and state is TradingState.ACTIVE else state,
            halt=halt,
            limits=self._limits(now, account_id, strategy, instrument_id),
            waiting=self.waiting(wall_ns),
            exposures=now.exposures(),
            paused=self._paused(account_id, wall_ns),
            stops=_stops(brake),
            kill=self._gate.kills.proof,
            equity=tidy(balances.equity),
            equity_open=tidy(balances.equity_open),
            peak=tidy(now.peak),
            fall=tidy(max(ZERO, now.peak - balances.equity)),
            day_pnl=tidy(balances.day_pnl),
            day_fraction=_part(balances.day_pnl, balances.equity_open),
            loss_left=tidy(now.loss_left()),
            gross=tidy(balances.gross),
            gross_weight=_part(balances.gross, balances.equity),
            net=tidy(balances.market_value),
            net_weight=_part(balances.market_value, balances.equity),
            open_worst=tidy(balances.reserved),
            open_notional=tidy(balances.pending),
            open_orders=len(working),
            unknown_worst=tidy(sum((now.worst_of(each, keys) for each in now.names), ZERO)),
            unknown_orders=len(unknown),
            problems=tuple(self._gate.limits.problems[-5:]),
        )

    def waiting(self, wall_ns: int) -> tuple[WaitingRaise, ...]:
        """Raises that are not in force yet, the next first."""
        return tuple(
            WaitingRaise(
                change_id=one.change_id,
                key=one.key,
                title=LIMIT_WORDS[one.key].title if one.key in LIMIT_WORDS else one.key,
                old=one.old,
                new=one.new,
                acts_at=one.acts_at,
                recorded_at=one.recorded_at,
                scope=one.scope,
                name=one.name,
                actor=one.actor,
                reason=one.reason,
            )
            for one in self._gate.limits.waiting(wall_ns)
        )

    def _paused(self, account_id: str, wall_ns: int) -> tuple[PausedRow, ...]:
        limits = self._gate.limits.current(wall_ns).of_account(account_id)
        return tuple(
            PausedRow(
                instrument_id=name,
                count=seen.count,
                reason=seen.reason,
                probe_at=seen.sent_ns + limits.probe_interval_ms * 1_000_000,
            )
            for name, seen in self._gate.rejections.paused(account_id, limits.rejections_to_pause)
        )

    # --- limits --------------------------------------------------------------------------------------------------

    def _limits(self, now: _Now, account_id: str, strategy: str, instrument_id: str) -> tuple[LimitRow, ...]:
        policy = self._gate.limits.current(now.wall_ns)
        asked = (Scope(ACCOUNT, account_id), Scope(STRATEGY, strategy), Scope(INSTRUMENT, instrument_id))
        limits = policy.resolve(account_id, strategy, instrument_id)
        rows = [self._row(now, key, getattr(limits, key), asked, instrument_id) for key in limits.__struct_fields__]
        for scope, values in sorted(policy.sections.items()):
            if scope in asked or scope.kind == ACCOUNT:
                continue
            narrow = policy.resolve(
                account_id,
                scope.name if scope.kind == STRATEGY else "",
                scope.name if scope.kind == INSTRUMENT else "",
            )
            only = _Now(self._gate, account_id, scope.name, now.working, now.balances)
            name = scope.name if scope.kind == INSTRUMENT else ""
            rows += [self._row(only, key, getattr(narrow, key), (scope,), name) for key in values]
        rows.sort(key=lambda row: -row.fraction if row.fraction is not None else Decimal(1))
        return tuple(rows[:_MAX_ROWS])

    def _row(self, now: _Now, key: str, value: Any, asked: tuple[Scope, ...], instrument_id: str) -> LimitRow:
        words, scope = LIMIT_WORDS[key], self._scope_of(now, key, value, asked)
        used = now.used(key, value, instrument_id)
        row = LimitRow(
            key=key,
            title=words.title,
            value=value_text(value),
            limit=value_words(key, value),
            scope=scope.kind,
            name=scope.name,
            effect=words.effect,
            source=self._source(scope, key),
        )
        if used is None:
            return row
        taken, whole, said, limit, subject = used
        title = f"{symbol_of(subject)} {words.title}" if "." in subject else words.title
        fraction = max(ZERO, taken / whole) if whole > 0 else Decimal(1)
        return LimitRow(
            key=key,
            title=title,
            value=row.value,
            limit=limit,
            used=said,
            fraction=round(min(fraction, Decimal(99)), 4),
            scope=row.scope,
            name=row.name,
            subject=subject,
            effect=row.effect,
            source=row.source,
        )

    def _scope_of(self, now: _Now, key: str, value: Any, asked: tuple[Scope, ...]) -> Scope:
        """The section whose value it is: the narrowest that says exactly this."""
        policy = self._gate.limits.current(now.wall_ns)
        for scope in reversed(asked):
            said = policy.value(scope, key)
            if said is not None and (said == value or strictest(key, said, value) == said):
                return scope
        return EVERYBODY

    def _source(self, scope: Scope, key: str) -> str:
        fact = self._gate.limits.fact(scope, key)
        if fact is not None:
            return f"set by {fact.actor or 'somebody'}"
        head = f"limits.{scope.kind}.{scope.name}" if scope.kind else "limits"
        return self._written.get(f"{head}.{key}", "default")


class _Now:
    """One account at one moment, and how full each of its limits is."""

    def __init__(self, gate: BoundGate, account_id: str, strategy: str, working: Working, balances: Balances) -> None:
        self.gate = gate
        self.account_id = account_id
        self.strategy = strategy
        self.working = working
        self.balances = balances
        self.wall_ns = gate.sources.wall_ns()
        self.peak = gate.sources.peak(account_id)
        self.brake: Brake = gate.brakes.of(account_id)
        self.names = sorted({*balances.marks, *working.instruments()})

    @property
    def _limits(self) -> Limits:
        return self.gate.limits.current(self.wall_ns).of_account(self.account_id)

    def used(self, key: str, value: Any, instrument_id: str) -> Used | None:
        """How full a limit is; None where nothing is used up over time."""
        make = _METERS.get(key)
        return make(self, value, instrument_id) if make is not None else None

    def loss_left(self) -> Decimal:
        """What may still be lost today before the limit acts."""
        loss, limit = self.loss()
        return max(ZERO, limit - loss)

    def loss(self) -> tuple[Decimal, Decimal]:
        """The day's loss, and the loss at which the limit acts."""
        limit, acted = max(ZERO, self.balances.equity_open) * self._limits.daily_loss_fraction, self.brake.daily
        if acted is not None:  # what it stopped stays stopped, whatever the price does now
            return max(-self.balances.day_pnl, acted.amount), acted.limit
        return -self.balances.day_pnl, limit + self.brake.forgiven_loss

    def fall(self) -> tuple[Decimal, Decimal]:
        """The fall from the peak, and the one at which the limit acts."""
        limit, acted = max(ZERO, self.peak) * self._limits.max_drawdown_fraction, self.brake.drawdown
        if acted is not None:
            return max(self.peak - self.balances.equity, acted.amount), acted.limit
        return self.peak - self.balances.equity, limit + self.brake.forgiven_fall

    def claims(self, instrument_id: str) -> tuple[Claim, ...]:
        """What the open orders of one instrument may still do."""
        return self.working.claims(instrument_id)

    def worst_of(self, instrument_id: str, keys: set[str]) -> Decimal:
        """What some orders of one instrument may open at worst."""
        claims = [claim for claim in self.claims(instrument_id) if claim.client_order_id in keys]
        held = self.gate.sources.held(self.account_id, instrument_id)
        return OpeningSide(claims, 1).notional_beside(held) + OpeningSide(claims, -1).notional_beside(held)

    def price(self, instrument_id: str) -> Decimal | None:
        """The mark of what is held, else the dearest price an order may pay."""
        mark = self.balances.marks.get(instrument_id)
        return mark if mark is not None else max((claim.price for claim in self.claims(instrument_id)), default=None)

    def worst_value(self, instrument_id: str) -> Decimal:
        """|position| with every opening order on one side filled, at the mark."""
        held, price = self.gate.sources.held(self.account_id, instrument_id), self.price(instrument_id) or ZERO
        opening = [claim for claim in self.claims(instrument_id) if not claim.is_closing]
        buys = sum((claim.quantity for claim in opening if claim.sign > 0), ZERO)
        sells = sum((claim.quantity for claim in opening if claim.sign < 0), ZERO)
        return max(abs(held), abs(held + buys), abs(held - sells)) * price

    def exposures(self) -> tuple[ExposureRow, ...]:
        """What each instrument weighs, heaviest first."""
        held = {name: self.gate.sources.held(self.account_id, name) for name in self.names}
        values = {name: quantity * (self.price(name) or ZERO) for name, quantity in held.items()}
        largest = max((abs(value) for value in values.values()), default=ZERO)
        rows = [
            ExposureRow(
                instrument_id=name,
                quantity=held[name],
                value=tidy(value),
                weight=_part(value, self.balances.equity),
                worst=_part(self.worst_value(name), self.balances.equity),
                bar=round(value / largest, 4) if largest else ZERO,
            )
            for name, value in values.items()
        ]
        rows.sort(key=lambda row: (-abs(row.value), row.instrument_id))
        return tuple(rows[:_MAX_ROWS])


def _largest_order(now: _Now, limit: Decimal, instrument_id: str) -> Used | None:
    found = [
        (claim.quantity * claim.price, name)
        for name in ([instrument_id] if instrument_id else now.names)
        for claim in now.claims(name)
    ]
    used, name = max(found, default=(ZERO, ""))
    return used, limit, money(used), money(limit), name


def _largest_quantity(now: _Now, limit: Decimal, instrument_id: str) -> Used | None:
    found = [
        (claim.quantity, name)
        for name in ([instrument_id] if instrument_id else now.names)
        for claim in now.claims(name)
    ]
    used, name = max(found, default=(ZERO, ""))
    return used, limit, amount(used), amount(limit), name


def _weight(now: _Now, limit: Decimal, instrument_id: str) -> Used | None:
    equity = now.balances.equity
    if equity <= 0:
        return Decimal(1), limit, "all", percent(limit), instrument_id
    found = [(now.worst_value(name) / equity, name) for name in ([instrument_id] if instrument_id else now.names)]
    used, name = max(found, default=(ZERO, ""))
    return used, limit, percent(used), percent(limit), name


def _of_equity(now: _Now, exposed: Decimal, limit: Decimal) -> Used:
    equity = now.balances.equity
    if equity <= 0:
        return Decimal(1), ZERO, "all", percent(limit), ""
    return exposed / equity, limit, percent(exposed / equity), percent(limit), ""


def _gross(now: _Now, limit: Decimal, _: str) -> Used:
    return _of_equity(now, now.balances.gross + now.balances.pending, limit)


def _net(now: _Now, limit: Decimal, _: str) -> Used:
    return _of_equity(now, abs(now.balances.market_value) + now.balances.pending, limit)


def _loss(now: _Now, _: Decimal, __: str) -> Used:
    loss, limit = now.loss()
    return loss, limit, money(max(ZERO, loss)), money(limit), ""


def _drawdown(now: _Now, _: Decimal, __: str) -> Used:
    fall, limit = now.fall()
    return fall, limit, money(max(ZERO, fall)), money(limit), ""


def _counted(used: int, limit: int) -> Used:
    return Decimal(used), Decimal(limit), str(used), f"{limit:,}", ""


def _each_second(now: _Now, limit: int, _: str) -> Used:
    return _counted(now.gate.log.count_since(now.account_id, now.wall_ns - SECOND_NS), limit)


def _each_day(now: _Now, limit: int, _: str) -> Used:
    return _counted(now.gate.log.count_today(now.account_id, now.gate.sources.session_date()), limit)


def _strategy_second(now: _Now, limit: int, _: str) -> Used:
    return _counted(now.gate.log.count_since(now.account_id, now.wall_ns - SECOND_NS, now.strategy), limit)


def _strategy_day(now: _Now, limit: int, _: str) -> Used:
    return _counted(now.gate.log.count_today(now.account_id, now.gate.sources.session_date(), now.strategy), limit)


def _open(now: _Now, limit: int, _: str) -> Used:
    return _counted(len(now.working), limit)


_METERS: Final[dict[str, Any]] = {
    "max_order_notional": _largest_order,
    "max_order_quantity": _largest_quantity,
    "max_position_weight": _weight,
    "max_gross": _gross,
    "max_net": _net,
    "daily_loss_fraction": _loss,
    "max_drawdown_fraction": _drawdown,
    "max_orders_per_second": _each_second,
    "max_orders_per_day": _each_day,
    "max_strategy_orders_per_second": _strategy_second,
    "max_strategy_orders_per_day": _strategy_day,
    "max_open_orders": _open,
}


def _stops(brake: Brake) -> tuple[LossStop, ...]:
    return tuple(
        LossStop(
            kind=fact.kind,
            amount=fact.amount,
            limit=fact.limit,
            since=fact.recorded_at,
            until="the next session, or RELEASE" if fact.kind == DAILY_LOSS else "RELEASE",
        )
        for fact in (brake.daily, brake.drawdown)
        if fact is not None
    )


def _part(value: Decimal, whole: Decimal) -> Decimal | None:
    return round(value / whole, 6) if whole > 0 else None
