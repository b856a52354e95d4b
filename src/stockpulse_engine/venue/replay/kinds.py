"""What the rows of a recording are."""

from __future__ import annotations

from enum import Enum

_PRICES = ("open", "high", "low", "close")


class Kind(Enum):
    """What the rows of a file are, with the columns that show it."""

    QUOTES = ("ts", "bid", "ask")
    TRADES = ("ts", "price", "size")
    QUOTE_BARS = ("ts", *(f"{side}_{price}" for side in ("bid", "ask") for price in _PRICES))
    BARS = ("ts", *_PRICES, "volume")
    DAYS = ("date", *_PRICES, "volume")

    @property
    def is_ticks(self) -> bool:
        """Whether each row is one event."""
        return self in (Kind.QUOTES, Kind.TRADES)

    @property
    def has_prints(self) -> bool:
        """Whether rows tell what traded, not only what was quoted."""
        return self in (Kind.TRADES, Kind.BARS, Kind.DAYS)
