"""The minute level: one session of one instrument as columns of open, high, low, close, volume and number of prints.

Built from above (the day's open and close are given) by bridges, so that a minute can be had without the ticks in it;
the tick level is then made to print exactly these numbers. Prices are whole ticks here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.venue.market.universe import Singles, Wholes

MINUTE_NS = 60 * SECOND_NS
CLOSING_PRINT_NS = MINUTE_NS - 1_000_000
"""The closing auction prints a millisecond before the close, inside the last minute."""
AUCTION_TRADES = 4
"""Fewest prints in a minute with an auction: the auction, the high, the low and one more."""
_FREE_TRADES = 3
"""With more prints than this the high and the low have prints of their own."""


@dataclass(frozen=True, slots=True)
class Halt:
    """A volatility pause: stops in one minute, reopens with an auction at the same second five minutes later."""

    minute: int
    offset_ns: int
    move: float
    """Log return that tripped it."""

    LENGTH = 5

    def start_ns(self, anchor_ns: int) -> int:
        """When trading stops, given when minute 0 began."""
        return anchor_ns + self.minute * MINUTE_NS + self.offset_ns

    def end_ns(self, anchor_ns: int) -> int:
        """When trading resumes."""
        return self.start_ns(anchor_ns) + self.LENGTH * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Minutes:
    """Columns over consecutive minutes; axes before the last are sessions or instruments.

    Where `trades` is 0 the four prices repeat the mid price and the volume is 0. `start` and `end` are mid prices.
    """

    open: Wholes
    high: Wholes
    low: Wholes
    close: Wholes
    volume: Wholes
    trades: Wholes
    spread: Wholes
    start: Singles
    end: Singles

    def row(self, place: int) -> Minutes:
        """One row of the leading axis."""
        return Minutes(*(getattr(self, name)[place] for name in COLUMNS))


COLUMNS = ("open", "high", "low", "close", "volume", "trades", "spread", "start", "end")


def join(parts: list[Minutes]) -> Minutes:
    """Glue stretches of one instrument together along time."""
    return Minutes(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


@dataclass(frozen=True, slots=True)
class Noise:
    """Random numbers of the shape of the columns to be made."""

    excess: Singles
    """Two layers of unit exponentials: how far highs and lows go beyond both ends."""
    sides: NDArray[np.uint8]
    """Bit 0: the first print lifted the ask; bit 1: the last one did."""


@dataclass(frozen=True, slots=True)
class Mids:
    """Mid price in ticks at both ends of each minute, and its standard deviation inside it."""

    start: Singles
    end: Singles
    deviation: Singles


def columns(mids: Mids, spread: Wholes, trades: Wholes, noise: Noise) -> Minutes:
    """Fill in the four prices of each minute; volume is left at 0.

    The extremes are those of a Brownian bridge between both ends; prints happen half a spread away from the mid.
    """
    start, end = mids.start, mids.end
    half = spread.astype(np.float32) / 2
    total, square = start + end, (start - end) ** 2
    reach = 2 * mids.deviation**2
    top = (total + np.sqrt(square + reach * noise.excess[0])) / 2
    bottom = (total - np.sqrt(square + reach * noise.excess[1])) / 2
    first = start + np.where(noise.sides & 1, half, -half)
    last = end + np.where(noise.sides & 2, half, -half)
    whole = (np.rint(prices).astype(np.int32) for prices in (first, top + half, bottom - half, last))
    opening, high, low, closing = (np.maximum(prices, 1, out=prices) for prices in whole)
    minutes = Minutes(opening, high, low, closing, np.zeros_like(trades), trades, spread, start, end)
    return minutes if trades.min() > _FREE_TRADES else _thin_out(minutes)


def _thin_out(minutes: Minutes) -> Minutes:
    """Make the prices possible for few prints: one has one price, two have no extremes of their own, three one."""
    trades = minutes.trades
    closing = np.where(trades == 0, np.maximum(np.rint(minutes.end), 1).astype(np.int32), minutes.close)
    opening = np.where(trades <= 1, closing, minutes.open)
    upper, lower = np.maximum(opening, closing), np.minimum(opening, closing)
    high = np.where(trades <= _FREE_TRADES - 1, upper, minutes.high)
    low = np.where(trades <= _FREE_TRADES, lower, minutes.low)
    return replace(minutes, open=opening, high=high, low=low, close=closing)
