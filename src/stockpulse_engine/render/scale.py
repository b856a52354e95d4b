"""Values to rows: linear or logarithmic, with round steps for an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

_STEPS = (1.0, 2.0, 2.5, 5.0)
_PAD = 0.03
"""Room above and below: six percent in all."""
_REACH = 0.75
"""Own orders count as within view up to this share of the bars' range beyond it."""


class Scale(msgspec.Struct, frozen=True):
    """`low` … `high` over `rows` rows, top row first; on a log scale both ends are positive."""

    low: float
    high: float
    rows: int
    is_log: bool = False

    def place(self, value: float) -> float:
        """Rows from the top edge to a value, with its fraction."""
        if not self.is_log:
            return (self.high - value) / (self.high - self.low) * self.rows
        if value <= 0:
            return float(self.rows)
        return math.log(self.high / value) / math.log(self.high / self.low) * self.rows

    def row(self, value: float) -> int:
        """The row a value lies in; outside 0 … rows - 1 when it is out of view."""
        return math.floor(self.place(value))

    def contains(self, value: float) -> bool:
        """Whether the value is in view."""
        return self.low <= value <= self.high

    def marks(self, *, spacing: int, smallest: float) -> list[float]:
        """Round values at least `spacing` rows apart, from the top down."""
        step = round_step((self.high - self.low) * spacing / self.rows, smallest)
        first = math.floor(self.high / step)
        return [
            i * step
            for i in range(first, max(first - self.rows, math.ceil(self.low / step)) - 1, -1)
            if self.low <= i * step <= self.high
        ]


def round_step(least: float, smallest: float) -> float:
    """The smallest round step (1, 2, 2.5 or 5 times a power of ten) not below `least` nor `smallest`."""
    wanted = max(least, smallest, 1e-12)
    power = 10.0 ** math.floor(math.log10(wanted))
    for scale in (power, power * 10):
        for step in _STEPS:
            is_on_grid = abs(step * scale / smallest - round(step * scale / smallest)) < 1e-6
            if step * scale >= wanted * (1 - 1e-9) and is_on_grid:
                return step * scale
    return power * 10


def zero_scale(low: float, high: float, rows: int) -> Scale:
    """A scale over `low` … `high` and zero on which zero is the edge between two rows, so that columns end sharply."""
    below, above = max(0.0, -low), max(0.0, high)
    units = {
        k: max(above / k if k else 0.0, below / (rows - k) if k < rows else 0.0)
        for k in range(rows + 1)
        if (k or not above) and (k < rows or not below)
    }
    edge = min(units, key=lambda k: units[k], default=rows // 2)
    unit = (units.get(edge) or 1.0) * (1 + _PAD)
    return Scale(-unit * (rows - edge), unit * edge, rows)


def fit_scale(low: float, high: float, extras: Iterable[float], rows: int, *, is_log: bool = False) -> Scale:
    """A scale over `low` … `high` and those `extras` that lie near enough, with a little room."""
    span = high - low or abs(high) * 0.01 or 1.0
    near = [value for value in extras if low - span * _REACH <= value <= high + span * _REACH]
    low, high = min([low, *near]), max([high, *near])
    pad = (high - low or span) * _PAD
    is_usable = is_log and low - pad > 0
    return Scale(low - pad, high + pad, max(1, rows), is_usable)
