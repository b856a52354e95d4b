"""Minutes of regular hours: factor paths shared by all, own paths, U-shaped volatility and volume, jumps, halts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.venue.market.days import BLOCK, HALT_MOVE, OVERNIGHT_SHARE, DayChain
from stockpulse_engine.venue.market.minutes import AUCTION_TRADES, MINUTE_NS, Halt, Mids, Minutes, Noise, columns
from stockpulse_engine.venue.market.seeds import Purpose, stream
from stockpulse_engine.venue.market.universe import Floats, Ints, Singles, Universe, Wholes

LONGEST = 390
"""Minutes of a full regular session."""
_KEPT_FACTORS = 26
_MOST_TRADES = 900
"""Most prints in a minute."""
_DAYTIME = float(np.sqrt(1 - OVERNIGHT_SHARE))
"""Part of the daily volatility that falls into regular hours."""
_FIRST_JUMP = 12
"""No jump in the first minutes: the opening auction already took the news in."""


@dataclass(frozen=True, slots=True)
class RegularDays:
    """All sessions of a block that have the same length, for one instrument. `rows` are places in the block."""

    rows: Ints
    minutes: Minutes
    opening_size: Ints
    closing_size: Ints
    halts: Mapping[int, Halt]
    """By place in `rows`."""
    jump_minutes: Mapping[int, int]


class RegularHours:
    """Builds `RegularDays`, keeping the factor paths of the blocks last used."""

    def __init__(self, seed: int, universe: Universe, calendar: Calendar, chain: DayChain) -> None:
        self._seed = seed
        self._universe = universe
        self._calendar = calendar
        self._chain = chain
        self._factors: OrderedDict[int, Singles] = OrderedDict()
        self._lengths = lru_cache(maxsize=64)(self._find_lengths)

    def lengths(self, number: int) -> dict[int, Ints]:
        """Session length in minutes → places in the block that have it."""
        return self._lengths(number)

    def _find_lengths(self, number: int) -> dict[int, Ints]:
        first = number * BLOCK
        known = range(first, min(first + BLOCK, len(self._calendar)))
        sessions = [self._calendar.by_ordinal(ordinal) for ordinal in known]
        minutes = np.array([(session.close - session.open) // MINUTE_NS for session in sessions])
        return {int(length): np.flatnonzero(minutes == length) for length in np.unique(minutes)}

    def build(self, place: int, number: int) -> list[RegularDays]:
        """The minutes of instrument `place` over all sessions of a block."""
        draw = _Draw.make(stream(self._seed, Purpose.MINUTES, place, number))
        return [
            self._group(place, number, length, draw.cut(rows, length)) for length, rows in self.lengths(number).items()
        ]

    def _group(self, place: int, number: int, length: int, draw: _Draw) -> RegularDays:
        block, rows = self._chain.block(number), draw.rows
        step = np.sqrt(variance_shape(length)) * draw.burst
        path, halts, jump_minutes = self._path(place, number, draw, step)
        start, end = _mids(np.exp(block.log_open[rows, place]), path, halts)
        sigma = block.sigma[rows, place].astype(np.float32)
        deviation = end * (sigma[:, None] * _DAYTIME) * step
        weight = volume_shape(length) * np.sqrt(draw.burst) * (0.6 + 0.4 * draw.noise.excess[1])
        _excite(weight, jump_minutes)
        _silence(weight, halts)
        trades = self._trades(place, weight, draw.noise.excess[0])
        for row, halt in halts.items():
            reopening = halt.minute + halt.LENGTH
            trades[row, reopening] = max(trades[row, reopening], AUCTION_TRADES)
        spread = self._spread(place, length, start, sigma)
        minutes = columns(Mids(start, end, deviation), spread, trades, draw.noise)
        _set_auction_prices(minutes)
        sizes = _fill_volume(minutes, block.volume[rows, place], weight, draw.auctions)
        return RegularDays(rows, minutes, *sizes, halts, jump_minutes)

    def _path(
        self, place: int, number: int, draw: _Draw, step: Singles
    ) -> tuple[Singles, dict[int, Halt], dict[int, int]]:
        """Log return since the open at the end of each minute, with jumps and halts in it."""
        universe, block, rows = self._universe, self._chain.block(number), draw.rows
        length = step.shape[1]
        factors = self._factor_paths(number)
        own = draw.normals * step * float(universe.idio_sigma[place] * _DAYTIME)
        path = bridge(own, elapsed_shape(length), block.idio[rows, place])
        path += float(universe.beta[place]) * factors[0][rows, :length]
        path += float(universe.loading[place]) * factors[1 + universe.sector_of[place]][rows, :length]
        halts: dict[int, Halt] = {}
        jump_minutes: dict[int, int] = {}
        for at, row in enumerate(rows):
            jump = block.jump[row, place]
            if jump:
                jump_minutes[at] = minute = jump_minute(block.chance[1, row, place], length)
                path[at, minute:] += jump
                if abs(jump) >= HALT_MOVE:
                    halts[at] = Halt(minute, int(15 + 30 * block.chance[2, row, place]) * SECOND_NS, float(jump))
        return path, halts, jump_minutes

    def _factor_paths(self, number: int) -> Singles:
        """Paths of the market (with its jumps) and of each sector over a block, as [factor, BLOCK, LONGEST]."""
        if number not in self._factors:
            self._factors[number] = self._build_factors(number)
            if len(self._factors) > _KEPT_FACTORS:
                self._factors.popitem(last=False)
        return self._factors[number]

    def _build_factors(self, number: int) -> Singles:
        block = self._chain.block(number)
        targets = np.concatenate([block.market[None], block.sector.T])
        rng = stream(self._seed, Purpose.FACTORS, number)
        normals = rng.standard_normal((len(targets), BLOCK, LONGEST), dtype=np.float32)
        burst = _cascade(rng)
        scale = np.abs(targets).mean(axis=1)
        paths = np.zeros_like(normals)
        for length, rows in self.lengths(number).items():
            step = np.sqrt(variance_shape(length)) * burst[rows, :length]
            for factor, target in enumerate(targets):
                moves = normals[factor, rows, :length] * step * float(scale[factor])
                paths[factor, rows, :length] = bridge(moves, elapsed_shape(length), target[rows])
            for row in rows[block.market_jump[rows] != 0]:
                paths[0, row, jump_minute(block.chance[0, row, 0], length) : length] += block.market_jump[row]
        return paths

    def _trades(self, place: int, weight: Singles, reach: Singles) -> Wholes:
        """Number of prints: with the volume, and more where the price reached further."""
        busy = weight * float(self._universe.trades_per_minute[place] / volume_shape(weight.shape[1]).mean())
        trades = 1 + np.rint(busy * (0.7 + 0.3 * reach)).astype(np.int32)
        trades[:, [0, -1]] = np.maximum(trades[:, [0, -1]], AUCTION_TRADES)
        trades[weight == 0] = 0
        return np.minimum(trades, _MOST_TRADES)

    def _spread(self, place: int, length: int, start: Singles, sigma: Singles) -> Wholes:
        """Quoted spread in ticks: from price and volume, wider near the open and on wild days."""
        universe = self._universe
        calm = start * float(universe.spread_ticks[place] / np.exp(universe.base_log[place]))
        wild = np.sqrt(np.maximum(sigma / float(universe.sigma[place]), 0.5))[:, None]
        wide = calm * wild * (1 + 1.4 * np.exp(-np.arange(length, dtype=np.float32) / 9))
        ticks: Wholes = np.maximum(1, np.rint(wide)).astype(np.int32)
        return ticks


@dataclass(frozen=True, slots=True)
class _Draw:
    """All random numbers of one instrument and block, drawn at full size and cut to the sessions of one length."""

    rows: Ints
    normals: Singles
    noise: Noise
    burst: Singles
    auctions: Floats

    @classmethod
    def make(cls, rng: np.random.Generator) -> _Draw:
        normals = rng.standard_normal((BLOCK, LONGEST), dtype=np.float32)
        excess = rng.standard_exponential((2, BLOCK, LONGEST), dtype=np.float32)
        sides = rng.integers(0, 4, (BLOCK, LONGEST), dtype=np.uint8)
        return cls(np.arange(BLOCK), normals, Noise(excess, sides), _cascade(rng), rng.random((BLOCK, 2)))

    def cut(self, rows: Ints, length: int) -> _Draw:
        noise = Noise(self.noise.excess[:, rows, :length], self.noise.sides[rows, :length])
        return _Draw(rows, self.normals[rows, :length], noise, self.burst[rows, :length], self.auctions[rows])


@lru_cache(maxsize=16)
def variance_shape(length: int) -> Singles:
    """Share of the session's variance in each minute: high at the open, low at noon, higher at the close."""
    minute = np.arange(length)
    shape = 0.7 + 3.5 * np.exp(-minute / 18) + 1.3 * np.exp(-(length - 1 - minute) / 14)
    shape += 0.9 * (2 * minute / length - 1) ** 2
    share: Singles = (shape / shape.sum()).astype(np.float32)
    return share


@lru_cache(maxsize=16)
def elapsed_shape(length: int) -> Singles:
    """Share of the session's variance that is over at the end of each minute."""
    share: Singles = np.cumsum(variance_shape(length))
    return share


@lru_cache(maxsize=16)
def volume_shape(length: int) -> Singles:
    """Relative volume of each minute without the auctions: the same U, fuller at the close."""
    minute = np.arange(length)
    shape = 0.8 + 2.4 * np.exp(-minute / 14) + 2.0 * np.exp(-(length - 1 - minute) / 10)
    shape += 0.9 * (2 * minute / length - 1) ** 2
    relative: Singles = shape.astype(np.float32)
    return relative


def jump_minute(chance: float, length: int) -> int:
    """The minute of a regular session a jump falls into, clear of both auctions."""
    return _FIRST_JUMP + int(chance * (length - 2 * _FIRST_JUMP))


def bridge(moves: Singles, elapsed: Singles, target: Floats) -> Singles:
    """Walks with the given moves, bent so that each ends at its target; `elapsed` (0 to 1) says how much by when."""
    walk: Singles = np.cumsum(moves, axis=1)
    walk += elapsed * (target.astype(np.float32) - walk[:, -1])[:, None]
    return walk


def _cascade(rng: np.random.Generator) -> Singles:
    """Volatility multipliers per minute with half-hour and ten-minute bursts: clustering inside the day."""
    slow = np.repeat(rng.standard_normal((BLOCK, 13), dtype=np.float32), 3, axis=1)
    fast = rng.standard_normal((BLOCK, 39), dtype=np.float32)
    return np.repeat(np.exp(0.35 * slow + 0.3 * fast - (0.35**2 + 0.3**2)), 10, axis=1)


def _mids(opening: Floats, path: Singles, halts: Mapping[int, Halt]) -> tuple[Singles, Singles]:
    """Mid price in ticks at the start and end of each minute; frozen in a halt, moved on by its auction."""
    first = opening.astype(np.float32)[:, None]
    end = first * np.exp(path)
    start = np.concatenate([first, end[:, :-1]], axis=1)
    for row, halt in halts.items():
        band = np.exp(HALT_MOVE if halt.move > 0 else -HALT_MOVE)
        last = halt.minute + halt.LENGTH
        frozen = start[row, halt.minute] * band
        end[row, halt.minute : last] = frozen
        start[row, halt.minute + 1 : last] = frozen
        start[row, last] = frozen * np.exp(halt.move) / band
    return start, end


def _excite(weight: Singles, jump_minutes: Mapping[int, int]) -> None:
    """News draws a crowd that leaves slowly."""
    for row, minute in jump_minutes.items():
        weight[row, minute:] *= 1 + 7 * np.exp(-np.arange(weight.shape[1] - minute) / 9)


def _silence(weight: Singles, halts: Mapping[int, Halt]) -> None:
    """No volume in the minutes wholly inside a halt."""
    for row, halt in halts.items():
        weight[row, halt.minute + 1 : halt.minute + halt.LENGTH] = 0.0


def _set_auction_prices(minutes: Minutes) -> None:
    """Auctions print at the mid: the day's first and last price."""
    minutes.open[:, 0] = np.rint(minutes.start[:, 0])
    minutes.close[:, -1] = np.rint(minutes.end[:, -1])
    for edge, price in ((0, minutes.open[:, 0]), (-1, minutes.close[:, -1])):
        minutes.high[:, edge] = np.maximum(minutes.high[:, edge], price)
        minutes.low[:, edge] = np.minimum(minutes.low[:, edge], price)


def _fill_volume(minutes: Minutes, volume: Floats, weight: Singles, chance: Floats) -> tuple[Ints, Ints]:
    """Share the day's volume out over the minutes; returns the sizes of the two auctions, held inside."""
    opening = np.rint(volume * (0.008 + 0.012 * chance[:, 0]) / 100).astype(np.int64) * 100 + 100
    closing = np.rint(volume * (0.05 + 0.06 * chance[:, 1]) / 100).astype(np.int64) * 100 + 100
    share = weight * (0.9 * volume / weight.sum(axis=1)).astype(np.float32)[:, None]
    minutes.volume[:] = np.where(minutes.trades > 0, np.maximum(share.astype(np.int32), minutes.trades), 0)
    minutes.volume[:, 0] += opening
    minutes.volume[:, -1] += closing
    return opening, closing
