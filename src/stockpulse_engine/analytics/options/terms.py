"""What an option's value depends on, as arrays of one length; checked once, here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
else:
    Floats = Flags = Any

DAYS_A_YEAR = 365.0
MAX_DIVIDENDS = 200


class Style(StrEnum):
    """When it may be exercised."""

    EUROPEAN = "european"
    AMERICAN = "american"


class Dividend(NamedTuple):
    """A cash dividend: years from now to its ex-date, and the amount."""

    years: float
    amount: float


class Terms(NamedTuple):
    """Options as columns of one length. Rates are continuous, per year, as fractions; volatility likewise."""

    is_call: Flags
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    volatility: Floats

    @property
    def sign(self) -> Floats:
        """+1 for a call, -1 for a put."""
        import numpy as np

        return np.where(self.is_call, 1.0, -1.0)

    def at(self, rows: Any) -> Terms:
        """Some of them."""
        is_call, *columns = self
        return Terms(is_call[rows], *(column[rows] for column in columns))

    def intrinsic(self) -> Floats:
        """What exercising now would bring."""
        import numpy as np

        return np.maximum(self.sign * (self.spot - self.strike), 0.0)


def make_terms(
    is_call: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any = 0.0,
    *,
    dividend_yield: Any = 0.0,
    volatility: Any = 0.0,
) -> Terms:
    """Terms from numbers or arrays, which are stretched to one length.

    Raises:
        InvalidValueError: a number that is none, a price not above zero, time or volatility below zero.
    """
    import numpy as np

    given = (spot, strike, years, rate, dividend_yield, volatility)
    flags = np.atleast_1d(np.asarray(is_call, dtype=np.bool_))
    columns = [np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in given]
    flags, *columns = np.broadcast_arrays(flags, *columns)
    terms = Terms(flags, *columns)
    for name, column in zip(Terms._fields[1:], columns, strict=True):
        if not np.isfinite(column).all():
            raise InvalidValueError(f"The option's {name} is no number.", fix="Leave out what is not known.")
    if (terms.spot <= 0).any() or (terms.strike <= 0).any():
        raise InvalidValueError("An option's spot and strike are above zero.", fix="Look at the prices.")
    if (terms.years < 0).any():
        raise InvalidValueError("The option has expired.", fix="Give an expiry that is to come.")
    if (terms.volatility < 0).any():
        raise InvalidValueError("A volatility is not below zero.", fix="Write it like 0.2 for twenty percent a year.")
    return terms


def check_dividends(dividends: Sequence[Dividend]) -> tuple[Dividend, ...]:
    """The dividends still to come, in order.

    Raises:
        InvalidValueError: an amount below zero or no number, or too many.
    """
    import math

    if len(dividends) > MAX_DIVIDENDS:
        raise InvalidValueError(f"There are over {MAX_DIVIDENDS} dividends.", fix="Use a dividend yield instead.")
    if any(not math.isfinite(years + amount) or amount < 0 for years, amount in dividends):
        raise InvalidValueError("A dividend is an amount not below zero and a time.", fix="Look at the dividends.")
    return tuple(sorted(one for one in dividends if one.years > 0 and one.amount > 0))


def without_dividends(terms: Terms, dividends: Sequence[Dividend]) -> tuple[Terms, Floats]:
    """The part of the spot that is not the value of coming dividends, and that value.

    Raises:
        InvalidValueError: the dividends are worth more than the share.
    """
    worth = dividends_worth(terms, dividends, 0.0)
    rest = terms.spot - worth
    if (rest <= 0).any():
        raise InvalidValueError("The dividends are worth more than the share.", fix="Look at their amounts and dates.")
    return terms._replace(spot=rest), worth


def dividends_worth(terms: Terms, dividends: Sequence[Dividend], from_years: Any) -> Floats:
    """At a moment (years from now), the value then of the dividends after it and not after the expiry."""
    import numpy as np

    worth = np.zeros_like(terms.spot)
    for years, amount in dividends:
        is_to_come = (years > from_years) & (years <= terms.years)
        worth = worth + np.where(is_to_come, amount * np.exp(-terms.rate * (years - from_years)), 0.0)
    return worth
