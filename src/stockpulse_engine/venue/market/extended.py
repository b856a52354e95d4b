"""Minutes before the open and after the close: thin, wide, and where most company news lands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import OPENING_AUCTION_NS, Calendar
from stockpulse_engine.venue.market.days import BLOCK, DayChain
from stockpulse_engine.venue.market.minutes import MINUTE_NS, Mids, Minutes, Noise, columns
from stockpulse_engine.venue.market.regular import bridge
from stockpulse_engine.venue.market.seeds import Purpose, stream
from stockpulse_engine.venue.market.universe import Floats, Ints, Singles, Universe, Wholes

_EVENING_SHARE = 0.3
"""Part of the quiet overnight move that already happens after the close."""
_QUIET = 0.12
"""Volatility of an extended session as a part of the day's."""


@dataclass(frozen=True, slots=True)
class ExtendedDay:
    """Both extended sessions of one day, rows are instruments.

    `*_news` is the minute in which overnight company news comes out, −1 for none; `*_jump` its move.
    """

    pre: Minutes
    post: Minutes
    pre_news: Ints
    post_news: Ints
    pre_jump: Floats
    post_jump: Floats


class ExtendedHours:
    """Builds extended sessions of single days for all instruments at once."""

    def __init__(self, seed: int, universe: Universe, calendar: Calendar, chain: DayChain) -> None:
        self._seed = seed
        self._universe = universe
        self._calendar = calendar
        self._chain = chain

    def build(self, ordinal: int) -> ExtendedDay:
        """The extended hours of one session."""
        session = self._calendar.by_ordinal(ordinal)
        rng = stream(self._seed, Purpose.EXTENDED, ordinal)
        count = len(self._universe)
        chance = rng.random((2, count))
        opening, closing = (self._row(ordinal, name) for name in ("log_open", "log_close"))
        jump, evening_before = self._row(ordinal, "gap_jump"), self._row(ordinal, "gap_after_close")
        next_jump, evening = self._row(ordinal + 1, "gap_jump"), self._row(ordinal + 1, "gap_after_close")
        pre_jump, post_jump = np.where(evening_before, 0.0, jump), np.where(evening, next_jump, 0.0)
        minutes = (session.open - session.pre_open) // MINUTE_NS
        rate = 0.002 + 0.05 * np.exp(-np.arange(minutes, 0, -1) / 60)
        pre_news = np.where(pre_jump != 0, 120 + (chance[0] * 170).astype(np.int64), -1)
        pre = self._build(rng, ordinal, rate, (self._after_hours(ordinal - 1), opening), (pre_jump, pre_news))
        _silence_auction(pre)
        minutes = (session.post_close - session.close) // MINUTE_NS
        rate = 0.002 + 0.06 * np.exp(-np.arange(minutes) / 40)
        post_news = np.where(post_jump != 0, 2 + (chance[1] * 40).astype(np.int64), -1)
        post = self._build(rng, ordinal, rate, (closing, self._after_hours(ordinal)), (post_jump, post_news))
        return ExtendedDay(pre, post, pre_news, post_news, pre_jump, post_jump)

    def _after_hours(self, ordinal: int) -> Floats:
        """Log price at which the evening after a session ends: part of the night's move, and news if it came then."""
        closing, opening = self._row(ordinal, "log_close"), self._row(ordinal + 1, "log_open")
        jump, evening = self._row(ordinal + 1, "gap_jump"), self._row(ordinal + 1, "gap_after_close")
        level: Floats = closing + _EVENING_SHARE * (opening - closing - jump) + np.where(evening, jump, 0.0)
        return level

    def _row(self, ordinal: int, name: str) -> Floats:
        values: Floats = getattr(self._chain.block(ordinal // BLOCK), name)[ordinal % BLOCK]
        return values

    def _build(
        self,
        rng: np.random.Generator,
        ordinal: int,
        rate: Floats,
        ends: tuple[Floats, Floats],
        news: tuple[Floats, Ints],
    ) -> Minutes:
        shape = (len(self._universe), rate.size)
        normals = rng.standard_normal((2, *shape), dtype=np.float32)
        noise = Noise(
            rng.standard_exponential((2, *shape), dtype=np.float32), rng.integers(0, 4, shape, dtype=np.uint8)
        )
        mids = self._mids(normals[0], rate, ends, news, self._row(ordinal, "sigma"))
        busy = self._universe.trades_per_minute[:, None] * rate * _crowd(news, rate.size, self._universe.sigma)
        trades = np.minimum(rng.poisson(busy), 200).astype(np.int32)
        spread = self._spread(mids.start, rate)
        minutes = columns(mids, spread, trades, noise)
        size = self._universe.mean_trade[:, None].astype(np.float32) * np.exp(0.6 * normals[1] - 1.2)
        minutes.volume[:] = np.maximum((trades * size).astype(np.int32), trades)
        return minutes

    def _mids(
        self, normals: Singles, rate: Floats, ends: tuple[Floats, Floats], news: tuple[Floats, Ints], sigma: Floats
    ) -> Mids:
        share = rate / rate.sum()
        step = np.sqrt(share).astype(np.float32)
        amplitude = (sigma * _QUIET).astype(np.float32)[:, None]
        jump, minute = news
        path = bridge(normals * step * amplitude, np.cumsum(share).astype(np.float32), ends[1] - ends[0] - jump)
        path += np.where(np.arange(rate.size) >= minute[:, None], jump[:, None], 0.0).astype(np.float32)
        first = np.exp(ends[0]).astype(np.float32)[:, None]
        end = first * np.exp(path)
        return Mids(np.concatenate([first, end[:, :-1]], axis=1), end, end * amplitude * step)

    def _spread(self, start: Singles, rate: Floats) -> Wholes:
        """Three times the regular spread next to regular hours, twelve times in the dead of the night."""
        universe = self._universe
        calm = np.maximum(universe.spread_ticks, 0.8)[:, None] * start / np.exp(universe.base_log)[:, None]
        wide = calm * (3 + 9 * (1 - rate / rate.max()))
        ticks: Wholes = np.maximum(1, np.rint(wide)).astype(np.int32)
        return ticks


def _silence_auction(pre: Minutes) -> None:
    """Nothing prints while the opening auction collects orders."""
    quiet = slice(-(OPENING_AUCTION_NS // (60 * SECOND_NS)), None)
    middle = np.rint(pre.end[:, quiet]).astype(np.int32)
    for prices in (pre.open, pre.high, pre.low, pre.close):
        prices[:, quiet] = middle
    pre.trades[:, quiet] = 0
    pre.volume[:, quiet] = 0


def _crowd(news: tuple[Floats, Ints], length: int, sigma: Floats) -> Floats:
    """How much busier each minute is for news just out: more for bigger moves, fading over a quarter of an hour."""
    jump, minute = news
    since = np.arange(length) - minute[:, None]
    fade = np.where((since >= 0) & (minute[:, None] >= 0), np.exp(-since.clip(0) / 15), 0.0)
    crowd: Floats = 1 + 10 * (np.abs(jump) / sigma)[:, None] * fade
    return crowd
