"""American options on a lattice: Leisen and Reimer's, which does not swing, or Cox, Ross and Rubinstein's.

Cash dividends are escrowed: the lattice carries the spot without them, and each node adds what the coming ones are
worth at its time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from stockpulse_engine.analytics.options.european import POINT, Greeks, european_price
from stockpulse_engine.analytics.options.lattice import cox_ross_rubinstein, leisen_reimer, sweep
from stockpulse_engine.analytics.options.terms import (
    DAYS_A_YEAR,
    Dividend,
    Terms,
    check_dividends,
    dividends_worth,
    without_dividends,
)
from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

STEPS = 201
"""Odd, as Leisen and Reimer's lattice wants it."""
MAX_STEPS = 5001
_FARTHEST, _STEEPEST = 450.0, 2.4
"""A lattice carries no wider a distribution than its farthest node can be written with; there every value is at its
limit."""
_FEWEST = 25
"""Steps from which two lattices are joined into a better one."""
_CERTAIN_BUMP, _VOLATILITY_BUMP, _RATE_BUMP = 1e-6, 0.01, 0.005


class _Near(NamedTuple):
    """What a lattice says about the moment it begins at."""

    value: Floats
    delta: Floats
    gamma: Floats


def american_price(
    terms: Terms, dividends: Sequence[Dividend] = (), *, steps: int = STEPS, method: str = "lr", is_early: bool = True
) -> Floats:
    """What each option is worth.

    Args:
        terms: the options.
        dividends: cash dividends of the underlying.
        steps: steps of the lattice; an even number is raised by one.
        method: `lr` (Leisen and Reimer) or `crr` (Cox, Ross and Rubinstein).
        is_early: whether it may be exercised early; without it the same lattice prices European options.

    Raises:
        InvalidValueError: steps out of range, an unknown method.
    """
    import numpy as np

    if not 1 <= steps <= MAX_STEPS or method not in {"lr", "crr"}:
        raise InvalidValueError(
            f"No lattice {method[:12]!r} of {steps} steps.", fix=f"Use lr or crr, up to {MAX_STEPS}."
        )
    coming = check_dividends(dividends)
    made = _around(terms, coming, steps, method, is_early=is_early).value
    if not is_early:
        return made
    return np.maximum(made, np.maximum(terms.intrinsic(), european_price(terms, coming)))


def american_greeks(terms: Terms, dividends: Sequence[Dividend] = (), *, steps: int = STEPS) -> Greeks:
    """How each option's value changes; units as `Greeks` states.

    Delta and gamma are those of the lattice's own three nodes at this moment, the others by small moves either way.
    """
    import numpy as np

    sigma = np.minimum(_VOLATILITY_BUMP, terms.volatility / 2)
    wild, calm, dear, cheap = _values(
        (
            terms._replace(volatility=terms.volatility + sigma),
            terms._replace(volatility=terms.volatility - sigma),
            terms._replace(rate=terms.rate + _RATE_BUMP),
            terms._replace(rate=terms.rate - _RATE_BUMP),
        ),
        dividends,
        steps,
    )
    near = _around(terms, check_dividends(dividends), steps, "lr", is_early=True)
    return Greeks(
        delta=near.delta,
        gamma=near.gamma,
        vega=np.where(sigma > 0, (wild - calm) / np.where(sigma > 0, 2 * sigma, 1.0), 0.0) * POINT,
        theta=_theta(terms, dividends, steps),
        rho=(dear - cheap) / (2 * _RATE_BUMP) * POINT,
    )


def _around(terms: Terms, dividends: Sequence[Dividend], steps: int, method: str, *, is_early: bool) -> _Near:
    """Value, delta and gamma; with early exercise from two lattices, as its error goes down as 1 / steps."""
    base, _ = without_dividends(terms, dividends)
    count = steps + 1 - steps % 2
    fine = _on_lattice(base, dividends, count, method, is_early=is_early)
    if method != "lr" or not is_early or count <= _FEWEST:
        return fine
    half = count // 2 + 1 - (count // 2) % 2
    rough = _on_lattice(base, dividends, half, method, is_early=True)
    pairs = zip(fine, rough, strict=True)
    return _Near(*((count * good - half * poor) / (count - half) for good, poor in pairs))


def _on_lattice(base: Terms, dividends: Sequence[Dividend], count: int, method: str, *, is_early: bool) -> _Near:
    """One sweep; what is certain where chance has nothing to say."""
    import numpy as np

    widest = min(_FARTHEST / math.sqrt(count), _STEEPEST * math.sqrt(count)) / np.sqrt(np.maximum(base.years, 1e-9))
    base = base._replace(volatility=np.minimum(base.volatility, widest))
    step = (leisen_reimer if method == "lr" else cox_ross_rubinstein)(base, count)
    lower, here, upper = sweep(base, dividends, step, count, is_early=is_early)
    is_usable = step.is_usable & (step.up > step.down)  # movement can be too small for any number to tell
    wide = np.where(is_usable, step.up / step.down, 2.0)
    below, above = base.spot * (1 - 1 / wide), base.spot * (wide - 1)
    fall, rise = (here - lower) / below, (upper - here) / above
    near = _Near(here, (fall * above + rise * below) / (above + below), 2 * (rise - fall) / (above + below))
    if is_usable.all():
        return near
    certain = _certain_near(base, dividends, is_early=is_early)
    return _Near(*(np.where(is_usable, one, other) for one, other in zip(near, certain, strict=True)))


def _certain_near(base: Terms, dividends: Sequence[Dividend], *, is_early: bool) -> _Near:
    """Without chance: the value, its slope, and no bend."""
    import numpy as np

    reach = base.spot * _CERTAIN_BUMP
    value, above, below = (
        certain_value(base._replace(spot=base.spot + move), dividends, is_early=is_early)
        for move in (0.0, reach, -reach)
    )
    return _Near(value, (above - below) / (2 * reach), np.zeros_like(value))


def certain_value(base: Terms, dividends: Sequence[Dividend], *, is_early: bool) -> Floats:
    """What an option is worth when nothing moves by chance: exercised at the best of the moments that can be best.

    `base` has the spot without dividends.
    """
    import numpy as np

    moments = [base.years]
    if is_early:
        grown = base.rate - base.dividend_yield
        with np.errstate(all="ignore"):  # without a yield, a rate or a drift there is no such moment
            turn = np.log((base.rate * base.strike) / (base.dividend_yield * base.spot)) / grown
        turn = np.where(np.isfinite(turn), np.clip(turn, 0.0, base.years), 0.0)
        exes = [np.clip(years + side, 0.0, base.years) for years, _ in dividends for side in (-1e-9, 0.0)]
        moments += [np.zeros_like(base.years), turn, *exes]
    values = []
    for moment in moments:
        spot = base.spot * np.exp((base.rate - base.dividend_yield) * moment)
        spot = spot + dividends_worth(base, dividends, moment)
        values.append(np.maximum(base.sign * (spot - base.strike), 0.0) * np.exp(-base.rate * moment))
    best: Floats = np.maximum.reduce(values)
    return best


def _theta(terms: Terms, dividends: Sequence[Dividend], steps: int) -> Floats:
    """Per day, from a value a little sooner and one a little later; dividends come nearer as the expiry does."""
    import numpy as np

    alive = terms.years[terms.years > 0]
    if not alive.size:
        return np.zeros_like(terms.years)
    ahead = float(min(1.0 / DAYS_A_YEAR, alive.min() / 4))
    values = []
    for move in (-ahead, ahead):
        coming = [one._replace(years=one.years + move) for one in dividends]
        values.append(american_price(terms._replace(years=np.maximum(terms.years + move, 0.0)), coming, steps=steps))
    return np.where(terms.years > 0, (values[0] - values[1]) / (2 * ahead), 0.0) / DAYS_A_YEAR


def _values(moved: Sequence[Terms], dividends: Sequence[Dividend], steps: int) -> list[Floats]:
    """The values of several sets of terms in one sweep."""
    import numpy as np

    joined = Terms(*(np.concatenate(columns) for columns in zip(*moved, strict=True)))
    return list(american_price(joined, dividends, steps=steps).reshape(len(moved), -1))
