"""The tick level: quotes and prints of one instrument in one minute that add up to exactly the minute given.

A mid price walks through the places it must visit (first print, high, low, last print, both ends); quotes stand half
a spread around it and every print happens at the bid or the ask quoted just before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockpulse_engine.venue.market.universe import Floats, Ints

LEVELS = 10
_LOT = 100
_MICROSECOND = 1_000
_LONGEST_REACTION_US = 1_500
_FIRST_QUOTE_US = 900_000
"""Each minute has a first quote within this time, so that a minute needs no memory of the one before."""


@dataclass(frozen=True, slots=True)
class MinuteTerms:
    """What the ticks of a minute must add up to. Prices in ticks, times in ns since the minute began.

    `opens` and `closes` bound the continuous trading inside the minute. The auctions' sizes are part of `volume`,
    their prints part of `trades`; they happen at `opens` and at the end.
    """

    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    spread: int
    start: float
    end: float
    opens: int
    closes: int
    lots: float
    extra_quotes: float
    opening_size: int = 0
    closing_size: int = 0


@dataclass(frozen=True, slots=True)
class Ticks:
    """Quotes at `at` and prints that follow some of them: print j happens `print_at[j]` after quote `print_slot[j]`.

    `depth_slot` lists the quotes that move a price; `depth_sizes[j]` are the sizes below the best, bids then asks.
    """

    at: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints
    print_slot: Ints
    print_at: Ints
    price: Ints
    size: Ints
    is_buy: NDArray[np.bool_]
    depth_slot: Ints
    depth_sizes: Ints
    level_step: int


def make_ticks(rng: np.random.Generator, terms: MinuteTerms) -> Ticks:
    """Draw the ticks of a minute."""
    prints = terms.trades - (terms.opening_size > 0) - (terms.closing_size > 0)
    slots = prints + 1 + int(rng.poisson(terms.extra_quotes + 1.4 * prints))
    at = _times(rng, terms, slots)
    print_slot = np.sort(rng.permutation(slots - 1)[:prints]) if prints else np.empty(0, np.int64)
    forced = _forced(rng, terms, prints)
    mid = _walk(rng, terms, slots, {int(print_slot[place]): value for place, value in forced.items()})
    bid = np.rint(mid - terms.spread / 2).astype(np.int64)
    ask = bid + terms.spread
    is_buy = rng.random(prints) < 0.5
    for place, (_, buys) in forced.items():
        is_buy[place] = buys
    price = np.clip(np.where(is_buy, ask[print_slot], bid[print_slot]), terms.low, terms.high)
    for place, (value, _) in forced.items():
        price[place] = value
    _widen(rng, bid, ask, print_slot)
    is_buy &= price > 1  # at the smallest price there is no bid below for a buyer to pass over
    bid[print_slot] = np.where(is_buy, price - terms.spread, price)
    ask[print_slot] = np.where(is_buy, price, price + terms.spread)
    np.maximum(bid, 1, out=bid)
    np.maximum(ask, bid + 1, out=ask)
    size = _sizes(rng, terms.volume - terms.opening_size - terms.closing_size, prints)
    bid_size, ask_size = _displayed(rng, terms.lots, bid), _displayed(rng, terms.lots, ask)
    _cover(bid_size, print_slot[~is_buy], size[~is_buy])
    _cover(ask_size, print_slot[is_buy], size[is_buy])
    depth_slot = _moved(bid, ask)
    return Ticks(
        at=at,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        print_slot=print_slot,
        print_at=_reaction(rng, at, print_slot, terms.closes),
        price=price,
        size=size,
        is_buy=is_buy,
        depth_slot=depth_slot,
        depth_sizes=_deeper(rng, terms.lots, depth_slot.size),
        level_step=max(1, round(terms.spread / 2)),
    )


def _times(rng: np.random.Generator, terms: MinuteTerms, slots: int) -> Ints:
    """Sorted moments of the quotes, in whole microseconds after `opens`."""
    span = max(1, (terms.closes - terms.opens) // _MICROSECOND - 1)
    at = np.sort(rng.integers(0, span, slots))
    at[0] = min(at[0], int(rng.integers(0, min(span, _FIRST_QUOTE_US))))
    if terms.opening_size:
        at[0] = min(at[0], 2_000)
    moments: Ints = terms.opens + (at + 1) * _MICROSECOND
    return moments


def _forced(rng: np.random.Generator, terms: MinuteTerms, prints: int) -> dict[int, tuple[int, bool]]:
    """Prints whose price is given: place among the continuous prints → (price, whether a buyer made it)."""
    if not prints:
        return {}
    forced: dict[int, tuple[int, bool]] = {}
    if not terms.opening_size:
        forced[0] = (terms.open, terms.open >= terms.start)
    if not terms.closing_size:
        forced[prints - 1] = (terms.close, terms.close >= terms.end)
    free = [place for place in rng.permutation(prints).tolist() if place not in forced]
    if terms.high > max(terms.open, terms.close):
        forced[free.pop()] = (terms.high, True)
    if terms.low < min(terms.open, terms.close):
        forced[free.pop()] = (terms.low, False)
    return forced


def _walk(rng: np.random.Generator, terms: MinuteTerms, slots: int, visits: dict[int, tuple[int, bool]]) -> Floats:
    """Mid price at each quote: a random walk pinned at both ends and at the prints that are given."""
    half = terms.spread / 2
    pins = {0: float(terms.start)}
    pins |= {slot: price - half if buys else price + half for slot, (price, buys) in sorted(visits.items())}
    pins[slots - 1] = float(terms.end)
    places = sorted(pins)
    values = np.array([pins[place] for place in places])
    scale = 0.35 * (terms.high - terms.low) / np.sqrt(slots)
    walk = np.cumsum(rng.standard_normal(slots)) * scale
    mid: Floats = walk + np.interp(np.arange(slots), places, values - walk[places])
    return mid


def _widen(rng: np.random.Generator, bid: Ints, ask: Ints, print_slot: Ints) -> None:
    """Now and then one side stands a tick further away; never at the last quote, which the next minute builds on."""
    chance = rng.random(bid.size)
    chance[print_slot] = 0.5
    chance[-1] = 0.5
    bid -= chance < 0.12
    ask += chance > 0.88


def _sizes(rng: np.random.Generator, volume: int, prints: int) -> Ints:
    """Sizes of the prints: positive, mostly round lots when there is enough to go round, summing to `volume`."""
    if not prints:
        return np.empty(0, np.int64)
    weights = np.exp(0.9 * rng.standard_normal(prints))
    unit = _LOT if volume >= 2 * _LOT * prints else 1
    units, rest = divmod(volume, unit)
    shares = weights * ((units - prints) / weights.sum())
    sizes: Ints = shares.astype(np.int64) + 1
    missing = units - int(sizes.sum())
    if missing < 0:  # rounding of the weights gave one too many
        sizes[np.argmax(sizes)] += missing
    else:
        sizes[np.argsort(sizes - shares)[:missing]] += 1
    sizes *= unit
    sizes[int(rng.integers(prints))] += rest
    return sizes


def _displayed(rng: np.random.Generator, lots: float, price: Ints) -> Ints:
    """Displayed size at the best price: new when the price moves or by chance, else it stays."""
    noise = rng.standard_normal(price.size)
    drawn: Ints = np.maximum(1, np.rint(lots * np.exp(0.55 * noise))).astype(np.int64) * _LOT
    changes = rng.random(price.size) < 0.4
    changes[0] = True
    changes[1:] |= price[1:] != price[:-1]
    origin = np.maximum.accumulate(np.where(changes, np.arange(price.size), 0))
    displayed: Ints = drawn[origin]
    return displayed


def _cover(displayed: Ints, slots: Ints, size: Ints) -> None:
    """What prints was displayed before: raise the shown size to it where it was less."""
    displayed[slots] = np.maximum(displayed[slots], -(-size // _LOT) * _LOT)


def _moved(bid: Ints, ask: Ints) -> Ints:
    """Slots whose prices differ from the slot before, the first included."""
    changed = np.empty(bid.size, bool)
    changed[0] = True
    changed[1:] = (bid[1:] != bid[:-1]) | (ask[1:] != ask[:-1])
    return np.flatnonzero(changed)


def _deeper(rng: np.random.Generator, lots: float, count: int) -> Ints:
    """Sizes of levels 2 to 10 on both sides: [count, 2, 9], growing with distance."""
    growth = 1 + 0.25 * np.arange(1, LEVELS)
    noise = rng.standard_normal((count, 2, LEVELS - 1), dtype=np.float32)
    sizes: Ints = np.maximum(1, np.rint(lots * growth * np.exp(0.5 * noise))).astype(np.int64) * _LOT
    return sizes


def _reaction(rng: np.random.Generator, at: Ints, print_slot: Ints, closes: int) -> Ints:
    """Moments of the prints: up to 1.5 ms after the quote they hit, before the next quote."""
    following = np.append(at[1:], closes)[print_slot]
    delay = rng.integers(1, _LONGEST_REACTION_US, print_slot.size) * _MICROSECOND
    moments: Ints = at[print_slot] + np.minimum(delay, (following - at[print_slot]) // 2)
    return moments
