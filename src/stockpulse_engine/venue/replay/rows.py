"""Rows of recordings as checked columns of numbers: what can not be true is refused here and counted by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

AUCTION_MARKS = ("40", "80")
"""Conditions (flags in hexadecimal) of the listing exchange's opening and closing print."""


@dataclass(slots=True)
class Counts:
    """What was read and what was not played."""

    quotes: int = 0
    """Quote rows read."""
    trades: int = 0
    """Trade rows read."""
    crossed: int = 0
    """Moments at which the last bid was above the last ask."""
    locked: int = 0
    """Moments at which they were equal."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rows left out, by reason."""


@dataclass(frozen=True, slots=True)
class QuoteRows:
    """Changes of best bid and ask; NaN where a row says nothing about a side."""

    ts: Ints
    bid: Floats
    bid_size: Floats
    ask: Floats
    ask_size: Floats

    def between(self, first_ns: int, end_ns: int) -> QuoteRows:
        """The rows of a stretch of time."""
        cut = slice(*np.searchsorted(self.ts, (first_ns, end_ns)).tolist())
        return QuoteRows(self.ts[cut], self.bid[cut], self.bid_size[cut], self.ask[cut], self.ask_size[cut])


@dataclass(frozen=True, slots=True)
class TradeRows:
    """Prints."""

    ts: Ints
    price: Floats
    size: Floats
    is_auction: Flags

    def between(self, first_ns: int, end_ns: int) -> TradeRows:
        """The rows of a stretch of time."""
        cut = slice(*np.searchsorted(self.ts, (first_ns, end_ns)).tolist())
        return TradeRows(self.ts[cut], self.price[cut], self.size[cut], self.is_auction[cut])


NO_QUOTES = QuoteRows(np.empty(0, np.int64), *(np.empty(0) for _ in range(4)))
NO_TRADES = TradeRows(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, bool))


def read_quotes(frame: pl.DataFrame, counts: Counts) -> QuoteRows:
    """Quote ticks of one symbol, in order of time."""
    counts.quotes += frame.height
    frame = _drop_suspicious(frame, counts)
    has_bid, has_ask = (frame[side].is_not_null().to_numpy() for side in ("bid", "ask"))
    bid, ask = numbers(frame, "bid"), numbers(frame, "ask")
    bid_size, ask_size = _sizes(frame, "bid_size"), _sizes(frame, "ask_size")
    good = _keep(~has_bid & ~has_ask, "neither side", counts, np.ones(frame.height, bool))
    for has, price, size in ((has_bid, bid, bid_size), (has_ask, ask, ask_size)):
        good = _keep(has & ~np.isfinite(price), "price is not a number", counts, good)
        good = _keep(has & (price <= 0), "price is not positive", counts, good)
        good = _keep(has & ~(size >= 0), "size is not a number or negative", counts, good)
    for has, column in ((has_bid, bid), (has_bid, bid_size), (has_ask, ask), (has_ask, ask_size)):
        column[~has] = np.nan
    return QuoteRows(frame["ts"].to_numpy()[good], bid[good], bid_size[good], ask[good], ask_size[good])


def read_trades(frame: pl.DataFrame, counts: Counts) -> TradeRows:
    """Trade ticks of one symbol, in order of time."""
    counts.trades += frame.height
    frame = _drop_suspicious(frame, counts)
    price, size = numbers(frame, "price"), numbers(frame, "size")
    good = _keep(~np.isfinite(price), "price is not a number", counts, np.ones(frame.height, bool))
    good = _keep(price <= 0, "price is not positive", counts, good)
    good = _keep(~(size > 0) | np.isinf(size), "size is not positive", counts, good)
    return TradeRows(frame["ts"].to_numpy()[good], price[good], size[good], _auctions(frame)[good])


def numbers(frame: pl.DataFrame, name: str) -> Floats:
    """A column as floats of our own, NaN for null."""
    import polars as pl

    values: Floats = frame[name].cast(pl.Float64, strict=False).to_numpy(writable=True)
    return values


def _sizes(frame: pl.DataFrame, name: str) -> Floats:
    """A column of sizes; a file without one shows that something was quoted, not how much: one unit."""
    if name not in frame.columns:
        return np.ones(frame.height)
    return np.nan_to_num(numbers(frame, name), nan=-1.0, posinf=-1.0, neginf=-1.0)


def _auctions(frame: pl.DataFrame) -> Flags:
    if "conditions" not in frame.columns:
        return np.zeros(frame.height, bool)
    import polars as pl

    flags: Flags = frame["conditions"].cast(pl.String).fill_null("").is_in(list(AUCTION_MARKS)).to_numpy()
    return flags


def _drop_suspicious(frame: pl.DataFrame, counts: Counts) -> pl.DataFrame:
    if "suspicious" not in frame.columns:
        return frame
    doubtful = frame["suspicious"].fill_null(value=False)
    if doubtful.any():
        counts.refused["marked suspicious in the file"] += int(doubtful.sum())
        frame = frame.filter(~doubtful)
    return frame


def _keep(bad: Flags, reason: str, counts: Counts, good: Flags) -> Flags:
    """Leave out bad rows that were good so far, counting each row once."""
    found = int((bad & good).sum())
    if found:
        counts.refused[reason] += found
    return good & ~bad
