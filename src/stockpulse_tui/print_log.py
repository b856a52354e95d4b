"""Public prints as they come: which are new, what traded at each price, and who pressed. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from stockpulse_engine.domain.market import Trade

MAX_PRICES = 4_000
LARGE = 5
"""A print of so many times the usual size is tinted."""
RATE_NS = 10_000_000_000


class PrintLog:
    """Follows the prints of one instrument from the moment it is first shown."""

    def __init__(self) -> None:
        self.traded: dict[Decimal, Decimal] = {}
        self.delta = Decimal(0)
        """Bought at the ask less sold at the bid since then."""
        self.last: Trade | None = None
        self.is_up = True
        """Direction of the last change of price."""

    def take(self, trades: deque[Trade]) -> list[Trade]:
        """What is new since the last look, oldest first."""
        new: list[Trade] = []
        for trade in reversed(trades):
            if trade is self.last:
                break
            new.append(trade)
        new.reverse()
        for trade in new:
            self._book(trade)
        return new

    def _book(self, trade: Trade) -> None:
        if self.last is not None and trade.price != self.last.price:
            self.is_up = trade.price > self.last.price
        self.last = trade
        if trade.price in self.traded or len(self.traded) < MAX_PRICES:
            self.traded[trade.price] = self.traded.get(trade.price, Decimal(0)) + trade.size
        self.delta += trade.size * ((trade.aggressor == "B") - (trade.aggressor == "S"))


def usual_size(trades: Sequence[Trade]) -> Decimal:
    """The median size."""
    return median(trade.size for trade in trades) if trades else Decimal(0)


def rate_of(trades: Sequence[Trade], now_ns: int) -> float:
    """Prints a second over the last ten seconds."""
    recent = sum(trade.ts_event > now_ns - RATE_NS for trade in trades)
    return recent / (RATE_NS / 1_000_000_000)
