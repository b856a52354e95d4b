"""Limits at run time: shown, tightened at once, raised after a minute, and acting by themselves on losses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.bootstrap.losswatch import LossWatch
from stockpulse_engine.bootstrap.riskview import RiskReader
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AccountTouched, AlertRaised
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import (
    ConfigError,
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
)
from stockpulse_engine.domain.events import LimitChanged, LossLimitActed
from stockpulse_engine.domain.instruments import require_instrument_id
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.risk import LimitAnswer, RiskView
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.risk.brakes import DAILY_LOSS
from stockpulse_engine.risk.limit_book import RAISE_DELAY_NS, parse_value
from stockpulse_engine.risk.limit_words import value_text
from stockpulse_engine.risk.policy import ACCOUNT, EVERYBODY, INSTRUMENT, SCOPES, Scope, is_looser
from stockpulse_engine.trading.service import OrderService
from stockpulse_engine.wire.risk import ReleaseLoss, SetLimit

LOOK_S = 1.0
DEFAULT = "default"
"""The value that stands for what the files say."""
WORD = "RELEASE"


class RiskDesk:
    """Implements `api.risk.RiskPort`, and watches losses and raises that come due.

    Args:
        gate: whose limits these are.
        portfolio, trading: balances, orders, and the one journal.
        clock: wall time; bus: where alerts are told.
        written: where the files' values are from.
    """

    def __init__(
        self,
        gate: BoundGate,
        portfolio: PortfolioService,
        trading: OrderService,
        *,
        clock: Clock,
        bus: Bus,
        written: Mapping[str, str],
    ) -> None:
        self._gate = gate
        self._portfolio = portfolio
        self._trading = trading
        self._clock = clock
        self._bus = bus
        self._reader = RiskReader(gate, portfolio, trading, written)
        self._losses = LossWatch(gate, portfolio, trading, clock=clock, bus=bus)
        self._told: set[str] = set()
        """Raises that wait and were seen waiting."""

    # --- the port ------------------------------------------------------------------------------------------------

    def view(self, account_id: str = "", *, strategy: str = "", instrument_id: str = "") -> RiskView:
        """Limits of an account, exposure, and what waits; "" is the default account. Raises NotFoundError."""
        if not self._portfolio.account_ids():
            raise NotFoundError("No account is open yet.", fix="Open one with `sp account open`.")
        return self._reader.view(account_id, strategy=strategy, instrument_id=instrument_id)

    async def set_limit(self, wish: SetLimit, actor: str, *, may_raise: bool) -> LimitAnswer:
        """Set one limit: a tighter one acts at once, a looser one after a minute.

        Raises:
            InvalidValueError: no such limit, scope or value.
            ForbiddenError: it is looser, and the caller may not raise.
            ConflictError: it is that already.
        """
        scope, now, book = self._scope(wish), self._clock.now_ns(), self._gate.limits
        try:
            given = None if wish.value.strip() == DEFAULT else parse_value(scope, wish.key, wish.value)
        except ConfigError as error:
            raise InvalidValueError(error.message, fix=error.fix) from error
        old = book.current(now).value(scope, wish.key)
        new = book.files.value(scope, wish.key) if given is None else given
        waiting = [one for one in book.waiting(now) if (Scope(one.scope, one.name), one.key) == (scope, wish.key)]
        if new == old and not waiting:
            raise ConflictError(f"{wish.key} of {scope.words} is {_text(old)} already.", fix="Name another value.")
        looser = old is not None and (new is None or is_looser(wish.key, new, old))
        if looser and not may_raise:
            raise ForbiddenError(
                f"This raises {wish.key} of {scope.words} from {_text(old)} to {_text(new)}: that is an admin's to do.",
                fix="Use the admin token; it acts after 60 s.",
            )
        fact = LimitChanged(
            change_id=wish.request_id,
            key=wish.key,
            scope=scope.kind,
            name=scope.name,
            old="" if old is None else value_text(old),
            new="" if given is None else value_text(given),
            acts_at=now + RAISE_DELAY_NS if looser else now,
            reason=clean_line(wish.reason, 200),
            actor=actor,
            ts_event=self._gate.sources.now_ns(),
            recorded_at=now,
        )
        await self._trading.record_fact(fact)
        self._tell(fact, scope)
        return _answer(fact, waits=looser)

    async def withdraw(self, change_id: str, actor: str) -> LimitAnswer:
        """Take back a raise that waits; an unambiguous beginning of its id is enough.

        Raises:
            NotFoundError: nothing of that id waits.
        """
        now = self._clock.now_ns()
        found = [one for one in self._gate.limits.waiting(now) if change_id and one.change_id.startswith(change_id)]
        if len(found) != 1:
            raise NotFoundError(
                f"No raise {clean_line(change_id, 64)!r} waits.", fix="`sp limits waiting` lists those that do."
            )
        (one,) = found
        fact = LimitChanged(
            change_id=one.change_id,
            key=one.key,
            scope=one.scope,
            name=one.name,
            old=one.old,
            new=one.new,
            is_withdrawn=True,
            actor=actor,
            ts_event=self._gate.sources.now_ns(),
            recorded_at=now,
        )
        await self._trading.record_fact(fact)
        self._alert("info", f"The raise of {one.key} to {one.new or DEFAULT} was taken back.", one.key)
        return _answer(fact, waits=False)

    async def release(self, wish: ReleaseLoss, actor: str) -> RiskView:
        """Free an account of what its loss limits stopped; the limits count on from where it stands.

        Raises:
            ForbiddenError: the word is missing.
            ConflictError: nothing is stopped.
        """
        account_id = wish.account_id or self._portfolio.account_ids()[0]
        if wish.word != WORD:
            raise ForbiddenError(f"To free {account_id} type the word {WORD}.", fix=f"Type {WORD} in capital letters.")
        brake = self._gate.brakes.of(account_id)
        facts = [fact for fact in (brake.daily, brake.drawdown) if fact is not None]
        if not facts:
            raise ConflictError(f"No loss limit stops {account_id}.", fix="See `sp limits`.")
        for fact in facts:
            await self._trading.record_fact(self._freed(fact, clean_line(wish.reason, 200), actor))
        self._bus.publish(AccountTouched(account_id=account_id))
        self._alert("warn", f"{account_id} may open positions again: {actor} freed it.", account_id)
        return self._reader.view(account_id)

    # --- beside --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look for ever: at losses, and at raises that come due."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One look."""
        self._tell_due()
        await self._losses.look()

    def _tell_due(self) -> None:
        now = self._clock.now_ns()
        waiting = {one.change_id for one in self._gate.limits.waiting(now)}
        for change_id in self._told - waiting:
            fact = self._gate.limits.by_id(change_id)
            if fact is not None:
                scope = Scope(fact.scope, fact.name)
                self._alert("warn", f"{fact.key} of {scope.words} is {fact.new or DEFAULT} from now on.", fact.key)
        self._told = waiting

    def _scope(self, wish: SetLimit) -> Scope:
        scope = Scope(wish.scope, wish.name)
        if not wish.scope and not wish.name:
            return EVERYBODY
        if wish.scope not in SCOPES or not wish.name:
            raise InvalidValueError(
                f"{clean_line(wish.scope, 32)!r} is no scope of a limit.", fix=f"Use {', '.join(SCOPES)}, and its name."
            )
        if wish.scope == ACCOUNT:
            self._gate.sources.account(wish.name)
        if wish.scope == INSTRUMENT:
            require_instrument_id(wish.name)
        if clean_line(wish.name, 64) != wish.name:
            raise InvalidValueError(f"{clean_line(wish.name, 64)!r} is no name.", fix="Use printable characters.")
        return scope

    def _freed(self, fact: LossLimitActed, reason: str, actor: str) -> LossLimitActed:
        """The fact that frees, with the loss as it stands now: that much is let pass."""
        balances = self._portfolio.balances(fact.account_id)
        fallen = self._portfolio.peak(fact.account_id) - balances.equity
        return LossLimitActed(
            account_id=fact.account_id,
            kind=fact.kind,
            state=TradingState.ACTIVE,
            session_date=fact.session_date,
            amount=max(ZERO, -balances.day_pnl if fact.kind == DAILY_LOSS else fallen),
            limit=fact.limit,
            reason=reason,
            actor=actor,
            ts_event=self._gate.sources.now_ns(),
            recorded_at=self._clock.now_ns(),
        )

    def _tell(self, fact: LimitChanged, scope: Scope) -> None:
        new = fact.new or DEFAULT
        if fact.acts_at > fact.recorded_at:
            self._alert("warn", f"{fact.key} of {scope.words} will be {new} in 60 s; it can be taken back.", fact.key)
        else:
            self._alert("info", f"{fact.key} of {scope.words} is {new} now.", fact.key)
        for account_id in self._portfolio.account_ids():
            self._bus.publish(AccountTouched(account_id=account_id))

    def _alert(self, level: str, text: str, subject: str) -> None:
        now = self._gate.sources.now_ns()
        self._bus.publish(AlertRaised(ts_event=now, level=level, text=text, subject=subject))


def _text(value: object) -> str:
    return "not set" if value is None else value_text(value)


def _answer(fact: LimitChanged, *, waits: bool) -> LimitAnswer:
    return LimitAnswer(
        change_id=fact.change_id,
        key=fact.key,
        old=fact.old,
        new=fact.new,
        acts_at=fact.acts_at,
        waits=waits,
        scope=fact.scope,
        name=fact.name,
    )
