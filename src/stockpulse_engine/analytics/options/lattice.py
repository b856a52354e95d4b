"""The lattice: every option is a row, every node of a step a column, so that a chain is priced by one sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from stockpulse_engine.analytics.options.terms import Dividend, Terms, dividends_worth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_SURE = 1e-12
"""A step whose chances lie nearer than this to none or all moves along one line."""
_ROWS = 64
"""Options swept at once: as many as fit a near memory."""


class Step(NamedTuple):
    """One step: the factors up and down, the chance of up, the discount; and where the lattice can be used at all."""

    up: Floats
    down: Floats
    chance: Floats
    discount: Floats
    is_usable: Flags

    def at(self, rows: slice) -> Step:
        """Of some options."""
        *numbers, flags = self
        up, down, chance, discount = (column[rows] for column in numbers)
        return Step(up, down, chance, discount, flags[rows])


def leisen_reimer(terms: Terms, count: int) -> Step:
    """Chances such that the lattice's last step has the normal distribution's two probabilities."""
    import numpy as np

    deviation = terms.volatility * np.sqrt(terms.years)
    is_moving = deviation > 0
    safe = np.where(is_moving, deviation, 1.0)
    grown = (terms.rate - terms.dividend_yield) * terms.years
    d1 = (np.log(terms.spot / terms.strike) + grown) / safe + 0.5 * safe
    chance, chance_of_share = _peizer_pratt(d1 - safe, count), _peizer_pratt(d1, count)
    is_usable = (
        is_moving
        & (np.minimum(chance, 1 - chance) > _SURE)
        & (np.minimum(chance_of_share, 1 - chance_of_share) > _SURE)
    )
    chance, chance_of_share = (np.where(is_usable, one, 0.5) for one in (chance, chance_of_share))
    growth = np.exp(grown / count)
    up = growth * chance_of_share / chance
    down = growth * (1 - chance_of_share) / (1 - chance)
    return Step(up, down, chance, np.exp(-terms.rate * terms.years / count), is_usable)


def _peizer_pratt(distance: Floats, count: int) -> Floats:
    """The chance of a step up of a binomial of `count` steps that stands for a normal distance; their second method."""
    import numpy as np

    scaled = distance / (count + 1 / 3 + 0.1 / (count + 1))
    half: Floats = 0.5 * np.sqrt(-np.expm1(-(scaled * scaled) * (count + 1 / 6)))
    return 0.5 + np.sign(distance) * half


def cox_ross_rubinstein(terms: Terms, count: int) -> Step:
    """Steps up and down of one size, the chances such that the share grows as it must."""
    import numpy as np

    span = terms.years / count
    up = np.exp(terms.volatility * np.sqrt(span))
    down = 1 / up
    growth = np.exp((terms.rate - terms.dividend_yield) * span)
    width = np.where(up > down, up - down, 1.0)
    chance = (growth - down) / width
    is_usable = (up > down) & (chance > _SURE) & (chance < 1 - _SURE)
    return Step(up, down, np.where(is_usable, chance, 0.5), np.exp(-terms.rate * span), is_usable)


def sweep(base: Terms, dividends: Sequence[Dividend], step: Step, count: int, *, is_early: bool) -> Floats:
    """From the last step back to now: three values of each option, below its spot, at it and above it, each a row."""
    import numpy as np

    made = np.empty((3, len(base.spot)))
    for first in range(0, made.shape[1], _ROWS):
        rows = slice(first, first + _ROWS)
        made[:, rows] = _sweep_rows(base.at(rows), dividends, step.at(rows), count, is_early=is_early).T
    return made


def _sweep_rows(base: Terms, dividends: Sequence[Dividend], step: Step, count: int, *, is_early: bool) -> Floats:
    """From the last step back to now. The lattice is a node wider on either side, so that three nodes are left.

    `base` has the spot without dividends; `spot` is what exercising a node brings before its strike is paid.
    """
    import numpy as np

    ups, sign = np.arange(-1, count + 2), base.sign[:, None]
    logs = np.log(base.spot)[:, None] + ups * np.log(step.up)[:, None] + (count - ups) * np.log(step.down)[:, None]
    spot, strike, back = sign * np.exp(logs), sign * base.strike[:, None], (1 / step.down)[:, None]
    value = np.maximum(spot - strike, 0.0)
    up_part, down_part = (step.discount * step.chance)[:, None], (step.discount * (1 - step.chance))[:, None]
    for level in range(count - 1, -1, -1):
        value = up_part * value[:, 1:] + down_part * value[:, :-1]
        if is_early:
            spot = spot[:, :-1] * back
            bar = strike
            if dividends:
                bar = strike - sign * dividends_worth(base, dividends, base.years * (level / count))[:, None]
            np.maximum(value, spot - bar, out=value)
    three: Floats = value
    return three
