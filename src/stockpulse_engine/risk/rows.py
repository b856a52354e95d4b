"""How checks speak: three kinds of rows, and numbers written for people."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.risk.codes import DENIALS, DenialCode
from stockpulse_engine.risk.verdict import DENIED, OK, READ, CheckRow

_CENTS = Decimal("0.01")
_SMALLEST = Decimal("0.00005")


def passed(name: str, text: str, **numbers: str) -> CheckRow:
    """The check holds."""
    return CheckRow(name=name, verdict=OK, text=text, numbers=numbers)


def to_read(name: str, text: str, **numbers: str) -> CheckRow:
    """The check holds, but a person should look."""
    return CheckRow(name=name, verdict=READ, text=text, numbers=numbers)


def denied(name: str, code: DenialCode, *, nearest: Decimal | None = None, **numbers: str) -> CheckRow:
    """The check does not hold: the sentence and the fix of `code` with the numbers in them."""
    words = DENIALS[code]
    if nearest is not None:
        numbers["nearest"] = amount(nearest)
    return CheckRow(
        name=name,
        verdict=DENIED,
        text=words.sentence.format(**numbers),
        code=code,
        fix=words.fix.format(**numbers),
        numbers=numbers,
        nearest=nearest,
    )


def amount(quantity: Decimal) -> str:
    """A quantity: 1,200 or 0.5, no trailing zeros."""
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal) -> str:
    """Money to the cent: 10,444.95."""
    return f"{value.quantize(_CENTS):,f}"


def price(value: Decimal) -> str:
    """A price as precise as it is, at least to the cent: 232.10, 0.1234."""
    text = f"{value:f}"
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.rstrip('0'):0<2}"


def percent(fraction: Decimal) -> str:
    """A fraction of 1 in percent with two digits at most: 5 %, 23.3 %; what is less than that says so."""
    if fraction and abs(fraction) < _SMALLEST:
        return "< 0.01 %"
    return f"{amount(round(fraction * 100, 2))} %"
