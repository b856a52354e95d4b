"""Studies that begin anew with a session, a week, a month or a chosen date: volume-weighted prices and pivot points.

The series `session` holds the day number (proleptic Gregorian, as `date.toordinal` counts) of the trading session a
bar belongs to; weeks begin on Monday.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from stockpulse_engine.indicators.own.lines import Line, Values, each, lag, price
from stockpulse_engine.indicators.own.memory import scan, ta
from stockpulse_engine.indicators.own.study import LONGEST, OVERLAP, choice, own, real, whole

_PERIODS = ("session", "week", "month", "year", "first")
_KINDS = ("standard", "camarilla", "demark", "fibonacci", "woodie")
_LEVELS = "pp s1 s2 s3 s4 r1 r2 r3 r4"
_CAMARILLA, _DEMARK, _FIBONACCI, _WOODIE = 1, 2, 3, 4
_NOTHING = (math.nan,) * 9
_LAST_DATE = 29_991_231


@lru_cache(maxsize=8192)
def period_of(session: float, kind: int) -> int:
    """The number of the session, week, month or year a day is in; 0 for all of time."""
    day = int(session)
    if kind == 0:
        return day
    if kind == 1:
        return (day - 1) // 7
    if kind == len(_PERIODS) - 1:
        return 0
    date = dt.date.fromordinal(day)
    return date.year * 12 + date.month if kind == 2 else date.year  # noqa: PLR2004 - the place of "month" in the choices


# -- volume-weighted prices

_Weighted = tuple[int, float, float, float]
"""The period, the sum of price by volume, the volume, the weighted sum of squared distances from the mean."""


def _weigh(state: _Weighted | None, period: int, value: float, volume: float) -> tuple[_Weighted, Values]:
    if state is None or state[0] != period:
        state = (period, 0.0, 0.0, 0.0)
    _, money, total, spread = state
    before = money / total if total > 0 else value
    money, total = money + value * volume, total + volume
    if total <= 0:
        return (period, money, total, spread), (math.nan, math.nan)
    mean = money / total
    spread = max(0.0, spread + volume * (value - before) * (value - mean))
    return (period, money, total, spread), (mean, math.sqrt(spread / total))


def _weighted(anchor: int) -> tuple[Line, ...]:
    typical = (price("high") + price("low") + price("close")) / 3.0

    def advance(state: _Weighted | None, value: float, volume: float, session: float) -> tuple[_Weighted, Values]:
        return _weigh(state, period_of(session, anchor), value, volume)

    return scan(advance, None, typical, price("volume"), price("session"), width=2)


def _vwap(anchor: int) -> Sequence[Line]:
    return (_weighted(anchor)[0],)


def _vwap_bands(anchor: int, nbdev: float) -> Sequence[Line]:
    mean, deviation = _weighted(anchor)
    return mean + nbdev * deviation, mean, mean - nbdev * deviation


def _anchored(anchor: int) -> Sequence[Line]:
    """From the first bar of a date on; nothing when the bars held begin later, for it would be another price."""
    start = _date(anchor).toordinal() if anchor else 0
    typical = (price("high") + price("low") + price("close")) / 3.0

    def advance(state: Any, value: float, volume: float, session: float) -> tuple[Any, Values]:
        is_whole, weighted = state if state is not None else (session <= start or not start, None)
        if not is_whole or session < start:
            return (is_whole, weighted), (math.nan,)
        weighted, made = _weigh(weighted, 0, value, volume)
        return (is_whole, weighted), made[:1]

    return scan(advance, None, typical, price("volume"), price("session"))


def _refuse_date(anchor: int) -> str:
    try:
        _date(anchor or 20000101)
    except ValueError:
        return f"{anchor} is no date; write it like 20131007"
    return ""


def _date(number: int) -> dt.date:
    return dt.date(number // 10_000, number // 100 % 100, number % 100)


def _moving_vwap(length: int, source: int) -> Sequence[Line]:
    opened, high, low, close = (price(name) for name in ("open", "high", "low", "close"))
    value = ((high + low + close) / 3.0, (opened + high + low + close) / 4.0, close)[source]
    volume = price("volume")
    return (ta("SUM", value * volume, timeperiod=length) / ta("SUM", volume, timeperiod=length),)


# -- pivot points


def pivot_levels(kind: int, opened: Any, high: Any, low: Any, close: Any) -> tuple[Any, ...]:
    """The nine levels of one of the kinds, NaN for those it does not have; for numbers and arrays alike."""
    if kind == _CAMARILLA:
        return _camarilla(high, low, close)
    if kind == _DEMARK:
        return _demark(opened, high, low, close)
    nothing = close * math.nan
    span = high - low
    if kind == _FIBONACCI:
        middle = (high + low + close) / 3.0
        below, above = ([middle + side * part * span for part in (0.382, 0.618, 1.0)] for side in (-1.0, 1.0))
    else:
        middle = (high + low + 2.0 * opened) / 4.0 if kind == _WOODIE else (high + low + close) / 3.0
        below = [middle * 2.0 - high, middle - span, low - 2.0 * (high - middle)]
        above = [middle * 2.0 - low, middle + span, high + 2.0 * (middle - low)]
    return (middle, *below, nothing, *above, nothing)


def _camarilla(high: Any, low: Any, close: Any) -> tuple[Any, ...]:
    parts = [1.1 / part * (high - low) for part in (12.0, 6.0, 4.0, 2.0)]
    return (close, *(close - part for part in parts), *(close + part for part in parts))


def _demark(opened: Any, high: Any, low: Any, close: Any) -> tuple[Any, ...]:
    import numpy as np

    falling, rising = high + 2.0 * low + close, 2.0 * high + low + close
    whole_sum = np.where(close < opened, falling, np.where(close > opened, rising, high + low + 2.0 * close))
    nothing = close * math.nan
    lines = (whole_sum / 4.0, whole_sum / 2.0 - high, whole_sum / 2.0 - low)
    return (lines[0], lines[1], nothing, nothing, nothing, lines[2], nothing, nothing, nothing)


def _pivots(period: int, kind: int) -> Sequence[Line]:
    """The levels of the period before: from its high, low and close (and the open, as the kind wants it)."""

    def advance(state: Any, opened: float, high: float, low: float, close: float, session: float) -> tuple[Any, Values]:  # noqa: PLR0917 - one value per series
        number = period_of(session, period)
        if state is None:
            return (number, (opened, high, low, close), _NOTHING), _NOTHING
        known, bar, levels = state
        if known != number:
            first = opened if kind == _WOODIE else bar[0]
            levels = tuple(float(one) for one in pivot_levels(kind, first, *bar[1:]))
            bar = (opened, high, low, close)
        bar = (bar[0], max(bar[1], high), min(bar[2], low), close)
        return (number, bar, levels), levels

    names = ("open", "high", "low", "close", "session")
    return scan(advance, None, *(price(name) for name in names), width=9)


def _rolling_pivots(length: int, offset: int, kind: int) -> Sequence[Line]:
    """The levels of the last bars before this one (and before `offset` more)."""
    high = lag(ta("MAX", price("high"), timeperiod=length), offset + 1)
    low = lag(ta("MIN", price("low"), timeperiod=length), offset + 1)
    close = lag(price("close"), offset + 1)

    def level(number: int) -> Line:
        return each(lambda *values: pivot_levels(kind, *values)[number], price("open"), high, low, close)

    return [level(number) for number in range(9)]


_TONES = (0, 1, 1, 1, 1, 2, 2, 2, 2)
_ANCHOR = choice("anchor", *_PERIODS)

STUDIES = (
    own("VWAP", "Volume Weighted Average Price", "high low close volume session", "real", _vwap, group=OVERLAP,
        is_overlay=True, parameters=(_ANCHOR,)),
    own("VWAPBANDS", "Volume Weighted Average Price with Bands", "high low close volume session",
        "upperband middleband lowerband", _vwap_bands, group=OVERLAP, is_overlay=True,
        parameters=(_ANCHOR, real("nbdev", 2, 0.01, 100))),
    own("AVWAP", "Anchored VWAP", "high low close volume session", "real", _anchored, group=OVERLAP, is_overlay=True,
        parameters=(whole("anchor", 0, 0, _LAST_DATE),), refuse=_refuse_date),
    own("MVWAP", "Moving VWAP", "open high low close volume", "real", _moving_vwap, group=OVERLAP, is_overlay=True,
        parameters=(whole("timeperiod", 50, 2, LONGEST), choice("source", "hlc3", "ohlc4", "close"))),
    own("PIVOTS", "Pivot Points", "open high low close session", _LEVELS, _pivots, group=OVERLAP, is_overlay=True,
        tones=_TONES,
        parameters=(choice("period", *_PERIODS[:4]), choice("kind", *_KINDS))),
    own("ROLLINGPIVOTS", "Rolling Pivot Points", "open high low close", _LEVELS, _rolling_pivots, group=OVERLAP,
        is_overlay=True, tones=_TONES,
        parameters=(whole("timeperiod", 20), whole("offset", 0, 0, 1000), choice("kind", *_KINDS))),
)  # fmt: skip
