"""Renko bricks, and two candles told by the size of their body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from stockpulse_engine.indicators.own.lines import Line, Values, each, price
from stockpulse_engine.indicators.own.memory import scan
from stockpulse_engine.indicators.own.study import OVERLAP, PATTERN, own, real

_ALMOST = 1e-9
"""A price this close (in bricks) to a whole number of them has reached it."""

Candle = tuple[float, float, float, float]
"""High, low, close and volume of a bar."""


class Brick(msgspec.Struct, frozen=True):
    """One brick; high, low and volume are those of the bars since the brick before, shared among a bar's bricks."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    bar: int
    """Number of the bar that made it."""

    @property
    def is_up(self) -> bool:
        """Whether it rose."""
        return self.close > self.open


class _Wall(msgspec.Struct, frozen=True):
    """The last brick's open and close; the high, low and volume since; the number of the bar."""

    open: float
    close: float
    high: float = float("-inf")
    low: float = float("inf")
    volume: float = 0.0
    bar: int = 0


def renko_bricks(candles: Iterable[Candle], size: float) -> list[Brick]:
    """The bricks of a series of bars; the first stands on `renko_base` of the first close."""
    made: list[Brick] = []
    wall: _Wall | None = None
    for candle in candles:
        wall, bricks = _build(wall, candle, size)
        made += bricks
    return made


def renko_base(close: float, size: float) -> float:
    """The first close rounded (half to even) to one decimal less than the brick's size is written with."""
    places = len(repr(float(size)).partition(".")[2])
    return float(round(Decimal(repr(close)), max(0, places - 1)))


def _build(wall: _Wall | None, candle: Candle, size: float) -> tuple[_Wall, list[Brick]]:
    high, low, close, volume = candle
    if wall is None:
        base = renko_base(close, size)
        return _Wall(base, base), []
    high, low, volume = max(wall.high, high), min(wall.low, low), wall.volume + volume
    top, bottom = max(wall.open, wall.close), min(wall.open, wall.close)
    reach = close - top if close > top else close - bottom if close < bottom else 0.0
    count = int(abs(reach) / size + _ALMOST)
    step, edge = (size, top) if reach > 0 else (-size, bottom)
    share, bar = volume / max(1, count), wall.bar + 1
    bricks = [Brick(edge + i * step, high, low, edge + (i + 1) * step, share, bar) for i in range(count)]
    if not bricks:
        return _Wall(wall.open, wall.close, high, low, volume, bar), []
    return _Wall(bricks[-1].open, bricks[-1].close, bar=bar), bricks


def _renko(size: float) -> Sequence[Line]:
    def advance(wall: _Wall | None, high: float, low: float, close: float) -> tuple[_Wall, Values]:
        wall, _ = _build(wall, (high, low, close, 0.0), size)
        return wall, (wall.open, wall.close)

    return scan(advance, None, price("high"), price("low"), price("close"), width=2)


def _doji(percent: float) -> Sequence[Line]:
    """100 where open and close differ by no more than so many percent of the open."""

    def match(opened: Any, close: Any) -> Any:
        return 100.0 * ((abs(close / opened - 1.0) <= percent / 100) & (opened != 0.0))

    return (each(match, price("open"), price("close")),)


def _marubozu(percent: float) -> Sequence[Line]:
    """±100 where the body is at least so many percent of the whole candle."""

    def match(opened: Any, high: Any, low: Any, close: Any) -> Any:
        body, span = close - opened, high - low
        is_full = (abs(body) >= span * (percent / 100)) & (body != 0.0)
        return 100.0 * is_full * ((body > 0) * 2.0 - 1.0)

    return (each(match, *(price(name) for name in ("open", "high", "low", "close"))),)


STUDIES = (
    own("RENKO", "Renko: the Last Brick", "high low close", "brickopen brickclose", _renko, group=OVERLAP,
        is_overlay=True, tones=(1, 0), parameters=(real("size", 1, 1e-6, 1e6),)),
    own("DOJIPCT", "Doji by Percent", "open close", "integer", _doji, group=PATTERN, is_overlay=False,
        is_pattern=True, parameters=(real("percent", 0.1, 0, 100),)),
    own("MARUBOZUPCT", "Marubozu by Percent", "open high low close", "integer", _marubozu, group=PATTERN,
        is_overlay=False, is_pattern=True, parameters=(real("percent", 95, 1, 100),)),
)  # fmt: skip
