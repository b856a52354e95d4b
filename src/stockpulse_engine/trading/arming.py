"""Arming for live money (R11): nothing of it leaves but while every condition holds, and a person has said so.

Held in memory: a restart disarms, and so do a halt, the end of the time, a lost session and the amount being used up.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import PAPER_BROKER, LiveView
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError
from stockpulse_engine.domain.events import Event, LiveArmed, LiveDisarmed
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms
from stockpulse_engine.risk.view import Arming
from stockpulse_engine.trading.ports import MarketNow, QuoteSource

BY_HAND: Final = "manual"
"""The strategy of orders that a person sends."""
MAX_MINUTES: Final = 8 * 60
SUFFIX: Final = 4
"""How many of the account number's last letters are typed."""
_MINUTE_NS: Final = 60_000_000_000
_SLACK: Final = Decimal("1.05")
"""An order without a limit may meet a price this far beyond the one shown."""
_EXITS: Final = frozenset({OrderRole.TAKE, OrderRole.STOP})


class Connections(Protocol):
    """What is known of the connection that holds an account. Everything unknown is a no."""

    def mode(self, broker: str) -> AccountKind | None:
        """Whose money the connection moves by its configuration; None while it is locked or unknown."""
        ...

    def number(self, broker: str) -> str:
        """The broker's number of the account, "" where none is configured."""
        ...

    def ends_at(self, broker: str) -> int:
        """Wall time at which the session there ends by itself; 0 for never."""
        ...

    def trouble(self, broker: str) -> str:
        """What is wrong with disk or clock, in words; "" when nothing is."""
        ...


class NoConnections:
    """Where no broker can be joined: nothing is live."""

    def mode(self, broker: str) -> AccountKind | None:
        """Unknown."""
        return None

    def number(self, broker: str) -> str:
        """None."""
        return ""

    def ends_at(self, broker: str) -> int:
        """Never."""
        return 0

    def trouble(self, broker: str) -> str:
        """Nothing."""
        return ""


@dataclass
class _Arm:
    """One arming; `sent` is what was let out since, whatever became of it."""

    fact: LiveArmed
    sent: Decimal = ZERO


class NotArmedError(Exception):
    """A live order may not leave; args[0] says why, in words."""


class LiveArming:
    """Who may send live orders, how long, and for how much.

    Args:
        clock, market_now: wall and market time.
        quotes: latest quote, to value orders without a limit.
        write: makes a fact durable.
        connections: what is known of the brokers.
        is_clean: whether an account's orders are known to match the venue's.
        halted: why nothing leaves now, "" while trading is not HALTED.
        on_change: called after every arming and disarming.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        market_now: MarketNow,
        quotes: QuoteSource,
        write: Callable[[Sequence[Event]], Awaitable[int]],
        connections: Connections,
        is_clean: Callable[[Account], bool],
        halted: Callable[[], str],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._market_now = market_now
        self._quotes = quotes
        self._write = write
        self._connections = connections
        self._is_clean = is_clean
        self._halted = halted
        self._on_change = on_change
        self._arms: dict[tuple[str, str], _Arm] = {}

    # --- what a person does -------------------------------------------------------------------------------

    async def arm(
        self, account: Account, *, holder: str, suffix: str, cap: Decimal, minutes: int, strategy: str, actor: str
    ) -> LiveView:
        """Let live orders of the account leave, up to an amount, for some minutes. Durable before it is in force.

        Raises:
            InvalidValueError: amount or minutes can not be right.
            ForbiddenError: a condition does not hold, or the typed letters are others.
            ConflictError: it is armed already.
        """
        if account.kind is not AccountKind.LIVE:
            raise InvalidValueError(f"{account.account_id} is PAPER and needs no arming.", fix="Send your order.")
        if not cap.is_finite() or cap <= ZERO:
            raise InvalidValueError("The amount must be above 0.", fix="Say what may be sent at most, as 5000.")
        if not 0 < minutes <= MAX_MINUTES:
            raise InvalidValueError(f"{minutes} minutes are not between 1 and {MAX_MINUTES}.", fix="Use 60.")
        if missing := self._missing(account):
            raise ForbiddenError(f"{account.account_id} can not be armed: {missing[0]}.", fix="See `sp live`.")
        if not hmac.compare_digest(clean_line(suffix, 32).encode(), self.suffix_of(account).encode()):
            raise ForbiddenError(
                "Those are not the last letters of the account's number.", fix="Type them from the broker's own page."
            )
        self.expire()
        if (account.account_id, strategy) in self._arms:
            raise ConflictError(f"{account.account_id} is armed for {strategy} already.", fix="Disarm it first.")
        return await self._put_in_force(account, holder, cap, minutes, strategy=strategy, actor=actor)

    async def _put_in_force(
        self, account: Account, holder: str, cap: Decimal, minutes: int, *, strategy: str, actor: str
    ) -> LiveView:
        now, ends = self._clock.now_ns(), self._connections.ends_at(account.broker)
        until = now + minutes * _MINUTE_NS
        fact = LiveArmed(
            account_id=account.account_id,
            strategy=clean_line(strategy, 64),
            holder=clean_line(holder, 64),
            cap=cap,
            until=min(until, ends) if ends else until,
            ts_event=self._market_now(),
            recorded_at=now,
            actor=actor,
        )
        await self._write([fact])
        if missing := self._missing(account):  # something ended while the fact went to the disk
            await self._record_end(fact, ZERO, missing[0], "engine")
            raise ForbiddenError(f"{account.account_id} can not be armed: {missing[0]}.", fix="See `sp live`.")
        self._arms[fact.account_id, fact.strategy] = _Arm(fact)
        self._on_change()
        return self.view(account)

    async def disarm(self, account_id: str = "", *, reason: str, actor: str) -> int:
        """Take arming away, of every account without one; in force at once, recorded after. Returns how many."""
        gone = [arm for (owner, _), arm in self._arms.items() if account_id in ("", owner)]
        for arm in gone:
            del self._arms[arm.fact.account_id, arm.fact.strategy]
        if gone:
            self._on_change()
        for arm in gone:
            await self._record_end(arm.fact, arm.sent, reason, actor)
        return len(gone)

    def drop_all(self) -> list[tuple[LiveArmed, Decimal]]:
        """Disarm everything in this instant; who calls records it."""
        gone = [(arm.fact, arm.sent) for arm in self._arms.values()]
        self._arms.clear()
        if gone:
            self._on_change()
        return gone

    async def _record_end(self, fact: LiveArmed, sent: Decimal, reason: str, actor: str) -> None:
        await self._write([self.end_of(fact, sent, reason, actor)])

    def end_of(self, fact: LiveArmed, sent: Decimal, reason: str, actor: str) -> LiveDisarmed:
        """The fact that an arming ended."""
        return LiveDisarmed(
            account_id=fact.account_id,
            strategy=fact.strategy,
            reason=clean_line(reason, 200),
            sent=sent,
            ts_event=self._market_now(),
            recorded_at=self._clock.now_ns(),
            actor=actor,
        )

    def expire(self) -> list[tuple[LiveArmed, Decimal]]:
        """Forget what is over; who calls records it."""
        now = self._clock.now_ns()
        over = [arm for arm in self._arms.values() if arm.fact.until <= now]
        for arm in over:
            del self._arms[arm.fact.account_id, arm.fact.strategy]
        if over:
            self._on_change()
        return [(arm.fact, arm.sent) for arm in over]

    # --- what is asked ------------------------------------------------------------------------------------

    def view(self, account: Account) -> LiveView:
        """How a live account stands: armed or not, and what is missing."""
        arms = [arm for (owner, _), arm in self._arms.items() if owner == account.account_id and not self._is_over(arm)]
        arm = next((one for one in arms if one.fact.strategy == BY_HAND), arms[0] if arms else None)
        return LiveView(
            account_id=account.account_id,
            broker=account.broker,
            is_armed=arm is not None,
            letters=len(self.suffix_of(account)),
            holder=arm.fact.holder if arm else "",
            strategy=arm.fact.strategy if arm else "",
            cap=arm.fact.cap if arm else ZERO,
            sent=arm.sent if arm else ZERO,
            until_ns=arm.fact.until if arm else 0,
            missing=self._missing(account),
        )

    def suffix_of(self, account: Account) -> str:
        """What must be typed: the last letters of the broker's number of the account, or of ours."""
        return (self._connections.number(account.broker) or account.account_id)[-SUFFIX:]

    def problem(self, account: Account, terms: OrderTerms) -> str:
        """Why an order of the account may not leave now, "" when it may as far as arming goes."""
        if wrong := self._wrong_kind(account):
            return wrong
        if account.kind is not AccountKind.LIVE:
            return ""
        arm = self._arms.get((account.account_id, terms.strategy))
        if arm is None:
            whom = "" if terms.strategy == BY_HAND else f" for {clean_line(terms.strategy, 40)}"
            return f"{account.account_id} is LIVE and not armed{whom}"
        if self._is_over(arm):
            return f"the arming of {account.account_id} is over"
        return next(iter(self._missing(account)), "")

    def standing(self, account: Account, terms: OrderTerms) -> Arming:
        """What the gate is told."""
        problem = self.problem(account, terms)
        return Arming(problem, "" if problem else self.beyond(account, terms))

    def beyond(self, account: Account, terms: OrderTerms) -> str:
        """Why the amount does not allow an order that may leave otherwise, "" when it does."""
        arm = self._arms.get((account.account_id, terms.strategy))
        if account.kind is not AccountKind.LIVE or arm is None:
            return ""
        return self._beyond(arm, self.worth(terms))

    # --- the router's last look -----------------------------------------------------------------------------

    def take(self, account: Account, orders: Sequence[Order], *, is_exit: bool) -> Decimal:
        """Let orders out and count what they are worth; returns it.

        An exit counts but needs no amount (O8). Raises NotArmedError: nothing may leave.
        """
        terms = orders[0].terms
        if wrong := self.problem(account, terms):
            raise NotArmedError(wrong)
        if account.kind is not AccountKind.LIVE:
            return ZERO
        arm = self._arms[account.account_id, terms.strategy]
        worths = [self.worth(order.terms) for order in orders if order.role not in _EXITS]
        worth = None if None in worths else sum((one for one in worths if one is not None), ZERO)
        if not is_exit and (wrong := self._beyond(arm, worth)):
            raise NotArmedError(wrong)
        arm.sent += worth or ZERO
        return worth or ZERO

    def change(self, account: Account, before: OrderTerms, after: OrderTerms, *, is_exit: bool) -> None:
        """Let a change out and count what it adds. Raises NotArmedError."""
        if wrong := self.problem(account, after):
            raise NotArmedError(wrong)
        if account.kind is not AccountKind.LIVE:
            return
        arm = self._arms[account.account_id, after.strategy]
        old, new = self.worth(before), self.worth(after)
        added = None if old is None or new is None else max(ZERO, new - old)
        if not is_exit and (wrong := self._beyond(arm, added)):
            raise NotArmedError(wrong)
        arm.sent += added or ZERO

    def give_back(self, account: Account, strategy: str, worth: Decimal) -> None:
        """The broker refused for certain: it was not sent after all."""
        if arm := self._arms.get((account.account_id, strategy)):
            arm.sent = max(ZERO, arm.sent - worth)

    def worth(self, terms: OrderTerms) -> Decimal | None:
        """The most an order may move, None when nobody can say."""
        quote: Quote | None = self._quotes(terms.instrument_id)
        shown = [price for price in ((quote.bid, quote.ask) if quote else ()) if price is not None]
        if terms.limit_price is not None:
            return terms.quantity * max(terms.limit_price, *(shown if terms.side.sign < 0 else ()), ZERO)
        told = [price for price in (terms.stop_price, *shown) if price is not None]
        return terms.quantity * max(told) * _SLACK if told else None

    def _beyond(self, arm: _Arm, worth: Decimal | None) -> str:
        if worth is None:
            return "nobody can say what it would move"
        left = arm.fact.cap - arm.sent
        if worth <= left:
            return ""
        return f"it may move {worth:,.2f}, and {max(ZERO, left):,.2f} of the armed {arm.fact.cap:,.2f} are left"

    def _is_over(self, arm: _Arm) -> bool:
        return arm.fact.until <= self._clock.now_ns()

    def _wrong_kind(self, account: Account) -> str:
        """An account never changes whose money it is: PAPER orders never leave through a LIVE connection (F17)."""
        if account.broker == PAPER_BROKER:
            return "the paper venue holds no real money" if account.kind is AccountKind.LIVE else ""
        mode = self._connections.mode(account.broker)
        if account.kind is AccountKind.PAPER and mode is AccountKind.LIVE:
            return f"{account.account_id} is PAPER and {account.broker} moves LIVE money"
        return ""

    def _missing(self, account: Account) -> tuple[str, ...]:
        """Every condition beside the arming itself that does not hold, in words."""
        mode, ends = self._connections.mode(account.broker), self._connections.ends_at(account.broker)
        found = (
            "" if mode is not None else f"the credentials of {account.broker} are locked",
            f"{account.broker} is configured as PAPER" if mode is AccountKind.PAPER else "",
            f"the session at {account.broker} is over" if ends and ends <= self._clock.now_ns() else "",
            "" if self._is_clean(account) else "its orders are not known to match the broker's",
            self._connections.trouble(account.broker),
            self._halted(),
        )
        return tuple(one for one in found if one)
