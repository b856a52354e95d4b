"""What the nine are, and where each number of an instrument's state lies. Pure: neither numpy nor numba."""

from __future__ import annotations

OUTPUTS = (
    "sma20", "ema20", "rsi14", "macd", "macdsignal", "macdhist", "upperband", "lowerband", "atr14", "slowk", "slowd",
    "obv", "vwap",
)  # fmt: skip
"""What is told of each instrument, in this order: SMA(20), EMA(20), RSI(14), MACD(12,26,9), BBANDS(20,2), ATR(14),
STOCH(14,3,3), OBV, VWAP of the session. The middle band is the SMA."""

WIDTH = len(OUTPUTS)
SMA, EMA, RSI, MACD, SIGNAL, HIST, UPPER, LOWER, ATR, SLOWK, SLOWD, OBV, VWAP = range(WIDTH)
WARM = 34
"""Bars until the last of the nine (the MACD's signal) has a value."""

# An instrument's state: one row of numbers, so that all of it is saved and brought back by one copy.
(COUNT, LAST, EMA20, SUM20, FAST, SLOW, SUM_FAST, SUM_SLOW) = range(8)
(SIG, SUM_SIG, GAIN, LOSS, RANGE, VOLUME, PAID, TRADED) = range(8, 16)
CLOSES = 16
HIGHS = CLOSES + 20
LOWS = HIGHS + 14
RAW_K = LOWS + 14
SMOOTH_K = RAW_K + 3
TOLD = SMOOTH_K + 3
"""Where what is told of the instrument stands."""
STATE_WIDTH = TOLD + WIDTH
