"""Exact decimal numbers: parsing, finiteness, ticks. Money never touches float."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from stockpulse_engine.domain.errors import InvalidValueError

ZERO = Decimal(0)
MINOR_UNIT = Decimal("0.00000001")
"""The ledger's smallest amount of any currency (1e-8)."""

MAX_DIGITS = 30
"""Longest decimal text accepted from outside."""

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_DECIMAL_TEXT = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")


def parse_decimal(text: str, *, field: str = "value") -> Decimal:
    """Parse plain ASCII decimal text; refuse exponents, underscores, NaN and other scripts' digits.

    Raises:
        InvalidValueError: naming `field`.
    """
    if len(text) > MAX_DIGITS or not _DECIMAL_TEXT.fullmatch(text):
        raise InvalidValueError(f"{field}: {text[:40]!r} is not a decimal number.", fix="Write it like 231.40.")
    return Decimal(text)


def require_finite(value: Decimal, *, field: str) -> Decimal:
    """Return `value` if it is finite, else raise InvalidValueError naming `field`."""
    if not value.is_finite():
        raise InvalidValueError(f"{field} must be a finite number, not {value}.")
    return value


def to_minor(value: Decimal) -> Decimal:
    """Round half-even to the ledger's minor unit (1e-8)."""
    return value.quantize(MINOR_UNIT, rounding=ROUND_HALF_EVEN, context=_EXACT)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies on the grid of `step` (both finite, step > 0)."""
    return value % step == 0


def round_to_tick(value: Decimal, tick: Decimal, *, up: bool | None = None) -> Decimal:
    """Round `value` to the grid of `tick`: up, down, or half-even to the nearest when `up` is None."""
    mode = ROUND_HALF_EVEN if up is None else ROUND_CEILING if up else ROUND_FLOOR
    steps = (value / tick).to_integral_value(rounding=mode)
    return (steps * tick).quantize(tick)


def round_down_to_lot(quantity: Decimal, lot: Decimal) -> Decimal:
    """Round a quantity towards zero to a multiple of `lot`."""
    return (quantity / lot).to_integral_value(rounding=ROUND_DOWN) * lot


def decimals_of(tick: Decimal) -> int:
    """Number of decimal places a price on this tick is written with."""
    exponent = tick.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
