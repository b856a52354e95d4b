"""Momentum studies in a pane of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.own.averages import alligator_lines
from stockpulse_engine.indicators.own.lines import Line, Values, each, lag, price
from stockpulse_engine.indicators.own.memory import scan, ta, window
from stockpulse_engine.indicators.own.study import MOMENTUM, STATISTIC, VOLUME, own, real, whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_CLIP, _CLIPPED = 0.99, 0.999
"""Where Ehlers cuts the transformed price, and what he cuts it to."""


def _gator() -> Sequence[Line]:
    jaw, teeth, lips = alligator_lines(13, 8, 5, (8, 5, 3))
    return abs(jaw - teeth), -abs(teeth - lips)


def _connors(rsi: int, streak: int, rank: int) -> Sequence[Line]:
    """The mean of three: a short RSI, the RSI of the length of the run up or down, the rank of the last change."""
    close = price("close")
    run = scan(_run_on, None, close)[0]
    change = (close - lag(close, 1)) / lag(close, 1)
    parts = (
        ta("RSI", close, timeperiod=rsi),
        ta("RSI", run, timeperiod=streak),
        window(_rank_of_last, rank + 1, change),
    )
    return ((parts[0] + parts[1] + parts[2]) / 3.0, *parts)


def _run_on(state: tuple[float, float] | None, value: float) -> tuple[tuple[float, float], Values]:
    """The state is the last price and the signed length of the run."""
    if state is None or value == state[0]:
        return (value, 0.0), (0.0,)
    sign = 1.0 if value > state[0] else -1.0
    run = state[1] + sign if state[1] * sign > 0 else sign
    return (value, run), (run,)


def _rank_of_last(rows: FloatArray) -> FloatArray:
    """How many in a hundred of the earlier values lie below the last one; NaN where one is missing."""
    import numpy as np

    below = (rows[:, :-1] < rows[:, -1:]).sum(axis=-1)
    return np.where(np.isfinite(rows).all(axis=-1), 100.0 * below / (rows.shape[-1] - 1), np.nan)


def _fisher(length: int) -> Sequence[Line]:
    """Ehlers' transform of where the median price stands in its range, smoothed; from the first bar on."""

    def advance(state: tuple[Values, float, float], value: float) -> tuple[tuple[Values, float, float], Values]:
        kept, smooth, last = (*state[0], value)[-length:], state[1], state[2]
        if not state[0]:
            return (kept, 0.0, 0.0), (0.0, math.nan)
        low, high = min(kept), max(kept)
        smooth = 0.66 * ((value - low) / (high - low) - 0.5) + 0.67 * smooth if high > low else 0.0
        smooth = math.copysign(_CLIPPED, smooth) if abs(smooth) > _CLIP else smooth
        moved = 0.5 * math.log((1 + smooth) / (1 - smooth)) + 0.5 * last
        return (kept, smooth, moved), (moved, last)

    return scan(advance, ((), 0.0, 0.0), (price("high") + price("low")) / 2.0, width=2)


def _schaff(cycle: int, fast: int, slow: int) -> Sequence[Line]:
    """Where the MACD stands in its own range, smoothed over three bars."""
    close = price("close")
    macd = ta("EMA", close, timeperiod=fast) - ta("EMA", close, timeperiod=slow)
    low, high = ta("MIN", macd, timeperiod=cycle), ta("MAX", macd, timeperiod=cycle)
    return (ta("SMA", 100.0 * (macd - low) / (high - low), timeperiod=3),)


def _roc_bands(length: int, smooth: int, deviation: int) -> Sequence[Line]:
    import numpy as np

    roc = ta("ROC", price("close"), timeperiod=length)
    mean_square = ta("SUM", roc * roc, timeperiod=deviation) / float(deviation)
    reach = each(lambda value: np.sqrt(np.maximum(value, 0.0)), mean_square)
    return roc, ta("EMA", roc, timeperiod=smooth), reach, -reach


def _volume_oscillator(fast: int, slow: int, signal: int) -> Sequence[Line]:
    volume = price("volume")
    slow_line = ta("EMA", volume, timeperiod=slow)
    line = 100.0 * (ta("EMA", volume, timeperiod=fast) - slow_line) / slow_line
    mean = ta("EMA", line, timeperiod=signal)
    return line, mean, line - mean


def _percent_b(length: int, width: float) -> Sequence[Line]:
    middle, reach = _middle_and_reach(length, width)
    return ((price("close") - (middle - reach)) / (2.0 * reach),)


def _band_width(length: int, width: float) -> Sequence[Line]:
    middle, reach = _middle_and_reach(length, width)
    return ((2.0 * reach) / middle,)


def _z_score(length: int) -> Sequence[Line]:
    middle, reach = _middle_and_reach(length, 1.0)
    return ((price("close") - middle) / reach,)


def _middle_and_reach(length: int, width: float) -> tuple[Line, Line]:
    close = price("close")
    return ta("SMA", close, timeperiod=length), ta("STDDEV", close, timeperiod=length, nbdev=width)


def _percent_error(length: int) -> Sequence[Line]:
    import numpy as np

    def error(rows: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((np.abs(rows - rows.mean(axis=-1, keepdims=True)) / rows).mean(axis=-1))

    return (window(error, length, price("close")),)


def _fast_below_slow(*values: float) -> str:
    return "" if values[-2] < values[-1] else "the fast period must be shorter than the slow one"


def _fast_first(fast: int, slow: int, signal: int) -> str:
    del signal
    return _fast_below_slow(fast, slow)


_BANDS = (whole("timeperiod", 20), real("nbdev", 2, 0.01, 100))

STUDIES = (
    own("GATOR", "Gator Oscillator", "high low", "upper lower", _gator, group=MOMENTUM, is_overlay=False, levels=(0,),
        columns=("upper", "lower")),
    own("CRSI", "ConnorsRSI", "close", "crsi rsi streakrsi percentrank", _connors, group=MOMENTUM, is_overlay=False,
        parameters=(whole("rsiperiod", 3), whole("streakperiod", 2), whole("rankperiod", 100)), levels=(10, 90),
        hidden=("rsi", "streakrsi", "percentrank")),
    own("FISHER", "Fisher Transform", "high low", "fisher trigger", _fisher, group=MOMENTUM, is_overlay=False,
        parameters=(whole("timeperiod", 10, 1),), levels=(0,)),
    own("STC", "Schaff Trend Cycle", "close", "real", _schaff, group=MOMENTUM, is_overlay=False, levels=(25, 75),
        parameters=(whole("cycle", 10), whole("fastperiod", 23), whole("slowperiod", 50)), refuse=_fast_below_slow),
    own("ROCBANDS", "Rate of Change with Bands", "close", "roc rocema upperband lowerband", _roc_bands, group=MOMENTUM,
        is_overlay=False, levels=(0,),
        parameters=(whole("timeperiod", 20, 1), whole("emaperiod", 5), whole("devperiod", 5))),
    own("PVOS", "Percentage Volume Oscillator with Signal", "volume", "pvo signal histogram", _volume_oscillator,
        group=VOLUME, is_overlay=False, levels=(0,), refuse=_fast_first, columns=("histogram",),
        parameters=(whole("fastperiod", 12), whole("slowperiod", 26), whole("signalperiod", 9))),
    own("PERCENTB", "Bollinger %B", "close", "real", _percent_b, group=MOMENTUM, is_overlay=False, levels=(0, 1),
        parameters=_BANDS),
    own("BANDWIDTH", "Bollinger Band Width", "close", "real", _band_width, group=STATISTIC, is_overlay=False,
        parameters=_BANDS),
    own("ZSCORE", "Standard Score of the Close", "close", "real", _z_score, group=STATISTIC, is_overlay=False,
        parameters=(whole("timeperiod", 20),), levels=(-2, 0, 2)),
    own("MAPE", "Mean Absolute Percentage Error around the Average", "close", "real", _percent_error, group=STATISTIC,
        is_overlay=False, parameters=(whole("timeperiod", 20),)),
)  # fmt: skip
