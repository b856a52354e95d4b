"""What has to happen before the engine sends an order that it holds: prices, times, and how they go together."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

MAX_PARTS = 4
"""Most conditions one order waits for."""


class PriceKind(Enum):
    """Which price of an instrument is watched."""

    LAST = "LAST"
    BID = "BID"
    ASK = "ASK"
    MID = "MID"
    MARK = "MARK"
    """What a holding is valued at: the middle of a whole quote, else the last print."""


class PriceCondition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="price"):
    """A price above (or below) another; with `is_inclusive` reaching it is enough."""

    instrument_id: str
    price: Decimal
    is_above: bool
    what: PriceKind = PriceKind.LAST
    is_inclusive: bool = False

    def holds(self, seen: Decimal) -> bool:
        """Whether `seen` is such a price."""
        if seen == self.price:
            return self.is_inclusive
        return (seen > self.price) is self.is_above

    @property
    def sign(self) -> str:
        """`<`, `<=`, `>` or `>=`."""
        return (">" if self.is_above else "<") + ("=" if self.is_inclusive else "")


class TimeCondition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="time"):
    """Market time (UTC ns) has come so far."""

    at_ns: int


ConditionPart = PriceCondition | TimeCondition


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One to four parts; all of them at once, or any."""

    parts: tuple[ConditionPart, ...]
    needs_all: bool = True

    @property
    def instrument_ids(self) -> tuple[str, ...]:
        """Instruments whose prices are watched, each once."""
        found = dict.fromkeys(part.instrument_id for part in self.parts if isinstance(part, PriceCondition))
        return tuple(found)
