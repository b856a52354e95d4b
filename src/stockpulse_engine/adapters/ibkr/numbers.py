"""Numbers as the gateway sends them: doubles, some of which mean that there is none."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

UNSET: Final = 1.0e308
"""The gateway's 'none' is the largest double; nothing near it is a price."""


def exact(value: float | Decimal | str | None) -> Decimal | None:
    """The decimal that was meant: the shortest that reads back as the same double; None for none, NaN and infinity."""
    if value is None or value == "":
        return None
    number = float(value)
    if not math.isfinite(number) or abs(number) >= UNSET:
        return None
    return Decimal(str(value)) if isinstance(value, Decimal | str) else _plain(Decimal(repr(number)))


def price(value: float | Decimal | str | None) -> Decimal | None:
    """A price; the gateway's 0 and -1 are none."""
    found = exact(value)
    return found if found is not None and found > 0 else None


def quantity(value: float | Decimal | str | None) -> Decimal:
    """A quantity; none is 0."""
    found = exact(value)
    return Decimal(0) if found is None else found


def sent(value: Decimal) -> Decimal:
    """A number of ours as it is spelled on the wire: never with an exponent."""
    return Decimal(format(value, "f"))


def _plain(value: Decimal) -> Decimal:
    """`100.0` is 100: what is whole is told whole."""
    whole = value.to_integral_value()
    return whole if value == whole else value
