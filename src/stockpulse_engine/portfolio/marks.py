"""Marks: the price a position is valued at now, with where it came from and when."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.market import Quote
from stockpulse_engine.portfolio.account_book import AccountBook

MAX_MARK_SPREAD = Decimal("0.05")
"""Above this (ask - bid) / mid the mid says little and the last print is used."""

QUOTED = frozenset({"mid", "last"})
"""Sources of a mark that come from the quote."""

QuoteSource = Callable[[str], Quote | None]


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A price, the market time it was true, and its source: mid, last, session or fill."""

    price: Decimal
    ts_event: int
    source: str


def mark_of_quote(quote: Quote) -> Mark | None:
    """The mid of a sane two-sided quote, else the last print, else None."""
    if quote.bid_size > 0 and quote.ask_size > 0 and quote.bid <= quote.ask:
        mid = (quote.bid + quote.ask) / 2
        if quote.ask - quote.bid <= mid * MAX_MARK_SPREAD:
            return Mark(mid, quote.ts_event, "mid")
    if quote.last is not None:
        return Mark(quote.last, quote.ts_event, "last")
    return None


def find_mark(book: AccountBook, instrument_id: str, quote: QuoteSource) -> Mark | None:
    """The best mark there is: from the quote, else the newer of the session's mark and our own last fill."""
    known = quote(instrument_id)
    mark = mark_of_quote(known) if known is not None else None
    return mark or remembered_mark(book, instrument_id)


def remembered_mark(book: AccountBook, instrument_id: str) -> Mark | None:
    """A mark from the journal alone, before any quote has come."""
    holding, session = book.holdings.get(instrument_id), book.session
    fill = holding.last_fill if holding is not None else None
    price = session.marks.get(instrument_id) if session is not None else None
    if session is not None and price is not None and (fill is None or fill.ts_event < session.ts_event):
        now = holding.price_since(price, session.ts_event) if holding is not None else price
        return Mark(now, session.ts_event, "session")
    if holding is None or fill is None:
        return None
    return Mark(holding.price_since(fill.price, fill.ts_event), fill.ts_event, "fill")
