"""Ticks made of bars: honest about what a bar knows. Four prints a bar, quotes from quote bars or around the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stockpulse_engine.venue.replay.rows import (
    NO_QUOTES,
    NO_TRADES,
    Counts,
    Flags,
    Floats,
    Ints,
    QuoteRows,
    TradeRows,
    numbers,
)

if TYPE_CHECKING:
    import polars as pl

_POINTS = 4
_LAST_NS = 1_000_000
"""The last print of a bar comes this long before its end."""
_PRICES = ("open", "high", "low", "close")


def prints_of_bars(frame: pl.DataFrame, step_ns: int, counts: Counts) -> TradeRows:
    """Each bar as its open, its extremes (the nearer to the open first) and its close, sharing the volume.

    Prices that repeat the one before are left out, so bars built from these prints equal the bars they came from.
    """
    counts.trades += frame.height
    values = {name: numbers(frame, name) for name in (*_PRICES, "volume")}
    prices = np.stack([values[name] for name in _PRICES])
    good = np.isfinite(prices).all(axis=0) & (prices > 0).all(axis=0)
    if not good.all():
        counts.refused["price is not a positive number"] += int((~good).sum())
    traded = np.isfinite(values["volume"]) & (values["volume"] > 0)
    if not (traded | ~good).all():
        counts.refused["volume is not positive"] += int((good & ~traded).sum())
    consistent = (prices[2] <= np.minimum(prices[0], prices[3])) & (prices[1] >= np.maximum(prices[0], prices[3]))
    if not (consistent | ~good | ~traded).all():
        counts.refused["high and low do not hold open and close"] += int((good & traded & ~consistent).sum())
    good &= traded & consistent
    if not good.any():
        return NO_TRADES
    path = _path(prices[:, good])
    ts = _moments(frame["ts"].to_numpy()[good], step_ns)
    size = _shares(path, values["volume"][good])
    keep = size.ravel() > 0
    return TradeRows(ts.ravel()[keep], path.ravel()[keep], size.ravel()[keep], np.zeros(int(keep.sum()), bool))


def quotes_of_bars(frame: pl.DataFrame, step_ns: int, counts: Counts) -> QuoteRows:
    """Each quote bar as the bid and ask at its open, extremes and close, in the order of the mid's move."""
    counts.quotes += frame.height
    bid = np.stack([numbers(frame, f"bid_{name}") for name in _PRICES])
    ask = np.stack([numbers(frame, f"ask_{name}") for name in _PRICES])
    good = np.isfinite(bid).all(axis=0) & np.isfinite(ask).all(axis=0) & (bid > 0).all(axis=0) & (ask > 0).all(axis=0)
    if not good.all():
        counts.refused["price is not a positive number"] += int((~good).sum())
    if not good.any():
        return NO_QUOTES
    falls_first = _falls_first((bid + ask)[:, good])
    ts = _moments(frame["ts"].to_numpy()[good], step_ns)
    size = [_size_of(frame, f"{side}_size")[good] for side in ("bid", "ask")]
    paths = [_ordered(prices[:, good], falls_first) for prices in (bid, ask)]
    spread_out = [np.repeat(column, _POINTS) for column in size]
    return QuoteRows(ts.ravel(), paths[0].ravel(), spread_out[0], paths[1].ravel(), spread_out[1])


def quotes_around(trades: TradeRows, tick: float) -> QuoteRows:
    """Where no quote was recorded: a tick either side of each print, rounded outward, as large as the print."""
    half = tick / 2
    bid = np.maximum(np.floor((trades.price - half) / tick + 1e-9), 1) * tick
    ask = np.ceil((trades.price + half) / tick - 1e-9) * tick
    return QuoteRows(trades.ts, np.round(bid, 8), trades.size, np.round(ask, 8), trades.size)


def _moments(starts: Ints, step_ns: int) -> Ints:
    """Open at the start, extremes at thirds, close just before the end, as [bar, point]."""
    offsets = np.array([0, step_ns // 3, 2 * step_ns // 3, step_ns - _LAST_NS])
    moments: Ints = starts[:, None] + offsets
    return moments


def _path(prices: Floats) -> Floats:
    return _ordered(prices, _falls_first(prices))


def _falls_first(prices: Floats) -> Flags:
    """Whether the low comes before the high: it lies nearer to the open, or the close is the high itself."""
    opening, high, low, close = prices
    nearer = opening - low <= high - opening
    return np.where(close == high, True, np.where(close == low, False, nearer)).astype(bool)


def _ordered(prices: Floats, falls_first: Flags) -> Floats:
    """Rows of open, first extreme, second extreme, close as [bar, point]."""
    first = np.where(falls_first, prices[2], prices[1])
    second = np.where(falls_first, prices[1], prices[2])
    return np.stack([prices[0], first, second, prices[3]], axis=1)


def _shares(path: Floats, volume: Floats) -> Floats:
    """Volume of each point, whole where the volume is whole; a price that repeats gives its share to the one before."""
    fresh = np.ones(path.shape, bool)
    fresh[:, 1:] = path[:, 1:] != path[:, :-1]
    share = np.where(volume % 1 == 0, np.maximum(np.floor(volume / _POINTS), 1), volume / _POINTS)
    sizes = np.where(fresh, share[:, None], 0.0)
    sizes[:, 0] += volume - sizes.sum(axis=1)
    # Fewer shares than prices: share them evenly, to the last of eight digits.
    short = sizes[:, 0] <= 0
    if short.any():
        few = np.floor(volume[short] / fresh[short].sum(axis=1) * 1e8) / 1e8
        sizes[short] = np.where(fresh[short], few[:, None], 0.0)
        sizes[short, 0] = np.round(volume[short] - sizes[short, 1:].sum(axis=1), 8)
    return sizes


def _size_of(frame: pl.DataFrame, name: str) -> Floats:
    """Displayed size; unknown or zero in the source counts as one unit, so that the price can be shown at all."""
    if name not in frame.columns:
        return np.ones(frame.height)
    return np.maximum(np.nan_to_num(numbers(frame, name), nan=1.0, posinf=1.0), 1.0)
