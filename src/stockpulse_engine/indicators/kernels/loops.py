"""The compiled loops. Importing this module imports numba: only `compiled.py` does, when kernels are first asked for.

The arithmetic follows TA-Lib's order of operations, so that both say the same; the bands are reckoned from the whole
window each time, which neither drifts nor leaves a rest after a jump.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba

from stockpulse_engine.indicators.kernels import layout as at

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

jit: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(cache=True, nogil=True, error_model="numpy")
NAN = math.nan
(COUNT, LAST, EMA20, SUM20, FAST, SLOW, SUM_FAST, SUM_SLOW) = range(8)
(SIG, SUM_SIG, GAIN, LOSS, RANGE, VOLUME, PAID, TRADED) = range(8, 16)
CLOSES, HIGHS, LOWS, RAW_K, SMOOTH_K, TOLD = at.CLOSES, at.HIGHS, at.LOWS, at.RAW_K, at.SMOOTH_K, at.TOLD
SMA, EMA, RSI, MACD, SIGNAL, HIST, UPPER, LOWER, ATR, SLOWK, SLOWD, OBV, VWAP = range(TOLD, TOLD + at.WIDTH)
KEPT = 13.0 / 14.0
K20, K12, K26, K9 = 2.0 / 21.0, 2.0 / 13.0, 2.0 / 27.0, 2.0 / 10.0


@jit
def mean_and_deviation(values: Floats, first: int) -> tuple[float, float]:
    """Of twenty values from `first` on. Four sums side by side: they do not wait for one another."""
    a = b = c = d = 0.0
    for i in range(first, first + 20, 4):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
    mean = ((a + b) + (c + d)) / 20.0
    a = b = c = d = 0.0
    for i in range(first, first + 20, 4):
        a += (values[i] - mean) * (values[i] - mean)
        b += (values[i + 1] - mean) * (values[i + 1] - mean)
        c += (values[i + 2] - mean) * (values[i + 2] - mean)
        d += (values[i + 3] - mean) * (values[i + 3] - mean)
    return mean, math.sqrt(((a + b) + (c + d)) / 20.0)


@jit
def averages(s: Floats, n: int, c: float) -> None:
    """EMA(20), the MACD and its signal."""
    if n < 20:
        s[SUM20] += c
        s[EMA20] = s[SUM20] / 20.0
    else:
        s[EMA20] += (c - s[EMA20]) * K20
    s[EMA] = s[EMA20] if n >= 19 else NAN
    if n < 26:
        s[SUM_SLOW] += c
        s[SUM_FAST] += c if n >= 14 else 0.0
        s[FAST] = s[SUM_FAST] / 12.0
        s[SLOW] = s[SUM_SLOW] / 26.0
    else:
        s[FAST] += (c - s[FAST]) * K12
        s[SLOW] += (c - s[SLOW]) * K26
    macd = s[FAST] - s[SLOW]
    if 25 <= n < 34:
        s[SUM_SIG] += macd
        s[SIG] = s[SUM_SIG] / 9.0
    elif n >= 34:
        s[SIG] += (macd - s[SIG]) * K9
    is_told = n >= 33
    s[MACD] = macd if is_told else NAN
    s[SIGNAL] = s[SIG] if is_told else NAN
    s[HIST] = macd - s[SIG] if is_told else NAN


@jit
def changes(s: Floats, n: int, h: float, low: float, c: float, v: float) -> None:
    """RSI(14), ATR(14) and OBV: what looks back one bar."""
    last = s[LAST] if n > 0 else c
    change = c - last
    up = max(0.0, change)
    above, below = (max(last, h)), (min(last, low))
    kept = KEPT if n > 14 else 1.0
    share = 1.0 / 14.0 if n > 0 else 0.0
    s[GAIN] = s[GAIN] * kept + up * share
    s[LOSS] = s[LOSS] * kept + (up - change) * share
    s[RANGE] = s[RANGE] * kept + (above - below) * share
    both = s[GAIN] + s[LOSS]
    s[RSI] = (100.0 * (s[GAIN] / both) if both > 0.0 else 0.0) if n >= 14 else NAN
    s[ATR] = s[RANGE] if n >= 14 else NAN
    signed = v if change > 0.0 or n == 0 else -v
    s[VOLUME] += signed if change != 0.0 or n == 0 else 0.0
    s[OBV] = s[VOLUME]


@jit
def stochastic(s: Floats, n: int, h: float, low: float, c: float) -> None:
    """STOCH(14,3,3) from the last highs and lows."""
    place = n % 14
    s[HIGHS + place] = h
    s[LOWS + place] = low
    s[SLOWK] = s[SLOWD] = NAN
    if n < 13:
        return
    top, bottom = h, low
    for i in range(14):
        top = max(top, s[HIGHS + i])
        bottom = min(bottom, s[LOWS + i])
    s[RAW_K + n % 3] = 100.0 * (c - bottom) / (top - bottom) if top > bottom else 0.0
    if n < 15:
        return
    smooth = (s[RAW_K] + s[RAW_K + 1] + s[RAW_K + 2]) / 3.0
    s[SMOOTH_K + n % 3] = smooth
    if n >= 17:
        s[SLOWK] = smooth
        s[SLOWD] = (s[SMOOTH_K] + s[SMOOTH_K + 1] + s[SMOOTH_K + 2]) / 3.0


@jit
def step(s: Floats, h: float, low: float, c: float, v: float) -> None:
    """One bar of one instrument: `s` is its state, at the end of which stands what is told of it."""
    n = int(s[COUNT])
    s[CLOSES + n % 20] = c
    s[SMA] = s[UPPER] = s[LOWER] = NAN
    if n >= 19:
        mean, deviation = mean_and_deviation(s, CLOSES)
        s[SMA] = mean
        s[UPPER] = mean + 2.0 * deviation
        s[LOWER] = mean - 2.0 * deviation
    averages(s, n, c)
    changes(s, n, h, low, c, v)
    stochastic(s, n, h, low, c)
    s[PAID] += (h + low + c) / 3.0 * v
    s[TRADED] += v
    s[VWAP] = s[PAID] / s[TRADED] if s[TRADED] > 0.0 else NAN
    s[COUNT] = n + 1.0
    s[LAST] = c


@jit
def first_bad(size: int, rows: Ints, h: Floats, low: Floats, c: Floats, v: Floats) -> int:
    """The first bar that must not be taken: a row that is not there, a number that is not finite; -1 when all may."""
    for i in range(len(rows)):
        if rows[i] < 0 or rows[i] >= size or not math.isfinite(h[i] + low[i] + c[i] + v[i]):
            return i
    return -1


@jit
def take(state: Floats, rows: Ints, h: Floats, low: Floats, c: Floats, v: Floats) -> int:
    """A frame of closed bars; nothing is taken when one is bad, and its place is returned."""
    bad: int = first_bad(len(state), rows, h, low, c, v)
    if bad < 0:
        for i in range(len(rows)):
            step(state[rows[i]], h[i], low[i], c[i], v[i])
    return bad


@jit
def look(state: Floats, out: Floats, rows: Ints, h: Floats, low: Floats, c: Floats, v: Floats) -> int:
    """The same on copies of the states, given in `out`: what would be told if these bars closed now."""
    bad: int = first_bad(len(state), rows, h, low, c, v)
    if bad < 0:
        for i in range(len(rows)):
            out[i] = state[rows[i]]
            step(out[i], h[i], low[i], c[i], v[i])
    return bad


@jit
def take_one(state: Floats, row: int, h: float, low: float, c: float, v: float) -> int:
    """One bar of one instrument; 0 when it must not be taken, else -1."""
    if row < 0 or row >= len(state) or not math.isfinite(h + low + c + v):
        return 0
    step(state[row], h, low, c, v)
    return -1
