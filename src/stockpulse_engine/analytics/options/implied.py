"""The volatility at which an option is worth its price: bracketed, so that it is found wherever there is one.

European options by Newton's steps, American by Chandrupatla's (inverse quadratic where it is safe); both fall back on
halving the bracket. A price that no volatility can explain is told as a problem, never as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from stockpulse_engine.analytics.options.american import STEPS, american_price, certain_value
from stockpulse_engine.analytics.options.european import POINT, european_greeks, european_price
from stockpulse_engine.analytics.options.terms import (
    Dividend,
    Style,
    Terms,
    check_dividends,
    dividends_worth,
    without_dividends,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
else:
    Floats = Codes = Any

LOWEST, HIGHEST = 1e-4, 50.0
"""Volatilities between which it is sought: a hundredth of a percent and 5,000 percent a year."""
_ROUNDS = 100
_HALF = 0.5
_NEAR = 1e-12
"""The bracket is narrow enough at this part of the volatility; prices this part of the spot apart are equal."""


class Problem(IntEnum):
    """Why there is no implied volatility."""

    NONE = 0
    EXPIRED = 1
    TOO_LOW = 2
    TOO_HIGH = 3
    NO_TIME_VALUE = 4

    @property
    def words(self) -> str:
        """In a sentence without its end."""
        return _WORDS[self]


_WORDS = {
    Problem.NONE: "found",
    Problem.EXPIRED: "the option has no time left",
    Problem.TOO_LOW: "the price is below what the option is worth without any movement: an arbitrage, or an old price",
    Problem.TOO_HIGH: "the price is above what any movement can make the option worth: an arbitrage, or an old price",
    Problem.NO_TIME_VALUE: "the price is what the option is worth without movement: every small volatility explains it",
}


class Implied(NamedTuple):
    """Volatilities, NaN where there is a problem, and the problem of each."""

    volatility: Floats
    problem: Codes


def implied_volatility(
    price: Any, terms: Terms, style: Style = Style.EUROPEAN, dividends: Sequence[Dividend] = (), *, steps: int = STEPS
) -> Implied:
    """The volatility of each option; that in `terms` is not looked at."""
    import numpy as np

    prices = np.broadcast_to(np.asarray(price, dtype=np.float64), terms.spot.shape)
    coming = check_dividends(dividends)
    problem = _problems(prices, terms, style, coming)
    found = np.full(terms.spot.shape, np.nan)
    open_ones = np.flatnonzero(problem == Problem.NONE)
    if open_ones.size:
        some = terms.at(open_ones)
        if style is Style.EUROPEAN:
            sought = _newton(prices[open_ones], some, coming)
        else:

            def worth(sigma: Floats, rows: Codes) -> Floats:
                part = some.at(rows)._replace(volatility=sigma)
                return american_price(part, coming, steps=steps) - prices[open_ones][rows]

            sought = _chandrupatla(worth, len(open_ones))
        found[open_ones] = sought
    problem[(problem == Problem.NONE) & ~np.isfinite(found)] = Problem.TOO_HIGH
    return Implied(found, problem)


def _problems(prices: Floats, terms: Terms, style: Style, dividends: Sequence[Dividend]) -> Codes:
    """What no volatility explains, by the bounds that hold without any model."""
    import numpy as np

    low = certain_value(without_dividends(terms, dividends)[0], dividends, is_early=style is Style.AMERICAN)
    high = _most(terms, style, dividends)
    near = _NEAR * terms.spot
    problem = np.zeros(terms.spot.shape, dtype=np.int64)
    problem[prices <= low + near] = Problem.NO_TIME_VALUE
    problem[prices < low - near] = Problem.TOO_LOW
    problem[prices >= high] = Problem.TOO_HIGH
    problem[terms.years <= 0] = Problem.EXPIRED
    return problem


def _most(terms: Terms, style: Style, dividends: Sequence[Dividend]) -> Floats:
    """What an option is worth at most: a call the share (less its dividends), a put its strike, paid when it can be."""
    import numpy as np

    if style is Style.AMERICAN:
        growing = np.exp(np.maximum(-terms.rate * terms.years, 0.0))
        leaking = np.exp(np.maximum(-terms.dividend_yield * terms.years, 0.0))
        return np.where(terms.is_call, terms.spot * leaking, terms.strike * growing)
    share = (terms.spot - dividends_worth(terms, dividends, 0.0)) * np.exp(-terms.dividend_yield * terms.years)
    return np.where(terms.is_call, share, terms.strike * np.exp(-terms.rate * terms.years))


def _newton(prices: Floats, terms: Terms, dividends: Sequence[Dividend]) -> Floats:
    """Newton's steps inside a bracket that every step narrows; NaN where even the highest volatility is too low."""
    import numpy as np

    low, high = np.full_like(prices, LOWEST), np.full_like(prices, HIGHEST)
    is_there = european_price(terms._replace(volatility=high), dividends) >= prices
    sigma = np.clip(np.sqrt(2 * np.pi / terms.years) * prices / terms.spot, 0.05, 2.0)
    for _ in range(_ROUNDS):
        now = terms._replace(volatility=sigma)
        apart = european_price(now, dividends) - prices
        low, high = np.where(apart < 0, sigma, low), np.where(apart < 0, high, sigma)
        slope = european_greeks(now, dividends).vega / POINT
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            stepped = sigma - apart / slope  # where it is flat the step is beyond the bracket, and not taken
        inside = (stepped > low) & (stepped < high) & (slope > 0)
        after = np.where(inside, stepped, 0.5 * (low + high))
        is_done = (np.abs(after - sigma) <= _NEAR * sigma) | (high - low <= _NEAR * sigma)
        sigma = after
        if is_done.all():
            break
    return np.where(is_there, sigma, np.nan)


def _chandrupatla(worth: Callable[[Floats, Codes], Floats], count: int) -> Floats:
    """Roots of many functions at once; each round asks only those still sought."""
    import numpy as np

    rows = np.arange(count)
    a, b = np.full(count, HIGHEST), np.full(count, LOWEST)
    fa, fb = worth(a, rows), worth(b, rows)
    found = np.where(fa * fb <= 0, np.nan, np.where(fa < 0, np.nan, LOWEST))
    c, fc, share = a.copy(), fa.copy(), np.full(count, 0.5)
    rows = rows[fa * fb <= 0]
    for _ in range(_ROUNDS):
        if not rows.size:
            break
        x = a[rows] + share[rows] * (b[rows] - a[rows])
        fx = worth(x, rows)
        is_same = np.sign(fx) == np.sign(fa[rows])
        c[rows], fc[rows] = np.where(is_same, a[rows], b[rows]), np.where(is_same, fa[rows], fb[rows])
        b[rows], fb[rows] = np.where(is_same, b[rows], a[rows]), np.where(is_same, fb[rows], fa[rows])
        a[rows], fa[rows] = x, fx
        best = np.where(np.abs(fa[rows]) < np.abs(fb[rows]), a[rows], b[rows])
        width = np.abs(b[rows] - a[rows])
        room = np.maximum(_NEAR * np.abs(best), 1e-14) / np.maximum(width, 1e-300)
        share[rows] = np.clip(_share(*(one[rows] for one in (a, b, c, fa, fb, fc))), room, 1 - room)
        is_done = (room > _HALF) | (fx == 0)
        found[rows[is_done]] = best[is_done]
        rows = rows[~is_done]
    return found


def _share(a: Floats, b: Floats, c: Floats, *values: Floats) -> Floats:
    """How far from `a` to `b` to look next: inverse quadratic where the three points lie well, else half way."""
    import numpy as np

    fa, fb, fc = values
    with np.errstate(divide="ignore", invalid="ignore"):
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        is_good = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
        quadratic = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return np.where(is_good & np.isfinite(quadratic), quadratic, 0.5)
