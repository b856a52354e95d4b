"""Trailing stops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stockpulse_engine.indicators.own.lines import Line, Values, lag, price
from stockpulse_engine.indicators.own.memory import scan, ta
from stockpulse_engine.indicators.own.study import OVERLAP, choice, own, real, whole

_HIGH_LOW = 1


def _chandelier(length: int, multiplier: float) -> Sequence[Line]:
    high, low = price("high"), price("low")
    reach = multiplier * ta("ATR", high, low, price("close"), timeperiod=length)
    return ta("MAX", high, timeperiod=length) - reach, ta("MIN", low, timeperiod=length) + reach


def _atr_stop(length: int, multiplier: float, ends: int) -> Sequence[Line]:
    high, low, close = price("high"), price("low"), price("close")
    reach = multiplier * ta("ATR", high, low, close, timeperiod=length)
    above, below = (high, low) if ends == _HIGH_LOW else (close, close)
    return scan(_trail, None, above + reach, below - reach, close, lag(close, 1), width=4)


_Trail = tuple[bool, float, float]
"""Whether it is long, and the two bands."""


def _trail(state: _Trail | None, above: float, below: float, close: float, last: float) -> tuple[_Trail, Values]:
    """Each band only comes nearer until the price closes beyond it; the stop is the band on the other side."""
    is_long, upper, lower = state if state is not None else (close >= last, math.inf, -math.inf)
    upper = above if above < upper or last > upper else upper
    lower = below if below > lower or last < lower else lower
    is_long = close > (lower if is_long else upper)
    sides = (math.nan, lower) if is_long else (upper, math.nan)
    return (is_long, upper, lower), (lower if is_long else upper, *sides, 1.0 if is_long else -1.0)


def _volatility_stop(length: int, multiplier: float) -> Sequence[Line]:
    """Wilder's: the best close of the move, less (or plus) the range of the bar before, until a close beyond it."""
    close = price("close")
    reach = multiplier * lag(ta("ATR", price("high"), price("low"), close, timeperiod=length), 1)
    best, worst = (lag(ta(name, close, timeperiod=length + 1), 1) for name in ("MAX", "MIN"))
    return scan(_reverse, None, close, reach, best, worst, lag(close, 2), lag(close, length + 1), width=2)


_Reversal = tuple[bool, float, bool]
"""Whether it is long, the best close of the move, whether the first stop (until which the side is a guess) is past."""


def _reverse(state: _Reversal | None, close: float, reach: float, *start: float) -> tuple[_Reversal, Values]:
    if state is None:
        best, worst, before, first = start
        state = (before > first, best if before > first else worst, False)
    is_long, best_close, is_sure = state
    stop = best_close - reach if is_long else best_close + reach
    is_hit = close < stop if is_long else close > stop
    if is_hit:
        moved = (not is_long, close, True)
    else:
        moved = (is_long, max(best_close, close) if is_long else min(best_close, close), is_sure)
    return moved, (stop, float(is_hit)) if is_sure else (math.nan, math.nan)


STUDIES = (
    own("CHANDELIER", "Chandelier Exit", "high low close", "long short", _chandelier, group=OVERLAP, is_overlay=True,
        tones=(0, 1),
        parameters=(whole("timeperiod", 22), real("multiplier", 3, 0, 100))),
    own("ATRSTOP", "ATR Trailing Stop", "high low close", "stop buystop sellstop trend", _atr_stop, group=OVERLAP,
        is_overlay=True, hidden=("buystop", "sellstop", "trend"), split="trend",
        parameters=(whole("timeperiod", 21), real("multiplier", 3, 0, 100), choice("ends", "close", "highlow"))),
    own("VOLSTOP", "Wilder's Volatility Stop", "high low close", "stop isstop", _volatility_stop, group=OVERLAP,
        is_overlay=True, hidden=("isstop",), parameters=(whole("timeperiod", 7), real("multiplier", 3, 0, 100))),
)  # fmt: skip
