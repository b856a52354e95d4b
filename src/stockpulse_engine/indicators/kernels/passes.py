"""The compiled pass over whole histories: one read of the bars, one write of each output.

Like `loops.py` this imports numba, so only `compiled.py` imports it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from stockpulse_engine.indicators.kernels import layout as at
from stockpulse_engine.indicators.kernels.loops import K9, K12, K20, K26, KEPT, NAN, jit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BLOCK = 256
SMA, EMA, RSI, MACD, SIGNAL, HIST, UPPER, LOWER, ATR, SLOWK, SLOWD, OBV, VWAP = range(at.WIDTH)


@jit
def band_pass(c: Floats, out: Floats, room: Floats) -> None:
    """SMA(20) and the bands of one instrument, in blocks: inner loops over neighbouring bars take several at once."""
    for n in range(min(19, len(c))):
        out[SMA, n] = out[UPPER, n] = out[LOWER, n] = NAN
    mean, square = room[0], room[1]
    for first in range(19, len(c), BLOCK):
        count = min(BLOCK, len(c) - first)
        for i in range(count):
            mean[i] = square[i] = 0.0
        for back in range(19, -1, -1):
            older = c[first - back : first - back + count]
            for i in range(count):
                mean[i] += older[i]
        for i in range(count):
            mean[i] /= 20.0
        for back in range(19, -1, -1):
            older = c[first - back : first - back + count]
            for i in range(count):
                square[i] += (older[i] - mean[i]) * (older[i] - mean[i])
        middle, upper, lower = out[SMA, first:], out[UPPER, first:], out[LOWER, first:]
        for i in range(count):
            reach = 2.0 * math.sqrt(square[i] / 20.0)
            middle[i] = mean[i]
            upper[i] = mean[i] + reach
            lower[i] = mean[i] - reach


@jit
def average_pass(c: Floats, out: Floats) -> None:
    """EMA(20), the MACD and its signal of one instrument."""
    ema = total = fast = slow = fast_total = slow_total = signal = signal_total = 0.0
    for n in range(min(34, len(c))):
        value = c[n]
        if n < 20:
            total += value
            ema = total / 20.0
        else:
            ema += (value - ema) * K20
        if n < 26:
            fast_total += value if n >= 14 else 0.0
            slow_total += value
            fast, slow = fast_total / 12.0, slow_total / 26.0
        else:
            fast += (value - fast) * K12
            slow += (value - slow) * K26
        if n >= 25:
            signal_total += fast - slow
            signal = signal_total / 9.0
        is_told = n >= 33
        out[EMA, n] = ema if n >= 19 else NAN
        out[MACD, n] = fast - slow if is_told else NAN
        out[SIGNAL, n] = signal if is_told else NAN
        out[HIST, n] = fast - slow - signal if is_told else NAN
    for n in range(34, len(c)):
        value = c[n]
        ema += (value - ema) * K20
        fast += (value - fast) * K12
        slow += (value - slow) * K26
        macd = fast - slow
        signal += (macd - signal) * K9
        out[EMA, n] = ema
        out[MACD, n] = macd
        out[SIGNAL, n] = signal
        out[HIST, n] = macd - signal


@jit
def change_pass(h: Floats, low: Floats, c: Floats, v: Floats, out: Floats) -> bool:
    """RSI(14), ATR(14), OBV and VWAP of one instrument; False when a bar was no number, for all sums would be none."""
    gain = loss = reach = volume = paid = traded = 0.0
    last = c[0] if len(c) else 0.0
    rsi, atr, obv, vwap = out[RSI], out[ATR], out[OBV], out[VWAP]
    for n in range(len(c)):
        change = c[n] - last
        up = max(0.0, change)
        down = up - change
        above, below = (max(last, h[n])), (min(last, low[n]))
        last = c[n]
        signed = v[n] if change > 0.0 or n == 0 else -v[n]
        volume += signed if change != 0.0 or n == 0 else 0.0
        paid += (h[n] + low[n] + c[n]) / 3.0 * v[n]
        traded += v[n]
        kept = KEPT if n > 14 else 1.0
        share = 1.0 / 14.0 if n > 0 else 0.0
        gain = gain * kept + up * share
        loss = loss * kept + down * share
        reach = reach * kept + (above - below) * share
        both = gain + loss
        is_told = n >= 14
        rsi[n] = (100.0 * (gain / both) if both > 0.0 else 0.0) if is_told else NAN
        atr[n] = reach if is_told else NAN
        obv[n] = volume
        vwap[n] = paid / traded if traded > 0.0 else NAN
    return math.isfinite(paid + traded)


@jit
def stochastic_pass(h: Floats, low: Floats, c: Floats, out: Floats, room: Floats) -> None:
    """STOCH(14,3,3) of one instrument, a block at a time; each block begins four bars early, for the two averages."""
    for n in range(min(17, len(c))):
        out[SLOWK, n] = out[SLOWD, n] = NAN
    tops, bottoms, pairs, raw = room[0], room[1], room[2], room[3]
    for first in range(17, len(c), BLOCK):
        count = min(BLOCK, len(c) - first)
        highest(h[first - 17 : first + count], tops, pairs)
        lowest(low[first - 17 : first + count], bottoms, pairs)
        close = c[first - 4 : first + count]
        for i in range(count + 4):
            span = tops[i] - bottoms[i]
            raw[i] = 100.0 * (close[i] - bottoms[i]) / span if span > 0.0 else 0.0
        for i in range(count + 2):
            tops[i] = (raw[i] + raw[i + 1] + raw[i + 2]) / 3.0
        slow_k, slow_d = out[SLOWK, first : first + count], out[SLOWD, first : first + count]
        for i in range(count):
            slow_k[i] = tops[i + 2]
            slow_d[i] = (tops[i] + tops[i + 1] + tops[i + 2]) / 3.0


@jit
def highest(values: Floats, made: Floats, pairs: Floats) -> None:
    """The highest of each fourteen neighbours: of two, of four, of eight, of two eights that overlap."""
    count = len(values)
    for i in range(count - 1):
        pairs[i] = max(values[i], values[i + 1])
    for i in range(count - 3):
        made[i] = max(pairs[i], pairs[i + 2])
    for i in range(count - 7):
        pairs[i] = max(made[i], made[i + 4])
    for i in range(count - 13):
        made[i] = max(pairs[i], pairs[i + 6])


@jit
def lowest(values: Floats, made: Floats, pairs: Floats) -> None:
    """The lowest of each fourteen neighbours, as `highest`."""
    count = len(values)
    for i in range(count - 1):
        pairs[i] = min(values[i], values[i + 1])
    for i in range(count - 3):
        made[i] = min(pairs[i], pairs[i + 2])
    for i in range(count - 7):
        pairs[i] = min(made[i], made[i + 4])
    for i in range(count - 13):
        made[i] = min(pairs[i], pairs[i + 6])


@jit
def run(h: Floats, low: Floats, c: Floats, v: Floats, out: Floats) -> int:
    """All nine of each instrument: tables of instruments × bars in, instruments × outputs × bars out.

    Gives the first instrument with a bar that is no number, -1 when there is none.
    """
    room = np.empty((4, BLOCK + 20))
    for k in range(len(c)):
        band_pass(c[k], out[k], room)
        average_pass(c[k], out[k])
        stochastic_pass(h[k], low[k], c[k], out[k], room)
        if not change_pass(h[k], low[k], c[k], v[k], out[k]):
            return k
    return -1
