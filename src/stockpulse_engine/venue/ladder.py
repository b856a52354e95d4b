"""Orders of one side sorted by price, then time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from decimal import Decimal

from stockpulse_engine.venue.orders import WorkingOrder


class Ladder:
    """Price levels in ascending order, each a list in order of time.

    Nothing is ever iterated but the levels asked for, so that a deep book costs a quote nothing.
    """

    def __init__(self) -> None:
        self.prices: list[Decimal] = []
        self._levels: dict[Decimal, list[WorkingOrder]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._levels.values()))

    def __iter__(self) -> Iterator[WorkingOrder]:
        for price in tuple(self.prices):
            yield from tuple(self._levels[price])

    def add(self, price: Decimal, order: WorkingOrder) -> None:
        """Put an order at the end of its level (or where its number belongs, after a restart)."""
        level = self._levels.get(price)
        if level is None:
            self._levels[price] = [order]
            insort(self.prices, price)
        elif level[-1].number < order.number:
            level.append(order)
        else:
            insort(level, order, key=lambda each: each.number)

    def remove(self, price: Decimal, order: WorkingOrder) -> bool:
        """Take an order out; False when it is not there."""
        level = self._levels.get(price)
        if level is None or order not in level:
            return False
        level.remove(order)
        if not level:
            del self._levels[price]
            del self.prices[bisect_left(self.prices, price)]
        return True

    def at(self, price: Decimal) -> tuple[WorkingOrder, ...]:
        """Orders at one price, oldest first."""
        return tuple(self._levels.get(price, ()))

    def above(self, price: Decimal, *, inclusive: bool) -> Iterator[WorkingOrder]:
        """Orders with a price over `price`, highest first."""
        start = bisect_left(self.prices, price) if inclusive else bisect_right(self.prices, price)
        for each in reversed(self.prices[start:]):
            yield from self.at(each)

    def below(self, price: Decimal, *, inclusive: bool) -> Iterator[WorkingOrder]:
        """Orders with a price under `price`, lowest first."""
        stop = bisect_right(self.prices, price) if inclusive else bisect_left(self.prices, price)
        for each in self.prices[:stop]:
            yield from self.at(each)
