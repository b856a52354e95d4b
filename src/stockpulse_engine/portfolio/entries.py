"""Postings and entries: the balanced, append-only rows of the ledger.

Rows hold no cycles, so the garbage collector need not look at them (`gc=False`): a long ledger stays cheap.

Sign convention: an entry's amounts sum to zero. Assets and expenses grow with positive amounts (cash,
securities, fees), sources of money with negative ones (deposits, realized gains).
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.money import ZERO


class Book(Enum):
    """The ledger's own accounts, kept once per trading account and currency."""

    CASH = "CASH"
    SECURITIES = "SECURITIES"
    """Cost basis of what is held, per instrument; negative for a short position."""
    REALIZED = "REALIZED"
    """Realized P&L; a gain is negative here (a source of money)."""
    FEES = "FEES"
    DEPOSITS = "DEPOSITS"
    """Money put in (negative) or taken out (positive)."""
    INCOME = "INCOME"
    """Dividends; what was received is negative (a source of money)."""
    TAX = "TAX"
    """Withheld from dividends at the source (positive, a cost)."""
    ADOPTED = "ADOPTED"
    """What an account brought with it when it was opened here, at cost (negative, a source)."""
    SUSPENSE = "SUSPENSE"
    """What was posted because the broker shows it, although no execution explains it; what came in is negative."""
    ROUNDING = "ROUNDING"
    """What rounding to 1e-8 left over; at most one minor unit per fill (L7)."""

    __hash__ = object.__hash__  # members are equal by identity; Enum's own hash is a call of Python code


class EntryKind(Enum):
    """Why an entry was posted."""

    DEPOSIT = "DEPOSIT"
    FILL = "FILL"
    REVERSAL = "REVERSAL"
    """Takes an earlier entry back; `reverses` names it."""
    ACTION = "ACTION"
    """A corporate action: a split's fraction paid out, a dividend."""
    ADOPTION = "ADOPTION"
    """A holding taken over from the broker, not acquired here."""
    SUSPENSE = "SUSPENSE"
    """A difference to the broker's figures that a person accepted."""
    RESTATEMENT = "RESTATEMENT"
    """A fill posted anew because an earlier fill was busted or corrected."""


class Posting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One leg of an entry. `instrument_id` only on SECURITIES, else ""."""

    book: Book
    amount: Decimal
    instrument_id: str = ""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A balanced set of postings in one currency.

    Attributes:
        entry_id: consecutive from 1 over the whole ledger.
        reference: the fill or movement id that caused it.
        reverses: the entry this one takes back, 0 for none.
    """

    entry_id: int
    account_id: str
    currency: str
    kind: EntryKind
    reference: str
    ts_event: int
    postings: tuple[Posting, ...]
    reverses: int = 0


def require_balanced(entry: Entry) -> Entry:
    """Return `entry` if its postings sum to exactly zero (L1).

    Raises:
        InvariantError: naming the entry and what is left over.
    """
    total = ZERO
    for posting in entry.postings:
        total += posting.amount
    if total != 0:
        raise InvariantError(f"L1: entry {entry.entry_id} ({entry.reference}) does not balance by {total}.")
    return entry


def negated(postings: tuple[Posting, ...]) -> tuple[Posting, ...]:
    """The same legs with opposite amounts."""
    return tuple(Posting(posting.book, -posting.amount, posting.instrument_id) for posting in postings)
