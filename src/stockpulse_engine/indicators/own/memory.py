"""Nodes that remember: TA-Lib's functions, steps with a state of their own, and functions of the last few values."""

from __future__ import annotations

import importlib
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stockpulse_engine.indicators.own.lines import Line, Step, Values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

    Advance = Callable[..., tuple[Any, Values]]

_ROWS = 4096
"""Windows laid side by side at once: bounded memory for any length."""


class Talib:
    """A function of TA-Lib over lines; its stream handle carries it on."""

    def __init__(self, name: str, inputs: tuple[Line, ...], parameters: dict[str, float | int], width: int) -> None:
        self.inputs = inputs
        self.width = width
        self._name = name
        self._parameters = parameters

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Over whole columns; bars at which an input has no value are left out."""
        good = _usable(columns)
        used = [column[good] for column in columns]
        return _spread(good, self.batch(used)), _TalibStep(self, used)

    def batch(self, columns: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """The function over columns without NaN."""
        import numpy as np

        if not len(columns[0]):
            return (np.empty(0),) * self.width
        made = getattr(importlib.import_module("talib"), self._name)(*columns, **self._parameters)
        outputs = made if isinstance(made, tuple) else (made,)
        return [np.asarray(output, dtype=np.float64) for output in outputs]

    def handle(self, columns: Sequence[FloatArray]) -> Any:
        """TA-Lib's handle after these columns, None while they are too short."""
        try:
            return getattr(importlib.import_module("talib.stream"), self._name)(*columns, **self._parameters)
        except importlib.import_module("talib").InsufficientHistory:
            return None


class _TalibStep:
    """Keeps the first bars until TA-Lib opens a handle on them."""

    def __init__(self, node: Talib, columns: Sequence[FloatArray]) -> None:
        self._node = node
        self._handle = node.handle(columns) if len(columns[0]) else None
        self._rows = (
            [] if self._handle is not None else list(zip(*(column.tolist() for column in columns), strict=True))
        )

    def take(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * self._node.width
        if self._handle is not None:
            return _values(self._handle.update(*values))
        self._rows.append(tuple(values))
        columns = _columns(self._rows)
        self._handle = self._node.handle(columns)
        if self._handle is None:
            return tuple(float(column[-1]) for column in self._node.batch(columns))
        self._rows = []
        return _values(self._handle.value)

    def peek(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * self._node.width
        if self._handle is not None:
            return _values(self._handle.peek(*values))
        return tuple(float(column[-1]) for column in self._node.batch(_columns([*self._rows, tuple(values)])))


class Scan:
    """A state that each bar moves on: `advance(state, *values)` gives the next state and the outputs at this bar."""

    def __init__(self, advance: Advance, start: Any, inputs: tuple[Line, ...], width: int) -> None:
        self.inputs = inputs
        self.width = width
        self._advance = advance
        self._start = start

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Bar by bar over the columns; bars at which an input has no value are passed over."""
        import numpy as np

        good, advance, state = _usable(columns), self._advance, self._start
        rows = []
        for values in zip(*(column[good].tolist() for column in columns), strict=True):
            state, made = advance(state, *values)
            rows.append(made)
        table = np.array(rows, dtype=np.float64).reshape(len(rows), self.width)
        return _spread(good, [table[:, i] for i in range(self.width)]), _ScanStep(advance, state, self.width)


class _ScanStep:
    def __init__(self, advance: Advance, state: Any, width: int) -> None:
        self._advance = advance
        self._state = state
        self._width = width

    def take(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * self._width
        self._state, made = self._advance(self._state, *values)
        return made

    def peek(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * self._width
        return self._advance(self._state, *values)[1]


class Window:
    """A function of the last `length` values, given as rows: it reduces the last axis of a table."""

    width = 1

    def __init__(self, function: Callable[[FloatArray], FloatArray], length: int, line: Line) -> None:
        self.inputs = (line,)
        self._function = function
        self._length = length

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """Over a whole column, some thousand windows at a time."""
        import numpy as np

        column = columns[0]
        made = np.full(column.shape, math.nan)
        if len(column) >= self._length:
            windows = np.lib.stride_tricks.sliding_window_view(column, self._length)
            for first in range(0, len(windows), _ROWS):
                rows = np.ascontiguousarray(windows[first : first + _ROWS])
                made[self._length - 1 + first : self._length - 1 + first + len(rows)] = self._function(rows)
        return (made,), _WindowStep(self._function, self._length, column)


class _WindowStep:
    def __init__(self, function: Callable[[FloatArray], FloatArray], length: int, column: FloatArray) -> None:
        self._function = function
        self._length = length
        self._kept = deque(column[max(0, len(column) - length) :].tolist(), maxlen=length)

    def take(self, values: Sequence[float]) -> Values:
        self._kept.append(values[0])
        return self._made(list(self._kept))

    def peek(self, values: Sequence[float]) -> Values:
        return self._made([*self._kept, values[0]][-self._length :])

    def _made(self, kept: list[float]) -> Values:
        import numpy as np

        if len(kept) < self._length:
            return (math.nan,)
        return (float(self._function(np.array([kept], dtype=np.float64))[0]),)


def ta(name: str, *lines: Line, **parameters: float) -> Line:
    """The one output of a function of TA-Lib."""
    return Line(Talib(name, lines, parameters, 1))


def scan(advance: Advance, start: Any, *lines: Line, width: int = 1) -> tuple[Line, ...]:
    """The outputs of a state that each bar moves on."""
    node = Scan(advance, start, lines, width)
    return tuple(Line(node, i) for i in range(width))


def window(function: Callable[[FloatArray], FloatArray], length: int, line: Line) -> Line:
    """A function of the last `length` values of a line."""
    return Line(Window(function, length, line))


def _usable(columns: Sequence[FloatArray]) -> npt.NDArray[np.bool_]:
    import numpy as np

    good: npt.NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(column) for column in columns])
    return good


def _spread(good: npt.NDArray[np.bool_], outputs: Sequence[FloatArray]) -> list[FloatArray]:
    """The outputs back at the bars they belong to, NaN at the others."""
    import numpy as np

    full = [np.full(good.shape, math.nan) for _ in outputs]
    for column, output in zip(full, outputs, strict=True):
        column[good] = output
    return full


def _columns(rows: Sequence[Sequence[float]]) -> list[FloatArray]:
    import numpy as np

    table = np.array(rows, dtype=np.float64)
    return [np.ascontiguousarray(table[:, i]) for i in range(table.shape[1])]


def _values(result: Any) -> Values:
    return tuple(float(one) for one in result) if isinstance(result, tuple) else (float(result),)
