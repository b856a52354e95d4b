"""Averages and the bands and lines laid around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.own.lines import Line, Values, lag, price
from stockpulse_engine.indicators.own.memory import scan, ta, window
from stockpulse_engine.indicators.own.study import AVERAGES, OVERLAP, choice, own, real, whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


def _alma(length: int, offset: float, sigma: float) -> Sequence[Line]:
    """A Gaussian over the window, its top at `offset` of the way to the newest bar."""
    middle, width = offset * (length - 1), length / sigma
    weights = [math.exp(-((i - middle) ** 2) / (2 * width * width)) for i in range(length)]
    total = math.fsum(weights)

    def weighted(rows: FloatArray) -> FloatArray:
        import numpy as np

        return np.asarray((rows * (np.array(weights) / total)).sum(axis=-1))

    return (window(weighted, length, price("close")),)


def _mcginley(length: int, factor: float) -> Sequence[Line]:
    def advance(last: float | None, value: float) -> tuple[float, Values]:
        if last is None or last <= 0.0 or value <= 0.0:
            return value, (math.nan if last is None else value,)
        moved = last + (value - last) / (factor * length * (value / last) ** 4)
        return moved, (moved,)

    return scan(advance, None, price("close"))


def _envelope(length: int, percent: float, kind: int) -> Sequence[Line]:
    middle = ta("MA", price("close"), timeperiod=length, matype=kind)
    return middle + middle * (percent / 100), middle, middle - middle * (percent / 100)


def alligator_lines(jaw: int, teeth: int, lips: int, offsets: Sequence[int]) -> list[Line]:
    """Wilder averages of the median price, each drawn some bars later."""
    median = (price("high") + price("low")) / 2.0
    lengths = (jaw, teeth, lips)
    return [lag(ta("RMA", median, timeperiod=n), ahead) for n, ahead in zip(lengths, offsets, strict=True)]


def _alligator(jaw: int, teeth: int, lips: int, *offsets: int) -> Sequence[Line]:
    return alligator_lines(jaw, teeth, lips, offsets)


def _starc(length: int, multiplier: float, atr_length: int) -> Sequence[Line]:
    middle = ta("SMA", price("close"), timeperiod=length)
    reach = multiplier * ta("ATR", price("high"), price("low"), price("close"), timeperiod=atr_length)
    return middle + reach, middle, middle - reach


def _ichimoku(conversion: int, base: int, span: int) -> Sequence[Line]:
    high, low = price("high"), price("low")
    tenkan = ta("MIDPRICE", high, low, timeperiod=conversion)
    kijun = ta("MIDPRICE", high, low, timeperiod=base)
    leading = lag((tenkan + kijun) / 2.0, base)
    return tenkan, kijun, leading, lag(ta("MIDPRICE", high, low, timeperiod=span), base), price("close")


_Fractal = tuple[tuple[tuple[float, float], ...], float, float]
"""The last highs and lows, and the last confirmed fractal on either side."""


def _fractal_bands(reach: int) -> Sequence[Line]:
    """The last confirmed fractal's price on either side, from the bar that confirmed it."""
    length = 2 * reach + 1

    def advance(state: _Fractal, high: float, low: float) -> tuple[_Fractal, Values]:
        rows, upper, lower = state
        rows = (*rows, (high, low))[-length:]
        if len(rows) == length:
            top, bottom = rows[reach]
            others = rows[:reach] + rows[reach + 1 :]
            upper = top if all(top > one[0] for one in others) else upper
            lower = bottom if all(bottom < one[1] for one in others) else lower
        return (rows, upper, lower), (upper, lower)

    return scan(advance, ((), math.nan, math.nan), price("high"), price("low"), width=2)


_CLOUD = (whole("conversion", 9), whole("base", 26), whole("span", 52))

STUDIES = (
    own("ALMA", "Arnaud Legoux Moving Average", "close", "real", _alma, group=OVERLAP, is_overlay=True,
        parameters=(whole("timeperiod", 9), real("offset", 0.85, 0, 1), real("sigma", 6, 0.1, 100))),
    own("MCGINLEY", "McGinley Dynamic", "close", "real", _mcginley, group=OVERLAP, is_overlay=True,
        parameters=(whole("timeperiod", 10, 1), real("factor", 0.6, 0.01, 10))),
    own("ENVELOPE", "Moving Average Envelope", "close", "upperband middleband lowerband", _envelope, group=OVERLAP,
        is_overlay=True,
        parameters=(whole("timeperiod", 20), real("percent", 2.5, 0, 100), choice("matype", *AVERAGES))),
    own("ALLIGATOR", "Williams Alligator", "high low", "jaw teeth lips", _alligator, group=OVERLAP, is_overlay=True,
        tones=(0, 1, 2), ahead={"jaw": "jawoffset", "teeth": "teethoffset", "lips": "lipsoffset"},
        parameters=(whole("jaw", 13), whole("teeth", 8), whole("lips", 5),
                    whole("jawoffset", 8, 0), whole("teethoffset", 5, 0), whole("lipsoffset", 3, 0))),
    own("STARC", "STARC Bands", "high low close", "upperband middleband lowerband", _starc, group=OVERLAP,
        is_overlay=True, parameters=(whole("timeperiod", 6), real("multiplier", 2, 0, 100), whole("atrperiod", 15, 1))),
    own("ICHIMOKU", "Ichimoku Cloud", "high low close", "tenkan kijun senkoua senkoub chikou", _ichimoku,
        group=OVERLAP, is_overlay=True, parameters=_CLOUD, shifted={"chikou": "base"},
        ahead={"senkoua": "base", "senkoub": "base"},
        cloud=("senkoua", "senkoub"), tones=(0, 1, 2, 3, 0)),
    own("FCB", "Fractal Chaos Bands", "high low", "upperband lowerband", _fractal_bands, group=OVERLAP,
        is_overlay=True, parameters=(whole("reach", 2, 1, 100),)),
)  # fmt: skip
