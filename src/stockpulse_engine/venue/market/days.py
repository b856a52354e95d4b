"""The daily level: overnight gaps, intraday returns, volatility, volume and jumps of every session.

Factors (market, one per sector) and each instrument's own part carry log-volatilities that follow autoregressions, so
that returns have fat tails and volatility comes in clusters. A session is a row; rows come in blocks with one random
stream each. Only the state between blocks is kept, so any session can be had in any order, always the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stockpulse_engine.venue.market.seeds import Purpose, stream
from stockpulse_engine.venue.market.universe import MARKET_SIGMA, SECTOR_SIGMA, Floats, Universe

BLOCK = 32
"""Sessions per block."""
OVERNIGHT_SHARE = 0.25
"""Part of the daily variance that falls between the close and the open."""
HALT_MOVE = 0.05
"""A jump beyond this (log) trips a volatility pause."""

_PULL = 0.5 ** (1 / 200)
"""Prices come back to their level with a half-life of 200 sessions."""
_PERSISTENCE = 0.97
_VOL_SPREAD = (0.5, 0.4, 0.45)
"""Stationary standard deviation of log-volatility: market, sectors, instruments."""
_T_DEGREES = 9
_JUMP_RATE = 0.035
_GAP_JUMP_RATE = 0.02
_MARKET_JUMP_RATE = 0.02
_KEPT_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class DayBlock:
    """`BLOCK` consecutive sessions. Rows are sessions, columns instruments (or sectors); returns are logs.

    Attributes:
        first: ordinal of the first session.
        log_open: log of the opening price in ticks.
        log_close: log of the closing price in ticks.
        gap_jump: part of the overnight gap that is news; `gap_after_close` tells it came on the evening before.
        sigma: the day's volatility, all parts together.
        market: intraday return of the market factor without `market_jump`.
        sector: intraday return of each sector factor.
        idio: each instrument's own intraday return without `jump`.
        chance: uniform numbers that place jumps in time: market minute, instrument minute, second.
        volume: shares of regular hours.
    """

    first: int
    log_open: Floats
    log_close: Floats
    gap_jump: Floats
    gap_after_close: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    sigma: Floats
    market: Floats
    market_jump: Floats
    sector: Floats
    idio: Floats
    jump: Floats
    chance: Floats
    volume: Floats


class DayChain:
    """The daily level from the first session of the calendar on, block by block."""

    def __init__(self, seed: int, universe: Universe) -> None:
        self._seed = seed
        self._universe = universe
        sizes = (1, len(universe.sectors), len(universe))
        self._spread = np.repeat(_VOL_SPREAD, sizes)
        self._states: list[tuple[Floats, Floats]] = [(np.zeros(sum(sizes)), np.zeros(len(universe)))]
        self._blocks: OrderedDict[int, DayBlock] = OrderedDict()

    def block(self, number: int) -> DayBlock:
        """The block with this number (ordinal // BLOCK)."""
        while len(self._states) <= number:
            self._run(len(self._states) - 1)
        if number not in self._blocks:
            self._run(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _run(self, number: int) -> None:
        block, after = self._compute(number, *self._states[number])
        if len(self._states) == number + 1:
            self._states.append(after)
        self._blocks[number] = block
        if len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)

    def _compute(self, number: int, log_vol: Floats, level: Floats) -> tuple[DayBlock, tuple[Floats, Floats]]:
        universe, rng = self._universe, stream(self._seed, Purpose.DAYS, number)
        count = len(universe)
        shocks = rng.standard_normal((BLOCK, log_vol.size)) * self._spread * np.sqrt(1 - _PERSISTENCE**2)
        draws = rng.standard_t(_T_DEGREES, (2, BLOCK, log_vol.size)) * np.sqrt(1 - 2 / _T_DEGREES)
        chance = rng.random((9, BLOCK, count))
        volume_noise = rng.standard_normal((BLOCK, count))
        log_vols = _autoregress(shocks, log_vol, _PERSISTENCE)
        vols = np.exp(log_vols - self._spread**2)
        scaled = draws * vols * self._sigmas()
        jump, gap_jump, market_jump = self._jumps(chance)
        gap = self._combine(scaled[0] * np.sqrt(OVERNIGHT_SHARE)) + gap_jump
        parts = scaled[1] * np.sqrt(1 - OVERNIGHT_SHARE)
        day = self._combine(parts) + jump + market_jump[:, None] * universe.beta
        levels = _autoregress(gap + day, level, _PULL)
        before = np.vstack([level, levels[:-1]]) * _PULL
        sectors = len(universe.sectors)
        surprise = log_vols[:, 1 + sectors :] + 0.5 * log_vols[:, :1]
        excitement = np.log1p(4 * np.abs(jump) + 4 * np.abs(gap_jump)) * 4
        block = DayBlock(
            first=number * BLOCK,
            log_open=universe.base_log + before + gap,
            log_close=universe.base_log + levels,
            gap_jump=gap_jump,
            gap_after_close=chance[5] < 0.5,
            sigma=np.sqrt(self._combine(vols * self._sigmas(), power=2)),
            market=parts[:, 0],
            market_jump=market_jump,
            sector=parts[:, 1 : 1 + sectors],
            idio=parts[:, 1 + sectors :],
            jump=jump,
            chance=chance[6:9],
            volume=universe.adv * np.exp(0.25 * volume_noise + 0.5 * surprise + excitement - 0.1),
        )
        return block, (log_vols[-1], levels[-1])

    def _sigmas(self) -> Floats:
        sectors = np.full(len(self._universe.sectors), SECTOR_SIGMA)
        return np.concatenate([[MARKET_SIGMA], sectors, self._universe.idio_sigma])

    def _combine(self, parts: Floats, power: int = 1) -> Floats:
        """Sum of market, sector and own parts per instrument, each raised to `power` with its loading."""
        universe, sectors = self._universe, len(self._universe.sectors)
        market = (parts[:, :1] * universe.beta) ** power
        sector = (parts[:, 1 : 1 + sectors][:, universe.sector_of] * universe.loading) ** power
        total: Floats = market + sector + parts[:, 1 + sectors :] ** power
        return total

    def _jumps(self, chance: Floats) -> tuple[Floats, Floats, Floats]:
        """News moves: inside the session, overnight, and of the whole market. Funds have none of their own."""
        universe = self._universe
        may = ~universe.is_fund
        sign = np.where(chance[4] < 0.5, -1.0, 1.0)
        size = sign * universe.sigma * np.minimum(1.2 - 1.1 * np.log1p(-chance[1]), 6.0)
        jump = np.where((chance[0] < _JUMP_RATE) & may, size, 0.0)
        gap_size = sign * universe.sigma * np.minimum(1.5 - 1.4 * np.log1p(-chance[3]), 7.0)
        gap_jump = np.where((chance[2] < _GAP_JUMP_RATE) & may, gap_size, 0.0)
        whole = np.where(chance[4, :, 0] < 0.5, -1.0, 1.0) * MARKET_SIGMA * (0.8 - 0.5 * np.log1p(-chance[1, :, 0]))
        return jump, gap_jump, np.where(chance[0, :, 0] < _MARKET_JUMP_RATE, whole, 0.0)


def _autoregress(shocks: Floats, state: Floats, factor: float) -> Floats:
    """Rows x[t] = factor · x[t−1] + shocks[t], starting after `state`."""
    out = np.empty_like(shocks)
    for row, shock in enumerate(shocks):
        state = factor * state + shock
        out[row] = state
    return out
