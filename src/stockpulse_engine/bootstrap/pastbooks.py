"""The books as they stood at a moment: the journal's entries up to it, folded by the code that recovery folds with.

A process of its own does it (`python -m`), so that a long journal takes nothing from the market's loop and can be
given up at once: the question comes in on stdin, progress goes out on stdout one line each, the answer is the last.
It opens the journal read-only and writes nothing anywhere.

What counts as known: an entry's own market time, but never earlier than an entry before it: what the venue told late
was known late. Where market time went back (a recording played again), the last time through counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.events import EngineStarted
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.past import PastBooks
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.reservations import FeeEstimate, no_fee
from stockpulse_engine.portfolio.service import PortfolioService, PortfolioSettings
from stockpulse_engine.storage.server.tail import JournalTail
from stockpulse_engine.trading.book import TradingBook
from stockpulse_engine.trading.ports import JournalEntry
from stockpulse_engine.venue.fees import FeeSchedule, total_fee

MODULE: Final = "stockpulse_engine.bootstrap.pastbooks"
MAX_ORDERS: Final = 2_000
MAX_FILLS: Final = 2_000
TELL_EVERY: Final = 2_000
"""Entries between two words of progress."""
MAX_QUESTION: Final = 16 * 1024 * 1024
Progress = Callable[[int, int], None]
"""Told how many entries of how many."""


class BooksAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which journal, up to when, and what was known of prices then."""

    journal: str
    at_ns: int
    quotes: dict[str, Quote] = {}
    settings: PortfolioSettings = PortfolioSettings()


class BooksProgress(msgspec.Struct, frozen=True, tag="progress"):
    """Entries read of those that there are to read."""

    read: int
    entries: int


class BooksAnswer(msgspec.Struct, frozen=True, tag="answer"):
    """The books."""

    books: PastBooks


class BooksRefused(msgspec.Struct, frozen=True, tag="refused"):
    """Why there are none."""

    message: str
    fix: str


BooksWord = BooksProgress | BooksAnswer | BooksRefused


def cut_of(stamps: Iterable[tuple[int, int, bool]], at_ns: int) -> int:
    """The sequence number of the last entry known at a moment, 0 for none.

    Args:
        stamps: (seq, market time, whether an engine started with it) of every entry, in order.
        at_ns: the moment.
    """
    cut, known = 0, 0
    for seq, ts_event, is_start in stamps:
        known = ts_event if is_start and ts_event < known else max(known, ts_event)
        if known <= at_ns:
            cut = seq
    return cut


class PastFold:
    """A trading book and a ledger, fed entry by entry as at a start, then asked what they were worth."""

    def __init__(
        self, at_ns: int, quotes: Mapping[str, Quote], settings: PortfolioSettings, fee: FeeEstimate = no_fee
    ) -> None:
        self.book = TradingBook()
        self._at_ns = at_ns
        self._quotes = quotes
        self._ledger = Ledger()
        self._seq = 0
        self._is_whole = False
        self._portfolio = PortfolioService(
            self._ledger,
            orders=lambda: self.book.all_open(),  # noqa: PLW0108 - a fold replaces nothing here, but reads late
            quote=self._quote,
            clock=lambda: at_ns,
            settings=settings,
            fee=fee,
            expects_quotes=lambda _: False,
        )

    def _quote(self, instrument_id: str) -> Quote | None:
        """While entries are folded their own prices count: quotes are those of the moment at their end."""
        return self._quotes.get(instrument_id) if self._is_whole else None

    def take(self, entry: JournalEntry) -> None:
        """Fold one entry, as recovery does."""
        change = self.book.apply(entry.event, entry.seq)
        self._ledger.apply(change.event)
        self._portfolio.observe(change.event)
        self._seq = entry.seq

    def books(self) -> PastBooks:
        """What it comes to at the moment."""
        self._is_whole = True
        self._portfolio.sample(self._at_ns)
        names = self._portfolio.account_ids()
        views = [self._portfolio.portfolio(name) for name in names]
        orders = newest_orders(self.book.orders.values())
        return PastBooks(
            at_ns=self._at_ns,
            entries=self._seq,
            accounts=tuple(view.account for view in views),
            positions=tuple(position for view in views for position in view.positions),
            lots=tuple(lot for name in names for lot in self._portfolio.lots(name)),
            orders=orders,
            fills=tuple(reversed(self.book.fills.values()))[:MAX_FILLS],
            left_out=len(self.book.orders) - len(orders),
            curves={name: view.curve for name, view in zip(names, views, strict=True)},
        )


def newest_orders(orders: Iterable[Order], limit: int = MAX_ORDERS) -> tuple[Order, ...]:
    """Every open one and the newest of the rest, newest first."""
    newest_first = list(orders)[::-1]
    kept = {one.client_order_id for one in newest_first[:limit]}
    return tuple(one for one in newest_first if one.is_open or one.client_order_id in kept)


def books_at(asked: BooksAsked, progress: Progress = lambda *_: None) -> PastBooks:
    """Read the journal and fold it. Blocks.

    Raises:
        UnavailableError: the journal can not be read.
        IntegrityError: an entry does not hold.
    """
    tail = JournalTail(Path(asked.journal))
    try:
        count = tail.last_seq()
        stamps = ((entry.seq, entry.event.ts_event, isinstance(entry.event, EngineStarted)) for entry in tail.scan(0))
        cut = cut_of(_told(stamps, count, progress), asked.at_ns)
        fold = PastFold(asked.at_ns, asked.quotes, asked.settings, partial(total_fee, FeeSchedule()))
        for entry in tail.scan(0):
            if entry.seq > cut:
                break
            fold.take(entry)
            if entry.seq % TELL_EVERY == 0:
                progress(count + entry.seq, 2 * count)
        return fold.books()
    finally:
        tail.close()


def _told(stamps: Iterable[tuple[int, int, bool]], count: int, progress: Progress) -> Iterator[tuple[int, int, bool]]:
    for stamp in stamps:
        if stamp[0] % TELL_EVERY == 0:
            progress(stamp[0], 2 * count)
        yield stamp


def main() -> int:
    """Answer one question from stdin; 0 also when it was refused, which the last line says."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(MAX_QUESTION), type=BooksAsked)
    try:
        _write(BooksAnswer(books_at(asked, lambda read, entries: _write(BooksProgress(read, entries)))))
    except StockPulseError as error:
        _write(BooksRefused(error.message, error.fix))
    return 0


def _write(word: BooksWord) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
