"""The parts a study of ours is made of: lines (series of numbers) and the nodes that make them from other lines.

A node is given whole columns once and from then on one value at a time; both ways go through the same arithmetic, so
a stream equals the batch to the last bit. A node that has nothing to say yet says NaN.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

Values = tuple[float, ...]


class Step(Protocol):
    """A node carried on bar by bar."""

    def take(self, values: Sequence[float]) -> Values:
        """The outputs at the next bar, which is taken in."""
        ...

    def peek(self, values: Sequence[float]) -> Values:
        """The outputs if the next bar were this one; nothing is taken in."""
        ...


class Node(Protocol):
    """Makes `width` lines out of its `inputs`."""

    @property
    def inputs(self) -> tuple[Line, ...]:
        """The lines it reads."""
        ...

    @property
    def width(self) -> int:
        """How many lines it makes."""
        ...

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Its outputs over whole columns, and the step that goes on after them."""
        ...


class Line:
    """One output of a node; arithmetic on lines makes new lines. A division by zero gives zero."""

    def __init__(self, node: Node, index: int = 0) -> None:
        self.node = node
        self.index = index

    def __add__(self, other: Line | float) -> Line:
        return each(operator.add, self, other)

    def __radd__(self, other: float) -> Line:
        return each(operator.add, other, self)

    def __sub__(self, other: Line | float) -> Line:
        return each(operator.sub, self, other)

    def __rsub__(self, other: float) -> Line:
        return each(operator.sub, other, self)

    def __mul__(self, other: Line | float) -> Line:
        return each(operator.mul, self, other)

    def __rmul__(self, other: float) -> Line:
        return each(operator.mul, other, self)

    def __truediv__(self, other: Line | float) -> Line:
        return each(ratio, self, other)

    def __neg__(self) -> Line:
        return each(operator.neg, self)

    def __abs__(self) -> Line:
        return each(abs, self)


class Price:
    """One series of the bars, by name: what a graph is fed with."""

    width = 1
    inputs: tuple[Line, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """The graph hands the column in; nothing is made of it."""
        return columns, _Plain(_first)


class Each:
    """A function of the values at one bar; it must do the same to arrays and to numbers."""

    width = 1

    def __init__(self, function: Callable[..., Any], inputs: tuple[Line, ...]) -> None:
        self.inputs = inputs
        self._function = function

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Over whole columns."""
        import numpy as np

        with np.errstate(invalid="ignore"):
            made = self._function(*columns)
        return (np.asarray(made, dtype=np.float64),), _Plain(self._function)


class Lag:
    """The value some bars ago."""

    width = 1

    def __init__(self, line: Line, bars: int) -> None:
        self.inputs = (line,)
        self._bars = bars

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Over a whole column."""
        import numpy as np

        column = columns[0]
        moved = np.full(column.shape, math.nan)
        moved[self._bars :] = column[: max(0, len(column) - self._bars)]
        return (moved,), _LagStep(self._bars, column)


class _LagStep:
    def __init__(self, bars: int, column: FloatArray) -> None:
        kept = [math.nan] * bars + column.tolist()
        self._kept = deque(kept[len(kept) - bars :], maxlen=bars)

    def take(self, values: Sequence[float]) -> Values:
        made = self.peek(values)
        self._kept.append(values[0])
        return made

    def peek(self, values: Sequence[float]) -> Values:
        return (self._kept[0] if self._kept else values[0],)


class _Plain:
    """A step that remembers nothing."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def take(self, values: Sequence[float]) -> Values:
        return (float(self._function(*values)),)

    peek = take


def price(name: str) -> Line:
    """A series of the bars: open, high, low, close, volume, session or benchmark."""
    return Line(Price(name))


def each(function: Callable[..., Any], *terms: Line | float) -> Line:
    """A function of the values at one bar; numbers among the terms are constants."""
    lines = tuple(term for term in terms if isinstance(term, Line))
    if len(lines) == len(terms):
        return Line(Each(function, lines))

    def filled(*values: Any) -> Any:
        rest = iter(values)
        return function(*(next(rest) if isinstance(term, Line) else term for term in terms))

    return Line(Each(filled, lines))


def lag(line: Line, bars: int) -> Line:
    """The line some bars later: its value of `bars` bars ago."""
    return Line(Lag(line, bars)) if bars else line


def ratio(top: Any, bottom: Any) -> Any:
    """`top / bottom`, zero where the bottom is zero: for arrays and numbers alike."""
    import numpy as np

    if isinstance(bottom, float | int):
        return top / bottom if bottom else top * 0.0
    safe = np.where(bottom == 0.0, 1.0, bottom)
    return np.where(bottom == 0.0, top * 0.0, top / safe)


def _first(value: float) -> float:
    return value
