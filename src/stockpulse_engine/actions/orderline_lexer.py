"""Words of an order line with their places, and the small forms words take: numbers, prices, offsets."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

_WORD = re.compile(r"@|[<>]=?|[^\s@<>]+")
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9](?:_?[0-9]){0,11})(?:\.[0-9]{0,8})?|\.[0-9]{1,8}"
_UNITS = re.compile(rf"({_NUMBER})([km]?)")
_MONEY = re.compile(rf"\$({_NUMBER})([km]?)")
_SHARE = re.compile(rf"({_NUMBER})%")
_PRICE = re.compile(rf"({_NUMBER})")
_REFERENCE = re.compile(rf"(mid|bid|ask|last)(?:([+-])({_NUMBER})(t|%)?)?")
_OFFSET = re.compile(rf"(\+-|±|\+|-)({_NUMBER})(t|%)?")
_SCALE = {"": Decimal(1), "k": Decimal(1000), "m": Decimal(1_000_000)}


class Word(msgspec.Struct, frozen=True):
    """One word: as typed, in lower case with plain minus signs, and where it stands."""

    text: str
    low: str
    start: int
    end: int


class PriceWord(msgspec.Struct, frozen=True):
    """A price as written: `base` is a number or bid, ask, mid, last; the offset is in price, ticks (t) or %."""

    base: Decimal | str
    offset: Decimal
    unit: str
    word: Word


class OffsetWord(msgspec.Struct, frozen=True):
    """`+2%`, `-1%`, `±10`: a distance from the entry. `sign` is the price's direction, 0 for both."""

    sign: int
    value: Decimal
    unit: str
    word: Word


def split_words(text: str) -> list[Word]:
    """The words of a line; `@` is a word of its own even when glued to its price."""
    return [Word(m[0], m[0].lower().replace("\u2212", "-"), m.start(), m.end()) for m in _WORD.finditer(text)]


def read_units(low: str) -> Decimal | None:
    """`100`, `1,000`, `2.5k` → the number; None for any other form."""
    return _scaled(_UNITS.fullmatch(low))


def read_money(low: str) -> Decimal | None:
    """`$10k`, `$10_000` → the amount; None for any other form."""
    return _scaled(_MONEY.fullmatch(low))


def read_share(low: str) -> Decimal | None:
    """`10%` → 0.1; None for any other form."""
    match = _SHARE.fullmatch(low)
    return None if match is None else _decimal(match[1]) / 100


def read_price(word: Word) -> PriceWord | None:
    """`231.40`, `mid`, `mid+0.02`, `bid-1t`, `last-0.1%`; None for any other form."""
    number = _PRICE.fullmatch(word.low)
    if number is not None:
        return PriceWord(_decimal(number[1]), Decimal(0), "", word)
    match = _REFERENCE.fullmatch(word.low)
    if match is None:
        return None
    size = _decimal(match[3]) if match[3] else Decimal(0)
    return PriceWord(match[1], -size if match[2] == "-" else size, match[4] or "", word)


def read_offset(word: Word) -> OffsetWord | None:
    """`+2%`, `-50t`, `±10`; None for any other form."""
    match = _OFFSET.fullmatch(word.low)
    if match is None:
        return None
    sign = {"+": 1, "-": -1}.get(match[1], 0)
    return OffsetWord(sign, _decimal(match[2]), match[3] or "", word)


def _scaled(match: re.Match[str] | None) -> Decimal | None:
    return None if match is None else _decimal(match[1]) * _SCALE[match[2]]


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace("_", "").replace(",", ""))
