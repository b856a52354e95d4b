"""The ledger: balanced double entries as a pure fold over the journal's events.

No clock, no I/O: the same events give the same state, byte for byte (L12). Each execution id posts once (L6);
a bust or correction posts reversals that point at the old entries and never edits one.
"""

from __future__ import annotations

import decimal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.corporate import ActionStatement, withheld_of
from stockpulse_engine.domain.errors import InvariantError, NotFoundError
from stockpulse_engine.domain.events import (
    AccountOpened,
    ActionApplied,
    CashMoved,
    Event,
    HoldingsAdopted,
    Reconciled,
    SessionMarked,
    SuspenseEnd,
    SuspenseExplained,
    SuspenseRaised,
)
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind, OrderTerms
from stockpulse_engine.domain.positions import Lot, Position
from stockpulse_engine.portfolio.account_book import (
    AccountBook,
    AccountBookState,
    ReconciledBase,
    SessionBase,
    Suspended,
)
from stockpulse_engine.portfolio.entries import Book, Entry, EntryKind, Posting, negated, require_balanced
from stockpulse_engine.portfolio.holding import Booked, Opening, Restated, Split
from stockpulse_engine.portfolio.lots import ClosedPart

MAX_ENTRIES = 10_000
"""Newest entries kept in memory; older ones live on in the balances and can be folded from the journal again."""

_LARGEST, _FINEST = Decimal("1e20"), Decimal("1e-12")
"""What `parse_decimal` lets in: up to 20 digits before and 12 after the point."""

_EXACT = decimal.Context(prec=100, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero])
"""Arithmetic inside the ledger: anything that would lose a digit is an error, never a rounding."""


class Ledger:
    """Balances, lots and entries of every account.

    Args:
        on_entry: called with each entry as it is posted (a mirror, an auditor, a test).
    """

    def __init__(self, on_entry: Callable[[Entry], None] | None = None) -> None:
        self._books: dict[str, AccountBook] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._entries: deque[Entry] = deque()
        self._next_id = 1
        self._on_entry = on_entry

    def apply(self, event: Event) -> None:
        """Fold one event in.

        Raises:
            InvariantError: the event contradicts the ledger's own rules (unknown account, amounts not finite);
                nothing was changed.
        """
        with decimal.localcontext(_EXACT):
            if isinstance(event, OrderEvent):
                self._apply_order(event)
            elif isinstance(event, AccountOpened):
                self._open(event)
            elif isinstance(event, CashMoved):
                self._move(event)
            elif isinstance(event, SessionMarked):
                self._mark_session(event)
            elif isinstance(event, Reconciled):
                self._note_reconciled(event)
            elif isinstance(event, ActionApplied):
                self._act(event)
            elif isinstance(event, HoldingsAdopted):
                self._adopt(event)
            elif isinstance(event, SuspenseRaised):
                self._suspend(event)
            elif isinstance(event, SuspenseExplained):
                self._explain(event)

    # --- what it knows -------------------------------------------------------------------------------------------

    @property
    def account_ids(self) -> Sequence[str]:
        """Accounts in the order they were opened."""
        return tuple(self._books)

    @property
    def entries(self) -> Sequence[Entry]:
        """The newest entries, oldest first, at most MAX_ENTRIES."""
        return tuple(self._entries)

    def book(self, account_id: str) -> AccountBook:
        """Balances of one account, to be read only; raises NotFoundError."""
        book = self._books.get(account_id)
        if book is None:
            known = ", ".join(self._books) or "none"
            raise NotFoundError(f"There is no account {account_id!r}.", fix=f"Open accounts: {known}.")
        return book

    def account(self, account_id: str) -> Account:
        """The account as it was opened; raises NotFoundError."""
        return self.book(account_id).account

    def quantity(self, account_id: str, instrument_id: str) -> Decimal:
        """Signed quantity held, zero for anything unknown."""
        book = self._books.get(account_id)
        return book.quantity(instrument_id) if book is not None else ZERO

    def position(self, account_id: str, instrument_id: str) -> Position | None:
        """The position, also a flat one with its realized P&L; None when never traded."""
        book = self.book(account_id)
        holding = book.holdings.get(instrument_id)
        return None if holding is None else book.position(holding)

    def positions(self, account_id: str, *, with_flat: bool = False) -> Sequence[Position]:
        """Positions of the account; flat ones only on request."""
        book = self.book(account_id)
        return [book.position(holding) for holding in book.holdings.values() if with_flat or holding.lots.quantity]

    def lots(self, account_id: str, instrument_id: str = "") -> Sequence[Lot]:
        """Open lots, per instrument in the order the account's method would close them."""
        book = self.book(account_id)
        with decimal.localcontext(_EXACT):
            return [
                lot
                for holding in book.holdings.values()
                if instrument_id in ("", holding.instrument_id)
                for lot in holding.lots.views(account_id, holding.instrument_id)
            ]

    def preview_close(self, terms: OrderTerms, price: Decimal) -> tuple[ClosedPart, ...]:
        """Which lots the order would close if it filled whole at `price`; changes nothing."""
        book = self._books.get(terms.account_id)
        holding = book.holdings.get(terms.instrument_id) if book is not None else None
        if holding is None or not (_is_amount(terms.quantity) and _is_amount(price)):
            return ()
        return holding.lots.preview(terms.quantity * terms.side.sign, price, terms.lots)

    # --- snapshot ------------------------------------------------------------------------------------------------

    def snapshot(self) -> LedgerSnapshot:
        """The whole state as a value; `restore(snapshot)` plus the later events equals a full replay (L13)."""
        return LedgerSnapshot(
            books=tuple(book.dump() for book in self._books.values()),
            named=tuple(self._named.items()),
            entries=tuple(self._entries),
            next_id=self._next_id,
        )

    @classmethod
    def restore(cls, snapshot: LedgerSnapshot, on_entry: Callable[[Entry], None] | None = None) -> Ledger:
        """A ledger that goes on from `snapshot`."""
        ledger = cls(on_entry)
        ledger._books = {state.account.account_id: AccountBook.load(state) for state in snapshot.books}
        ledger._named = dict(snapshot.named)
        ledger._entries = deque(snapshot.entries)
        ledger._next_id = snapshot.next_id
        return ledger

    # --- events --------------------------------------------------------------------------------------------------

    def _open(self, event: AccountOpened) -> None:
        account = event.account
        if account.account_id in self._books:
            return
        _require(_is_amount(account.initial_cash) and account.initial_cash >= 0, "L11: initial cash is not an amount.")
        book = self._books[account.account_id] = AccountBook(account)
        self._deposit(book, account.initial_cash, f"open:{account.account_id}", event.ts_event)

    def _move(self, event: CashMoved) -> None:
        book = self._own(event.account_id, event.currency)
        _require(_is_amount(event.amount), f"L11: movement {event.movement_id} is not an amount.")
        if event.movement_id not in book.movements:
            book.movements.add(event.movement_id)
            self._deposit(book, event.amount, event.movement_id, event.ts_event)

    def _deposit(self, book: AccountBook, amount: Decimal, reference: str, ts_event: int) -> None:
        money = to_minor(amount)
        if money:
            legs = (Posting(Book.CASH, money), Posting(Book.DEPOSITS, -money))
            self._post(book, legs, EntryKind.DEPOSIT, reference, ts_event)

    def _mark_session(self, event: SessionMarked) -> None:
        book = self._own(event.account_id)
        results: dict[str, Decimal | None] = {}
        for holding in book.holdings.values():
            lots, mark = holding.lots, event.marks.get(holding.instrument_id)
            if mark is not None:
                results[holding.instrument_id] = holding.posted[1] + lots.quantity * mark - lots.cost
            else:
                results[holding.instrument_id] = None if lots.quantity else holding.posted[1]
        base = SessionBase(
            session_date=event.session_date,
            ts_event=event.ts_event,
            equity=event.equity,
            deposits=book.deposits,
            realized=book.realized,
            fees=book.fees,
            marks=dict(event.marks),
            results=results,
        )
        book.begin_session(base)

    def _act(self, event: ActionApplied) -> None:
        """A split or a dividend, once for each account and action; on what the ledger itself holds."""
        said = event.statement
        book = self._own(said.account_id)
        amounts = (said.amount, said.price, said.lot_size, said.tax_rate)
        is_sane = 0 <= said.tax_rate <= 1 and all(map(_is_amount, amounts)) and said.lot_size > 0 and said.price >= 0
        _require(is_sane and min(said.numerator, said.denominator) > 0, f"L8: {said.action_id} is not an action.")
        if said.action_id in book.actions:
            return
        book.actions.add(said.action_id)
        if said.other_id:
            self._rename(book, said, event.ts_event)
            return
        held = book.quantity(said.instrument_id)
        if not held:
            return
        if not said.is_split:
            self._pay(book, said, held, event.ts_event)
            return
        ratio = (said.numerator, said.denominator)
        split = Split(said.action_id, *ratio, said.lot_size, said.price, event.ts_event)
        legs = book.holding(said.instrument_id).split(split)
        if legs:
            split.entry_id = self._post(book, legs, EntryKind.ACTION, said.action_id, event.ts_event)

    def _pay(self, book: AccountBook, said: ActionStatement, held: Decimal, ts_event: int) -> None:
        """A dividend: the whole of it is income, and what was withheld at the source a tax."""
        money = to_minor(held * said.amount)
        tax = withheld_of(money, said.tax_rate)
        legs = ((Book.CASH, money - tax), (Book.TAX, tax), (Book.INCOME, -money))
        postings = tuple(Posting(name, amount) for name, amount in legs if amount)
        if postings:
            self._post(book, postings, EntryKind.ACTION, said.action_id, ts_event)

    def _rename(self, book: AccountBook, said: ActionStatement, ts_event: int) -> None:
        """The holding goes on under another id, with its lots and all that made them."""
        holding = book.rename(said.instrument_id, said.other_id)
        cost = holding.posted[0] if holding is not None else ZERO
        if cost:
            legs = (
                Posting(Book.SECURITIES, -cost, said.instrument_id), Posting(Book.SECURITIES, cost, said.other_id)
            )  # fmt: skip
            self._post(book, legs, EntryKind.ACTION, said.action_id, ts_event)

    def _adopt(self, event: HoldingsAdopted) -> None:
        """What the account held already becomes opening lots, once; nothing is paid for them here."""
        book = self._own(event.account_id)
        sane = (
            one.average_price is not None and _is_holding(one.quantity, one.average_price) for one in event.holdings
        )
        _require(all(sane), f"L11: what {event.account_id} brings is no holding.")
        if book.is_adopted:
            return
        book.is_adopted = True
        for one in event.holdings:
            reference = f"adopted:{one.instrument_id}"
            self._take_over(
                book, Book.ADOPTED, reference, event.ts_event, (one.instrument_id, one.quantity, one.average_price)
            )

    def _suspend(self, event: SuspenseRaised) -> None:
        """A difference is kept beside the books: nothing is posted before a person has said which side is right."""
        book = self._own(event.account_id)
        _require(_is_amount(event.amount), f"L11: {event.suspense_id} is not an amount.")
        if event.suspense_id not in book.explained:
            book.suspense[event.suspense_id] = Suspended(event.instrument_id, event.amount)

    def _explain(self, event: SuspenseExplained) -> None:
        """The broker is right: post what it shows. We are right: it stands, and is known. It is gone: forget it."""
        book, price = self._own(event.account_id), event.price
        is_posted = event.how is SuspenseEnd.ACCEPT
        if is_posted and event.instrument_id:
            _require(_is_holding(event.amount, price), f"L11: {event.suspense_id} can not be posted.")
        _require(_is_amount(event.amount), f"L11: {event.suspense_id} is not an amount.")
        if event.suspense_id not in book.suspense:
            return
        if event.how is SuspenseEnd.IGNORE:
            return
        del book.suspense[event.suspense_id]
        book.explained.add(event.suspense_id)
        reference = f"suspense:{event.suspense_id}"
        if is_posted and event.instrument_id:
            taken = (event.instrument_id, event.amount, price)
            self._take_over(book, Book.SUSPENSE, reference, event.ts_event, taken)
        elif is_posted and (money := to_minor(event.amount)):
            legs = (Posting(Book.CASH, money), Posting(Book.SUSPENSE, -money))
            self._post(book, legs, EntryKind.SUSPENSE, reference, event.ts_event)

    def _take_over(
        self,
        book: AccountBook,
        counter: Book,
        reference: str,
        ts_event: int,
        taken: tuple[str, Decimal, Decimal | None],
    ) -> None:
        """Shares that no execution of ours moved, against an account of their own."""
        instrument_id, quantity, price = taken
        moved = Fill(
            fill_id=reference,
            client_order_id="",
            account_id=book.account.account_id,
            instrument_id=instrument_id,
            sign=1 if quantity > 0 else -1,
            quantity=abs(quantity),
            price=price or ZERO,
            ts_event=ts_event,
            currency=sys.intern(book.account.currency),  # one object, so that one state has one encoding (L12)
        )
        opening = Opening(moved, counter)
        legs = book.holding(instrument_id).open(opening)
        kind = EntryKind.ADOPTION if counter is Book.ADOPTED else EntryKind.SUSPENSE
        if legs:
            opening.entry_id = self._post(book, legs, kind, reference, ts_event)

    def _note_reconciled(self, event: Reconciled) -> None:
        book = self._own(event.account_id)
        clean_at = book.reconciled.clean_at if event.differences else event.ts_event
        book.reconciled = ReconciledBase(clean_at=clean_at, differences=event.differences)

    def _apply_order(self, event: OrderEvent) -> None:
        terms = event.order.terms if event.order is not None else event.terms
        if terms is not None and terms.lots:
            self._named[event.client_order_id] = terms.lots
        if event.fill is None:
            return
        if event.kind is OrderEventKind.FILL:
            self._fill(event.fill)
        elif event.kind is OrderEventKind.BUST:
            self._bust(event.fill, event.ts_event)
        elif event.kind is OrderEventKind.CORRECT:
            self._correct(event.fill, event.ts_event)

    def _fill(self, fill: Fill) -> None:
        book = self._own_fill(fill)
        if fill.fill_id in book.booked or fill.fill_id in book.busted:
            return
        booked = Booked(fill, fill.corrects or fill.fill_id, self._named.get(fill.client_order_id, ()))
        legs = book.holding(fill.instrument_id).add(booked)
        book.booked[fill.fill_id] = booked
        booked.entry_id = self._post(book, legs, EntryKind.FILL, fill.fill_id, fill.ts_event)

    def _bust(self, fill: Fill, ts_event: int) -> None:
        book = self._own(fill.account_id)
        target = book.booked.get(fill.fill_id)
        if target is not None and _is_foreign(target, fill):
            return
        book.busted.add(fill.fill_id)
        if target is None:
            return
        for key in [key for key, booked in book.booked.items() if booked is target]:
            del book.booked[key]
            book.busted.add(key)
        self._restate(book, book.holding(target.fill.instrument_id).withdraw(target), ts_event)

    def _correct(self, fill: Fill, ts_event: int) -> None:
        book = self._own_fill(fill)
        target_id = fill.corrects or fill.fill_id
        if fill.fill_id in book.busted or target_id in book.busted:
            return
        target = book.booked.get(target_id)
        if target is not None and _is_foreign(target, fill):
            self._fill(msgspec.structs.replace(fill, corrects=""))  # an execution of its own, with a lot of its own
        elif target is None:
            self._fill(fill)
            book.booked[target_id] = book.booked[fill.fill_id]
        elif fill.fill_id not in book.booked or target.fill.fill_id == fill.fill_id:
            _require(
                target.fill.instrument_id == fill.instrument_id, f"L6: {fill.fill_id} corrects another instrument."
            )
            book.booked[fill.fill_id] = target
            self._restate(book, book.holding(fill.instrument_id).correct(target, fill), ts_event)

    # --- posting -------------------------------------------------------------------------------------------------

    def _restate(self, book: AccountBook, changes: Sequence[Restated], ts_event: int) -> None:
        """Reverse what no longer holds and post what does; every reversal names the entry it takes back."""
        for change in changes:
            booked, reference = change.booked, change.booked.reference
            old_id = booked.entry_id
            if old_id:  # a split that paid nothing out had nothing to post
                self._post(book, negated(change.before), EntryKind.REVERSAL, reference, ts_event, reverses=old_id)
            if change.after is not None:
                booked.entry_id = self._post(book, change.after, EntryKind.RESTATEMENT, reference, ts_event)

    def _post(
        self,
        book: AccountBook,
        legs: tuple[Posting, ...],
        kind: EntryKind,
        reference: str,
        ts_event: int,
        *,
        reverses: int = 0,
    ) -> int:
        account = book.account
        entry = Entry(self._next_id, account.account_id, account.currency, kind, reference, ts_event, legs, reverses)
        book.post(require_balanced(entry).postings)
        self._next_id += 1
        self._entries.append(entry)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popleft()
        if self._on_entry is not None:
            self._on_entry(entry)
        return entry.entry_id

    def _own(self, account_id: str, currency: str = "") -> AccountBook:
        """The book of an account, about to be changed: every event that changes one takes it here."""
        book = self._books.get(account_id)
        if book is None:
            raise InvariantError(f"The ledger has no account {account_id!r}.")
        book.version += 1
        _require(currency in ("", book.account.currency), f"L1: {currency} can not be posted in {account_id}.")
        return book

    def _own_fill(self, fill: Fill) -> AccountBook:
        is_sane = (
            all(map(_is_amount, (fill.quantity, fill.price, fill.fee)))
            and fill.quantity > 0
            and fill.price >= 0
            and fill.sign in (1, -1)
            and bool(fill.fill_id)
        )
        _require(is_sane, f"L11: fill {fill.fill_id!r} is not an execution.")
        return self._own(fill.account_id, fill.currency)


class LedgerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A Ledger as a value."""

    books: tuple[AccountBookState, ...]
    named: tuple[tuple[str, tuple[str, ...]], ...]
    entries: tuple[Entry, ...]
    next_id: int


def _is_amount(value: Decimal) -> bool:
    """Finite, and short enough that no product or sum of such numbers ever loses a digit."""
    return value.is_finite() and abs(value) < _LARGEST and value % _FINEST == 0


def _is_foreign(target: Booked, fill: Fill) -> bool:
    """Whether the execution belongs to another order: a venue that confuses two takes nothing from the other."""
    return target.fill.client_order_id != fill.client_order_id


def _is_holding(quantity: Decimal, price: Decimal | None) -> bool:
    """Shares that can be held, at a price that they can have cost."""
    is_priced = price is not None and _is_amount(price) and price >= 0
    return is_priced and _is_amount(quantity) and bool(quantity)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)
