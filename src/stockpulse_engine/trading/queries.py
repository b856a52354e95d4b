"""What people ask about orders: read from what is durable, newest first, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.trading.book import TradingBook

SCOPES: Final = ("working", "unknown", "today", "history", "staged", "held", "all")
MAX_ROWS: Final = 10_000
_SHORTEST_PREFIX: Final = 3


class Queries:
    """Reads the durable book. `day_start` is the market time at which the trading session began."""

    def __init__(self, book: Callable[[], TradingBook], day_start: Callable[[], int]) -> None:
        self._book = book
        self._day_start = day_start

    def orders(self, *, scope: str, account_id: str = "", limit: int = 500) -> Sequence[Order]:
        """Orders of a scope, newest first.

        Raises:
            InvalidValueError: no such scope.
        """
        if scope not in SCOPES:
            raise InvalidValueError(f"{clean_line(scope, 32)!r} is no scope.", fix=f"Use {', '.join(SCOPES)}.")
        found = self._of_scope(scope)
        mine = (order for order in found if not account_id or order.terms.account_id == account_id)
        return list(islice(mine, max(0, min(limit, MAX_ROWS))))

    def order(self, text: str) -> Order:
        """One order by its id or an unambiguous prefix of it. Raises NotFoundError, InvalidValueError."""
        book = self._book()
        if exact := book.orders.get(text):
            return exact
        asked = clean_line(text, 64)
        matches = list(islice((key for key in reversed(book.orders) if key.startswith(text)), 3)) if text else []
        roots = [key for key in matches if not book.orders[key].parent_id] or matches
        if not roots or len(text) < _SHORTEST_PREFIX:
            raise NotFoundError(f"There is no order {asked!r}.", fix="See `sp orders`.")
        if len(roots) > 1:
            raise InvalidValueError(f"{asked!r} fits {roots[0]} and {roots[1]}.", fix="Give more of the id.")
        return book.orders[roots[0]]

    def fills(self, *, account_id: str = "", client_order_id: str = "", limit: int = 500) -> Sequence[Fill]:
        """Executions, newest first."""
        book = self._book()
        found: Iterable[Fill] = (
            reversed(book.fills_of(client_order_id)) if client_order_id else reversed(book.fills.values())
        )
        mine = (fill for fill in found if not account_id or fill.account_id == account_id)
        return list(islice(mine, max(0, min(limit, MAX_ROWS))))

    def _of_scope(self, scope: str) -> Iterator[Order]:
        book = self._book()
        if scope == "working":
            return reversed([order for order in _by_time(book.all_open()) if order.status.is_working])
        if scope == "unknown":
            return reversed(_by_time(book.unknown_orders()))
        if scope == "staged":
            return reversed(_by_time(book.staged_orders()))
        if scope == "held":
            return reversed(_by_time(book.held_orders()))
        newest_first = reversed(book.orders.values())
        if scope == "history":
            return (order for order in newest_first if order.status.is_terminal)
        if scope == "today":
            start = self._day_start()
            return (
                order
                for order in newest_first
                if order.updated_at >= start or order.is_open or order.status is OrderStatus.INITIALIZED
            )
        return newest_first


def _by_time(orders: Iterable[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: order.created_at)
