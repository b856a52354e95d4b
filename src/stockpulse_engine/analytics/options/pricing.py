"""One door for both styles: what an option is worth, how that changes, what volatility its price implies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.analytics.options.american import STEPS, american_greeks, american_price
from stockpulse_engine.analytics.options.european import Greeks, european_greeks, european_price
from stockpulse_engine.analytics.options.terms import Dividend, Style, Terms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def option_price(
    terms: Terms, style: Style = Style.EUROPEAN, dividends: Sequence[Dividend] = (), *, steps: int = STEPS
) -> Floats:
    """What each option is worth."""
    if style is Style.EUROPEAN:
        return european_price(terms, dividends)
    return american_price(terms, dividends, steps=steps)


def option_greeks(
    terms: Terms, style: Style = Style.EUROPEAN, dividends: Sequence[Dividend] = (), *, steps: int = STEPS
) -> Greeks:
    """How each option's value changes, in the units `Greeks` states."""
    if style is Style.EUROPEAN:
        return european_greeks(terms, dividends)
    return american_greeks(terms, dividends, steps=steps)
