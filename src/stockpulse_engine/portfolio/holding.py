"""One instrument in one account: its lots, the fills that made them, and what each fill moves."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import LotMethod
from stockpulse_engine.domain.corporate import scaled_price, split_parts
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.portfolio.entries import Book, Posting
from stockpulse_engine.portfolio.lots import LotBook, LotBookState


class Booked(msgspec.Struct, gc=False, tag="fill"):
    """A fill as it stands in the ledger.

    Attributes:
        lot_id: id of the lot it opened or would open: the first statement's fill id, kept through corrections.
        named: lots its order picked.
        entry_id: the entry that carries it now.
    """

    fill: Fill
    lot_id: str
    named: tuple[str, ...]
    entry_id: int = 0

    @property
    def reference(self) -> str:
        """What its entries name."""
        return self.fill.fill_id


class Split(msgspec.Struct, gc=False, tag="split"):
    """A split as it stands in the ledger, between the fills before and after it."""

    reference: str
    numerator: int
    denominator: int
    lot_size: Decimal
    price: Decimal
    ts_event: int
    entry_id: int = 0


class Opening(msgspec.Struct, gc=False, tag="opening"):
    """Shares that came or went without an execution of ours: taken over from the broker, or accepted in suspense.

    Attributes:
        fill: quantity, price and time as lots need them; its id is the reference, no venue has stated it.
        counter: the ledger's account that stands against them instead of cash.
    """

    fill: Fill
    counter: Book
    entry_id: int = 0

    @property
    def reference(self) -> str:
        """What its entries name."""
        return self.fill.fill_id

    @property
    def lot_id(self) -> str:
        """Id of the lot it opens."""
        return self.fill.fill_id

    @property
    def named(self) -> tuple[str, ...]:
        """It picks no lots."""
        return ()


Step = Booked | Split | Opening


class Restated(msgspec.Struct, frozen=True):
    """One step whose postings changed: `before` is to be reversed, `after` posted (None: it no longer stands)."""

    booked: Step
    before: tuple[Posting, ...]
    after: tuple[Posting, ...] | None


class Holding:
    """Lots as a fold of the fills that stand; a bust or correction folds them again.

    The fills are kept (they are the same objects the order book of the engine holds, about 250 bytes of our
    own each), because a venue may bust any of them.
    """

    __slots__ = ("fees", "history", "instrument_id", "lots", "method", "posted")

    def __init__(self, instrument_id: str, method: LotMethod = LotMethod.FIFO) -> None:
        self.instrument_id = instrument_id
        self.method = method
        self.lots = LotBook(method)
        self.history: list[Step] = []
        self.posted = (ZERO, ZERO)
        """Cost basis and realized P&L as posted: the exact ones rounded to the minor unit."""
        self.fees = ZERO

    @property
    def last_fill(self) -> Fill | None:
        """The newest fill that stands: a price of last resort."""
        return next((step.fill for step in reversed(self.history) if not isinstance(step, Split)), None)

    @property
    def stated(self) -> Decimal:
        """The quantity that fills and splits add up to."""
        total = ZERO
        for step in self.history:
            if isinstance(step, Split):
                total = split_parts(total, step.numerator, step.denominator, step.lot_size).whole
            else:
                total += step.fill.signed_quantity
        return total

    def price_since(self, price: Decimal, ts_event: int) -> Decimal:
        """A price of some time ago in the shares of now."""
        for step in self.history:
            if isinstance(step, Split) and step.ts_event > ts_event:
                price = scaled_price(price, step.numerator, step.denominator)
        return price

    def split(self, split: Split) -> tuple[Posting, ...]:
        """Book a split; returns the legs to post, none when no fraction is paid out."""
        self.history.append(split)
        return self._fold(split)

    def open(self, opening: Opening) -> tuple[Posting, ...]:
        """Book shares that no execution of ours moved; returns the legs to post."""
        self.history.append(opening)
        return self._fold(opening)

    def add(self, booked: Booked) -> tuple[Posting, ...]:
        """Book a new fill; returns the legs to post."""
        self.history.append(booked)
        self.fees += to_minor(booked.fill.fee)
        return self._fold(booked)

    def withdraw(self, target: Booked) -> list[Restated]:
        """Take a fill out (bust) and match everything after it again."""
        index = self._index(target)
        before = self._refold(index)
        del self.history[index]
        self.fees -= to_minor(target.fill.fee)
        after = self._refold(index)
        return [Restated(target, before[0], None), *self._changes(index, before[1:], after)]

    def correct(self, target: Booked, fill: Fill) -> list[Restated]:
        """Replace a fill's statement in its place; match it and everything after it again."""
        index = self._index(target)
        before = self._refold(index)
        self.fees += to_minor(fill.fee) - to_minor(target.fill.fee)
        target.fill = fill
        return self._changes(index, before, self._refold(index))

    def _index(self, target: Booked) -> int:
        return next(index for index, step in enumerate(self.history) if step is target)

    def _changes(
        self, start: int, before: list[tuple[Posting, ...]], after: list[tuple[Posting, ...]]
    ) -> list[Restated]:
        rows = zip(self.history[start:], before, after, strict=True)
        return [Restated(booked, old, new) for booked, old, new in rows if old != new]

    def _refold(self, start: int) -> list[tuple[Posting, ...]]:
        """Fold the whole history afresh; returns the legs of the fills from `start` on."""
        self.lots, self.posted = LotBook(self.method), (ZERO, ZERO)
        return [self._fold(step) for step in self.history][start:]

    def _fold(self, step: Step) -> tuple[Posting, ...]:
        """Fold one step into the lots and say what it moves."""
        if isinstance(step, Split):
            return self._legs(-self._split(step), ZERO)
        fill = step.fill
        self.lots.book(fill, step.lot_id, step.named)
        counter = step.counter if isinstance(step, Opening) else Book.CASH
        return self._legs(to_minor(fill.quantity * fill.price * fill.sign), to_minor(fill.fee), counter)

    def _split(self, split: Split) -> Decimal:
        """Turn the shares into new ones; returns what is paid for the fraction."""
        lots = self.lots
        parts = split_parts(lots.quantity, split.numerator, split.denominator, split.lot_size)
        lots.scale(split.numerator, split.denominator)
        if parts.fraction:
            lots.pay_out(parts.fraction, split.price)
        return to_minor(parts.fraction * split.price)

    def _legs(self, paid: Decimal, fee: Decimal, counter: Book = Book.CASH) -> tuple[Posting, ...]:
        """What moved since the last step; what rounding leaves goes to ROUNDING (L7)."""
        cost, realized = to_minor(self.lots.cost), to_minor(self.lots.realized)
        held, gained = cost - self.posted[0], realized - self.posted[1]
        self.posted = (cost, realized)
        legs = (
            (counter, -paid - fee, ""),
            (Book.SECURITIES, held, self.instrument_id),
            (Book.REALIZED, -gained, ""),
            (Book.FEES, fee, ""),
            (Book.ROUNDING, paid - held + gained, ""),
        )
        return tuple([Posting(book, amount, instrument_id) for book, amount, instrument_id in legs if amount])

    def dump(self) -> HoldingState:
        """The whole state as a value."""
        history = tuple(msgspec.structs.replace(booked) for booked in self.history)
        return HoldingState(self.instrument_id, self.lots.dump(), history, self.posted, self.fees)

    @classmethod
    def load(cls, state: HoldingState, method: LotMethod = LotMethod.FIFO) -> Holding:
        """The inverse of `dump`."""
        holding = cls(state.instrument_id, method)
        holding.lots = LotBook.load(state.lots, method)
        holding.history = [msgspec.structs.replace(booked) for booked in state.history]
        holding.posted, holding.fees = state.posted, state.fees
        return holding


class HoldingState(msgspec.Struct, frozen=True, array_like=True):
    """A Holding as a value, for snapshots."""

    instrument_id: str
    lots: LotBookState
    history: tuple[Step, ...]
    posted: tuple[Decimal, Decimal]
    fees: Decimal
