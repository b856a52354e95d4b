"""European options by Black, Scholes and Merton, with a continuous dividend yield; closed forms, whole arrays.

Cash dividends are escrowed: what they are worth today is taken off the spot, and the rest moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stockpulse_engine.analytics.options.terms import DAYS_A_YEAR, Dividend, Terms, check_dividends, without_dividends

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

POINT = 0.01
"""Vega and rho are told per percentage point."""


class Greeks(NamedTuple):
    """How the value changes.

    Attributes:
        delta: per unit of the spot.
        gamma: of the delta, per unit of the spot.
        vega: per percentage point of volatility.
        theta: per calendar day that passes.
        rho: per percentage point of the rate.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


class _Parts(NamedTuple):
    """What price and Greeks share: discounted spot and strike, deviation of the logarithm, and the two distances."""

    spot: Floats
    strike: Floats
    deviation: Floats
    d1: Floats
    d2: Floats


def european_price(terms: Terms, dividends: Sequence[Dividend] = ()) -> Floats:
    """What each option is worth. Without time or volatility left it is what is certain."""
    terms, _ = without_dividends(terms, check_dividends(dividends))
    parts, sign = _parts(terms), terms.sign
    return sign * (parts.spot * cdf(sign * parts.d1) - parts.strike * cdf(sign * parts.d2))


def european_greeks(terms: Terms, dividends: Sequence[Dividend] = ()) -> Greeks:
    """How each option's value changes, in the units `Greeks` states."""
    import numpy as np

    coming = check_dividends(dividends)
    terms, worth = without_dividends(terms, coming)
    parts, sign = _parts(terms), terms.sign
    carry = np.exp(-terms.dividend_yield * terms.years)
    density = np.exp(-0.5 * parts.d1 * parts.d1) / math.sqrt(2 * math.pi)
    root = np.sqrt(terms.years)
    delta = sign * carry * cdf(sign * parts.d1)
    moving = parts.deviation > 0
    gamma = np.where(moving, carry * density / np.where(moving, terms.spot * parts.deviation, 1.0), 0.0)
    strike_part = parts.strike * cdf(sign * parts.d2)
    decay = np.where(moving, parts.spot * density * terms.volatility / (2 * np.where(moving, root, 1.0)), 0.0)
    theta = -decay + sign * (terms.dividend_yield * parts.spot * cdf(sign * parts.d1) - terms.rate * strike_part)
    later = sum(
        (years * amount * np.exp(-terms.rate * years) * (years <= terms.years) for years, amount in coming), 0.0
    )
    return Greeks(
        delta=delta,
        gamma=gamma,
        vega=np.where(moving, parts.spot * density * root, 0.0) * POINT,
        theta=(theta - delta * terms.rate * worth) / DAYS_A_YEAR,
        rho=(sign * terms.years * strike_part + delta * later) * POINT,
    )


def cdf(value: Any) -> Floats:
    """The normal distribution: how likely a smaller value is, to the last digits on either side."""
    import numpy as np

    made: Floats = np.asarray(_erfc()(-np.asarray(value) / math.sqrt(2.0)), dtype=np.float64)
    return 0.5 * made


def _erfc() -> Any:
    """Numpy has no error function; the C library's, element by element, is right to the last digit."""
    import numpy as np

    return np.frompyfunc(math.erfc, 1, 1)


def _parts(terms: Terms) -> _Parts:
    import numpy as np

    spot = terms.spot * np.exp(-terms.dividend_yield * terms.years)
    strike = terms.strike * np.exp(-terms.rate * terms.years)
    deviation = terms.volatility * np.sqrt(terms.years)
    distance = np.log(spot / strike)
    moving = deviation > 0
    safe = np.where(moving, deviation, 1.0)
    certain = np.where(distance > 0, math.inf, np.where(distance < 0, -math.inf, 0.0))
    d1 = np.where(moving, distance / safe + 0.5 * deviation, certain)
    return _Parts(spot, strike, deviation, d1, np.where(moving, d1 - deviation, certain))
