"""Adjusting bars for corporate actions at the moment they are read, from what was known then.

A factor is composed as an exact fraction: splits are ratios, a dividend is (close - amount) / close. It is applied
once: to integers with half-even rounding to 1e-8, exactly, or to floats in `BarColumns.floats`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec
import numpy as np

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
from stockpulse_engine.marketdata.columns import E8_MAX, BarColumns, Factors, Floats, Ints

BEFORE_OPEN_NS: Final = 8 * 3600 * SECOND_NS
"""An action takes effect before the extended hours of its ex-date, and after those of the session before."""
PRICES: Final = ("open", "high", "low", "close")
_SPLITS = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
_PAYMENTS = (ActionKind.DIVIDEND, ActionKind.SPINOFF)
_MANTISSA = np.finfo(np.longdouble).nmant
CloseBefore = Callable[[int], int | None]
"""The raw close (e8) of the last session before a moment, None when it is not held."""


class Step(NamedTuple):
    """What one action does to everything that starts before `cut_ns`."""

    cut_ns: int
    price: Fraction
    volume: Fraction


class Region(NamedTuple):
    """Bars `low` up to and without `high`, and what they are multiplied by."""

    low: int
    high: int
    price: Fraction
    volume: Fraction


def adjusted(
    bars: BarColumns, actions: Sequence[CorporateAction], adjustment: Adjustment, close_before: CloseBefore
) -> BarColumns:
    """The bars with every action that came into effect after them; `actions` are those that count, by time.

    Raises:
        InvalidValueError: an adjusted number does not fit into 64 bits.
    """
    steps, warnings = steps_of(actions, adjustment, close_before)
    if bars.spec.unit == "w":
        warnings += _split_weeks(bars, steps)
    changed = msgspec.structs.replace(bars, adjustment=adjustment, warnings=(*bars.warnings, *warnings))
    regions = _regions(bars, steps)
    if all(region.price == region.volume == 1 for region in regions):
        return changed
    prices = [(region.low, region.high, region.price) for region in regions]
    volumes = [(region.low, region.high, region.volume) for region in regions]
    columns = {name: _scaled(getattr(bars, name), prices) for name in PRICES}
    columns["volume"] = _scaled(bars.volume, volumes)
    factors = Factors(_floats(len(bars), prices), _floats(len(bars), volumes))
    return msgspec.structs.replace(changed, **columns, raw=bars, factors=factors)


def steps_of(
    actions: Sequence[CorporateAction], adjustment: Adjustment, close_before: CloseBefore
) -> tuple[list[Step], list[str]]:
    """What each action does, in the order given, and what can not be done."""
    steps: list[Step] = []
    warnings: list[str] = []
    for action in actions:
        if action.kind in _SPLITS and adjustment is not Adjustment.RAW:
            ratio = Fraction(action.numerator, action.denominator)
            steps.append(Step(_cut(action), 1 / ratio, ratio))
        elif action.kind in _PAYMENTS and adjustment is Adjustment.TOTAL:
            close = action.reference_e8 or close_before(_cut(action))
            if close is None or close <= action.amount_e8:
                warnings.append(_unmeasured(action, close))
            else:
                steps.append(Step(_cut(action), Fraction(close - action.amount_e8, close), Fraction(1)))
    return steps, warnings


def scale_exactly(column: Ints, factor: Fraction) -> Ints:
    """Each integer times a fraction, rounded half-even; exact however long the fraction is.

    Extended floats give the answer with an error bound; the few numbers that lie closer than that to a tie are done
    with integers of any length.
    """
    if len(column) == 0 or factor == 1:
        return column
    largest = max(abs(int(column.max())), abs(int(column.min())))
    if largest * factor.numerator > E8_MAX * factor.denominator:
        raise InvalidValueError("An adjusted price or volume is too large to be stored.", fix="Read it unadjusted.")
    product = column.astype(np.longdouble) * _extended(factor)
    whole = np.floor(product)
    error = float(largest * factor) * 2.0 ** (3 - _MANTISSA) + 2.0 ** (3 - _MANTISSA)
    part = (product - whole).astype(np.float64)
    rounded: Ints = whole.astype(np.int64) + (part > 0.5)  # noqa: PLR2004 - half
    for index in np.flatnonzero(np.abs(part - 0.5) <= error):
        rounded[index] = _half_even(int(column[index]) * factor.numerator, factor.denominator)
    return rounded


def _regions(bars: BarColumns, steps: Sequence[Step]) -> list[Region]:
    """Stretches of bars with one factor for prices and one for volumes, the newest first."""
    regions: list[Region] = []
    price, volume, high = Fraction(1), Fraction(1), len(bars)
    for step in sorted(steps, key=lambda step: -step.cut_ns):
        low = int(bars.ts_event[:high].searchsorted(step.cut_ns))
        if low < high:
            regions.append(Region(low, high, price, volume))
        price, volume, high = price * step.price, volume * step.volume, low
    return [*regions, Region(0, high, price, volume)] if high else regions


def _scaled(column: Ints, regions: Sequence[tuple[int, int, Fraction]]) -> Ints:
    return np.concatenate([scale_exactly(column[low:high], factor) for low, high, factor in reversed(regions)])


def _floats(count: int, regions: Sequence[tuple[int, int, Fraction]]) -> Floats:
    found = np.ones(count)
    for low, high, factor in regions:
        found[low:high] = float(factor)
    return found


def _extended(factor: Fraction) -> np.longdouble:
    shift = 64 - factor.numerator.bit_length() + factor.denominator.bit_length()
    top = (factor.numerator << shift if shift >= 0 else factor.numerator >> -shift) // factor.denominator
    high, low = divmod(top, 2**33)
    mantissa = np.longdouble(high) * np.longdouble(2**33) + np.longdouble(low)
    return mantissa * np.longdouble(2.0) ** -shift


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _cut(action: CorporateAction) -> int:
    return action.ts_event - BEFORE_OPEN_NS


def _split_weeks(bars: BarColumns, steps: Sequence[Step]) -> list[str]:
    """Weeks with an action inside: no factor is right for all of such a bar."""
    places = {int(bars.ts_event.searchsorted(step.cut_ns)) for step in steps}
    inside = [place - 1 for place in places if place > 0]
    length = bars.spec.duration_ns
    named = [at for at in inside if any(0 < step.cut_ns - int(bars.ts_event[at]) < length for step in steps)]
    return [f"{_day(int(bars.ts_event[at]))}: an action lies inside this week; ask for daily bars." for at in named]


def _unmeasured(action: CorporateAction, close: int | None) -> str:
    what = f"{action.kind.value.lower()} of {_day(action.ts_event)}"
    reason = "no close before it is held" if close is None else "it is not less than the close before it"
    return f"The {what} is not adjusted for: {reason}."


def _day(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).date().isoformat()
