"""History as columns: prices and sizes are int64 in units of 1e-8 ("e8"), times int64 UTC nanoseconds.

The same integers lie in Parquet, in the memory-mapped files and in PostgreSQL, so nothing is rounded on the way.
`floats()` is the one conversion to binary floating point, for indicators; `to_bars()` the one to `Decimal`.
Arrays may be views of a mapped file: they are read-only.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.marketdata.actions import Adjustment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Texts = NDArray[np.object_]
else:
    Ints = Floats = Texts = Any

SCALE = 100_000_000
"""One unit of price, size or volume in e8."""
E8_MAX = 2**63 - 1
NO_SIDE = -(2**63)
"""In a quote's columns: the row says nothing about this side (null in Parquet)."""
_DIGITS = 8
_EXACT_FLOAT = 2**53
_EXACT = Context(prec=60)


class FloatBars(NamedTuple):
    """Bars as indicators want them."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Factors(NamedTuple):
    """What corporate actions multiply prices and volumes by, per bar."""

    price: Floats
    volume: Floats


class BarColumns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Bars of one instrument, one length and one source, oldest first, each start at most once.

    Attributes:
        source: where all of them are from; "" when there are none.
        adjustment: what was done to prices and volumes.
        ts_event: start of each bar.
        known_at: first moment this version of it could be known.
        recorded_at: when this version of it was stored.
        tier: where they were read, for people and figures: `hot`, `segments`, `tail`, joined by `+`.
        warnings: what a reader should know, like a dividend that has no close to be measured against.
    """

    instrument_id: str
    spec: BarSpec
    source: str
    ts_event: Ints
    known_at: Ints
    recorded_at: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    adjustment: Adjustment = Adjustment.RAW
    tier: str = ""
    warnings: tuple[str, ...] = ()
    raw: BarColumns | None = None
    """What was adjusted; None when nothing was."""
    factors: Factors | None = None
    """What it was multiplied by."""

    def __len__(self) -> int:
        return len(self.ts_event)

    def tail(self, limit: int) -> BarColumns:
        """The last `limit` bars, without copying."""
        return self.slice(max(0, len(self) - limit), len(self))

    def slice(self, start: int, stop: int) -> BarColumns:
        """Rows `start` up to and without `stop`, without copying."""
        cut: dict[str, Any] = {name: getattr(self, name)[start:stop] for name in BAR_COLUMNS}
        if self.raw is not None and self.factors is not None:
            cut["raw"] = self.raw.slice(start, stop)
            cut["factors"] = Factors(*(each[start:stop] for each in self.factors))
        return msgspec.structs.replace(self, **cut)

    def floats(self) -> FloatBars:
        """Prices and volumes in units of one: what `float` of the exact decimal gives.

        Adjusted ones are the printed number times its factor, rounded once: not the e8 column, in which the far end of
        a much adjusted series has few digits left.
        """
        if self.raw is None or self.factors is None:
            return FloatBars(*(to_floats(getattr(self, name)) for name in FloatBars._fields))
        raw, (price, volume) = self.raw.floats(), self.factors
        return FloatBars(raw.open * price, raw.high * price, raw.low * price, raw.close * price, raw.volume * volume)

    def to_bars(self) -> list[Bar]:
        """The same as domain bars, prices with as many decimals as the column needs."""
        prices = [to_decimals(getattr(self, name)) for name in ("open", "high", "low", "close")]
        volumes = to_decimals(self.volume)
        rows = zip(self.ts_event.tolist(), *prices, volumes, self.known_at.tolist(), strict=True)
        name, spec, source = self.instrument_id, self.spec, self.source
        return [
            Bar(name, spec, start, opening, high, low, close, volume, known_at, False, source)
            for start, opening, high, low, close, volume, known_at in rows
        ]


BAR_COLUMNS = ("ts_event", "known_at", "recorded_at", "open", "high", "low", "close", "volume")
"""Names of the arrays of BarColumns, in the order of the mapped file."""


class QuoteColumns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Quotes of one instrument and source in the source's order. A side a row does not speak of is NO_SIDE."""

    instrument_id: str
    source: str
    ts_event: Ints
    known_at: Ints
    recorded_at: Ints
    seq: Ints
    bid: Ints
    bid_size: Ints
    ask: Ints
    ask_size: Ints
    exchange: Texts
    conditions: Texts
    flags: Ints
    """Sum of TICK_* values."""

    def __len__(self) -> int:
        return len(self.ts_event)


class TradeColumns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Public prints of one instrument and source in the source's order."""

    instrument_id: str
    source: str
    ts_event: Ints
    known_at: Ints
    recorded_at: Ints
    seq: Ints
    price: Ints
    size: Ints
    exchange: Texts
    conditions: Texts
    flags: Ints
    """Sum of TICK_* values."""

    def __len__(self) -> int:
        return len(self.ts_event)


TICK_SUSPICIOUS = 1
"""The source itself doubts the row."""
TICK_AUCTION = 2
"""Printed by an auction."""
TICK_BUYER = 4
"""The aggressor lifted the ask."""
TICK_SELLER = 8
"""The aggressor hit the bid."""


def to_e8(value: Decimal, *, field: str = "value") -> int:
    """An exact decimal in units of 1e-8.

    Raises:
        InvalidValueError: it is not finite, has more than eight decimals, or does not fit into 64 bits.
    """
    if not value.is_finite():
        raise InvalidValueError(f"{field} must be a finite number, not {value}.")
    exact = value.scaleb(_DIGITS, _EXACT)
    scaled = int(exact)
    if scaled != exact:
        raise InvalidValueError(f"{field} {value} has more than {_DIGITS} decimals.")
    if not -E8_MAX <= scaled <= E8_MAX:
        raise InvalidValueError(f"{field} {value} is too large to be stored.")
    return scaled


def rounded_e8(value: Decimal, *, field: str = "value") -> int:
    """The same for numbers that were binary floating point at their source: more decimals are rounded half-even.

    Raises:
        InvalidValueError: it is not finite or does not fit into 64 bits.
    """
    if not value.is_finite():
        raise InvalidValueError(f"{field} must be a finite number, not {value}.")
    scaled = int(value.scaleb(_DIGITS, _EXACT).to_integral_value(ROUND_HALF_EVEN))
    if not -E8_MAX <= scaled <= E8_MAX:
        raise InvalidValueError(f"{field} {value} is too large to be stored.")
    return scaled


def to_floats(column: Ints) -> Floats:
    """A column in units of one. Values over 2^53 (volumes) are converted in two parts: whole ones stay whole."""
    if len(column) == 0 or (int(column.max()) <= _EXACT_FLOAT and int(column.min()) >= -_EXACT_FLOAT):
        return column / float(SCALE)
    return column // SCALE + (column % SCALE) / float(SCALE)


def from_e8(value: int) -> Decimal:
    """The decimal of an e8 integer, without zeros that say nothing (231.4, not 231.40000000)."""
    decimals = _DIGITS
    while decimals and value % 10 == 0:
        value //= 10
        decimals -= 1
    return Decimal(value).scaleb(-decimals) if decimals else Decimal(value)


def to_decimals(column: Ints) -> list[Decimal]:
    """Decimals of a whole column, all with as many places as the most exact of them needs."""
    decimals = _DIGITS
    while decimals and not (column % 10).any():
        column = column // 10
        decimals -= 1
    known: dict[int, Decimal] = {}
    for value in set(column.tolist()):
        known[value] = Decimal(f"{value}E-{decimals}") if decimals else Decimal(value)
    return [known[value] for value in column.tolist()]
