"""An account's worth kept between two looks: worked out again only where its book or a quote has changed.

Between two orders a handful of quotes and one holding change. Everything here is compared by identity, because holdings
and quotes are immutable values that are replaced and never changed: the same object is the same number.
"""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.portfolio.account_book import AccountBook
from stockpulse_engine.portfolio.holding import Holding
from stockpulse_engine.portfolio.marks import QuoteSource, mark_of_quote, remembered_mark
from stockpulse_engine.portfolio.valuation import Worth, worth_of


class Appraisal:
    """`Worth` of one account, equal to what `valuation.balance` derives from the same book and quotes."""

    def __init__(self, book: AccountBook, quote: QuoteSource) -> None:
        self._book = book
        self._quote = quote
        self._version = -1
        self._items: dict[str, _Item] = {}
        """What is held, by instrument."""
        self._worth: Worth | None = None

    def worth(self) -> Worth:
        """What the account is worth now."""
        if self._version != self._book.version:
            self._follow_book()
        for name, item in self._items.items():
            quote = self._quote(name)
            if quote is not item.quote:
                item.value_at(quote, self._book)
                self._worth = None
        worth = self._worth
        if worth is None:
            worth = self._worth = self._add_up()
        return worth

    def _follow_book(self) -> None:
        before, items = self._items, dict[str, _Item]()
        for name, holding in self._book.holdings.items():
            lots = holding.lots
            if not lots.quantity:
                continue
            item = before.get(name)
            if item is None or not item.is_current(holding):
                item = _Item(holding)
                item.value_at(self._quote(name), self._book)
            items[name] = item
        self._items = items
        self._version = self._book.version
        self._worth = None

    def _add_up(self) -> Worth:
        items = self._items.values()
        marks = {item.holding.instrument_id: item.price for item in items if item.price is not None}
        return worth_of(self._book, [item.value for item in items], [item.unrealized for item in items], marks)


class _Item:
    """One holding at the quote it was last seen with."""

    __slots__ = ("cost", "holding", "is_quoted", "price", "quantity", "quote", "unrealized", "value")

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.quantity, self.cost = holding.lots.quantity, holding.lots.cost
        self.quote: Quote | None = None
        self.price: Decimal | None = None
        self.is_quoted = False
        self.value = self.unrealized = ZERO

    def is_current(self, holding: Holding) -> bool:
        """Whether it may stand: the holding did not change, and its price does not come from the book."""
        lots = holding.lots
        return self.is_quoted and lots.quantity is self.quantity and lots.cost is self.cost

    def value_at(self, quote: Quote | None, book: AccountBook) -> None:
        """Value it at a quote, or without a usable one at what the book remembers; at cost without either."""
        mark = mark_of_quote(quote) if quote is not None else None
        self.is_quoted = mark is not None
        mark = mark or remembered_mark(book, self.holding.instrument_id)
        self.quote = quote
        if mark is None:
            self.price, self.value, self.unrealized = None, self.cost, ZERO
        else:
            self.price, self.value = mark.price, self.quantity * mark.price
            self.unrealized = self.value - self.cost
