"""Differences to a broker that nothing explains: raised with their evidence, gone by themselves, or explained.

Nothing is posted for one and no execution is made up: it lies beside the books until a person has said which side is
right. Which facts a comparison calls for is a pure function of what is open and what was found, so that a second
comparison of the same figures writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError, NotFoundError
from stockpulse_engine.domain.events import SuspenseEnd, SuspenseExplained, SuspenseRaised
from stockpulse_engine.domain.money import ZERO, require_finite
from stockpulse_engine.portfolio.marks import mark_of_quote
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.words import suspense_words

CASH: Final = ""
"""Stands for cash where an instrument id would be."""
LAST_FILLS: Final = 5
"""Newest executions of ours named as evidence."""
WORDS: Final = {SuspenseEnd.ACCEPT: "ACCEPT", SuspenseEnd.IGNORE: "IGNORE"}
"""What a person may say → the word that must be typed for it: either changes what is true from then on."""
_Fact = SuspenseRaised | SuspenseExplained
CashBound = Callable[[str], Decimal]
"""Account → a difference in cash up to which its orders are not held back."""


class Difference(NamedTuple):
    """Our figure and the broker's, of an instrument or of cash."""

    instrument_id: str
    ours: Decimal
    theirs: Decimal

    @property
    def amount(self) -> Decimal:
        """What the broker has more than we."""
        return self.theirs - self.ours

    @property
    def sentence(self) -> str:
        """Both numbers."""
        return suspense_words(self.instrument_id, self.ours, self.theirs)


def differences_of(
    ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal], cash: tuple[Decimal, Decimal] | None
) -> tuple[Difference, ...]:
    """Where holdings and cash (ours, theirs; None leaves it out) are not the same, by instrument id and cash last."""
    pairs = [(key, ours.get(key, ZERO), theirs.get(key, ZERO)) for key in sorted({*ours, *theirs})]
    if cash is not None:
        pairs.append((CASH, *cash))
    return tuple(Difference(key, here, there) for key, here, there in pairs if here != there)


def suspense_id(account_id: str, found: Difference, ordinal: int) -> str:
    """Id of a difference: the same inputs, the same id, on any machine and in any replay."""
    stated = f"{account_id}|{found.instrument_id}|{found.ours.normalize():f}|{found.theirs.normalize():f}|{ordinal}"
    return "S" + hashlib.sha256(stated.encode()).hexdigest()[:9].upper()


class Suspender:
    """Turns differences into facts, and what a person says about one as well."""

    def __init__(self, desk: Desk, cash_bound: CashBound) -> None:
        self._desk = desk
        self._cash_bound = cash_bound

    def unexplained(self, account_id: str, found: Sequence[Difference]) -> tuple[Difference, ...]:
        """Those that are not known and left standing."""
        ignored = {one.instrument_id: one.amount for one in self._ignored(account_id)}
        return tuple(one for one in found if ignored.get(one.instrument_id) != one.amount)

    async def settle(self, account_id: str, found: Sequence[Difference], report_seq: int) -> None:
        """Bring what is in suspense to what a comparison found; writes nothing when it is there already."""
        facts = self._facts(account_id, found, report_seq)
        if facts:
            await self._desk.recorder.write(facts)
        for fact in facts:
            self._tell(fact)

    def _facts(self, account_id: str, found: Sequence[Difference], report_seq: int) -> list[_Fact]:
        """Pure but for the clock: what is gone or has changed ends, what is new is raised."""
        front = self._desk.recorder.front
        now = {one.instrument_id: one for one in found}
        known = {one.instrument_id: one for one in (*front.open_suspense(account_id), *self._ignored(account_id))}
        facts: list[_Fact] = []
        for key, one in known.items():
            stands = now.get(key)
            if stands is None or stands.amount != one.amount:
                reason = "both sides say the same again" if stands is None else "it is another difference now"
                facts.append(self._end(one, SuspenseEnd.CLEARED, reason, "reconcile"))
        count = front.suspended.get(account_id, 0)
        for key, difference in now.items():
            if key not in known or known[key].amount != difference.amount:
                facts.append(self._raise(account_id, difference, count, report_seq))
                count += 1
        return facts

    def _ignored(self, account_id: str) -> list[SuspenseRaised]:
        return [one for one in self._desk.recorder.front.ignored.values() if one.account_id == account_id]

    def _raise(self, account_id: str, found: Difference, ordinal: int, report_seq: int) -> SuspenseRaised:
        desk = self._desk
        is_cash = found.instrument_id == CASH
        return SuspenseRaised(
            suspense_id=suspense_id(account_id, found, ordinal),
            account_id=account_id,
            instrument_id=found.instrument_id,
            ours=found.ours,
            theirs=found.theirs,
            is_blocking=abs(found.amount) > self._cash_bound(account_id) if is_cash else True,
            report_seq=report_seq,
            last_fills=desk.recorder.front.last_fills(account_id, found.instrument_id, LAST_FILLS),
            price=None if is_cash else _market_price(desk, found.instrument_id),
            ts_event=desk.market_now(),
            recorded_at=desk.clock.now_ns(),
        )

    def _end(
        self, one: SuspenseRaised, how: SuspenseEnd, reason: str, actor: str, price: Decimal | None = None
    ) -> SuspenseExplained:
        return SuspenseExplained(
            suspense_id=one.suspense_id,
            account_id=one.account_id,
            instrument_id=one.instrument_id,
            amount=one.amount,
            how=how,
            reason=reason,
            price=price,
            ts_event=self._desk.market_now(),
            recorded_at=self._desk.clock.now_ns(),
            actor=actor,
        )

    def _tell(self, fact: _Fact) -> None:
        if isinstance(fact, SuspenseRaised):
            what = suspense_words(fact.instrument_id, fact.ours, fact.theirs)
            held = "new orders wait for an explanation" if fact.is_blocking else "orders go on"
            level = "danger" if fact.is_blocking else "warn"
            words = f"{fact.account_id} differs from the venue: {what}; {held} ({fact.suspense_id})."
            self._desk.alert(level, words, fact.account_id)
        else:
            words = f"{fact.suspense_id} is over: {fact.reason}."
            self._desk.alert("info", words, fact.account_id)

    async def explain(
        self, key: str, how: SuspenseEnd, *, reason: str, word: str, price: Decimal | None, actor: str
    ) -> SuspenseExplained:
        """A person says which side is right.

        Raises:
            NotFoundError: no such difference is open. ConflictError: several begin so.
            InvalidValueError: no reason, or shares without a price. ForbiddenError: the typed word is missing.
        """
        one = self._find(key)
        reason = clean_line(reason, 200)
        if not reason:
            raise InvalidValueError("Why it is right stays in the journal for ever.", fix="Give a reason.")
        if how not in WORDS:
            raise InvalidValueError("Only the broker can clear a difference.", fix="Accept or ignore it.")
        if word != WORDS[how]:
            raise ForbiddenError(f"To {how.value.lower()} it type the word {WORDS[how]}.", fix=f"Type {WORDS[how]}.")
        price = self._price_of(one, how, price)
        fact = self._end(one, how, reason, actor, price)
        await self._desk.recorder.write([fact])
        return fact

    def _find(self, key: str) -> SuspenseRaised:
        found = [one for one in self._desk.recorder.front.open_suspense() if one.suspense_id.startswith(key.upper())]
        if not key or not found:
            raise NotFoundError(f"No open difference is {clean_line(key, 20)!r}.", fix="List them: `sp reconcile`.")
        if len(found) > 1:
            raise ConflictError(f"{len(found)} differences begin so.", fix="Give more of the id.")
        return found[0]

    def _price_of(self, one: SuspenseRaised, how: SuspenseEnd, price: Decimal | None) -> Decimal | None:
        """What accepted shares are booked at; nothing else has a price."""
        if how is not SuspenseEnd.ACCEPT or one.instrument_id == CASH:
            return None
        price = price if price is not None else one.price
        if price is None:
            raise InvalidValueError(
                f"There is no price of {one.instrument_id} to book the shares at.", fix="Name one with --price."
            )
        if require_finite(price, field="price") < 0:
            raise InvalidValueError("The price must be 0 or more.", fix="Name what the shares cost.")
        return price


def _market_price(desk: Desk, instrument_id: str) -> Decimal | None:
    """Where the market stands: at this price shares are booked that came without an execution."""
    quote = desk.quotes(instrument_id)
    mark = mark_of_quote(quote) if quote is not None else None
    return mark.price if mark is not None else None
