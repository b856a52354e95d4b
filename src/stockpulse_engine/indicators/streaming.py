"""Studies that move on bar by bar, through TA-Lib's own handles or our graphs, equal to the batch to the last bit.

A handle can not be saved. After a restart or a corrected bar the stream is opened again from history, which
gives the batch value by construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.indicators.registry import (
    MAX_PERIOD,
    SERIES,
    compute,
    input_arrays,
    library,
    need_series,
    own_catalog,
    parameters_of,
)
from stockpulse_engine.indicators.studies import Study

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

MAX_WARMUP = 10 * MAX_PERIOD
"""Most bars kept while a handle waits for enough history."""


class StudyStream:
    """One study over one series of bars. `values` holds its outputs at the last closed bar, NaN during warm-up."""

    def __init__(self, study: Study, *history: FloatArray) -> None:
        """Open from open, high, low, close, volume (then session, benchmark); any length, also none."""
        need_series(study.info, SERIES[: len(history)])
        self.study = study
        self._names = ["close" if name == "cycle" else name for name in study.info.inputs]
        self._places = [SERIES.index(name) for name in self._names]
        self.values: dict[str, float] = {}
        self._handle: Any = None
        self._cycle: Any = None
        self._warmup: list[tuple[float, ...]] = []
        self.reopen(*history)

    @property
    def is_open(self) -> bool:
        """Whether there was enough history; until then each value comes from the batch."""
        return self._handle is not None

    def reopen(self, *history: FloatArray) -> None:
        """Start afresh from corrected history."""
        self._handle = self._cycle = None
        if self.study.info.is_own:
            self._open_own(history)
            return
        rows = list(zip(*(values.tolist() for values in history), strict=True))
        self._warmup = [row for row in rows if self._is_usable(row)]
        self.values = dict.fromkeys(self.study.info.outputs, math.nan)
        self._open()
        if rows and not self._is_usable(rows[-1]):
            self.values = dict.fromkeys(self.study.info.outputs, math.nan)

    def update(self, bar: Sequence[float]) -> dict[str, float]:
        """Take one closed bar (open, high, low, close, volume) and return the outputs at it.

        A bar that is not finite in a series the function reads gives NaN and changes nothing.
        """
        row = tuple(bar)
        if not self._is_usable(row):
            self.values = dict.fromkeys(self.study.info.outputs, math.nan)
        elif self._handle is not None:
            self.values = self._named(self._handle.update(*self._inputs(row, self._cycle and self._cycle.update)))
        else:
            self._warmup.append(row)
            if len(self._warmup) > MAX_WARMUP:
                raise InvariantError(f"{self.study.text}: {MAX_WARMUP} bars did not open the stream.")
            self._open()
        return self.values

    def peek(self, bar: Sequence[float]) -> dict[str, float]:
        """The outputs if the forming bar closed like this; nothing is taken in, so ask as often as it changes."""
        row = tuple(bar)
        if not self._is_usable(row):
            return dict.fromkeys(self.study.info.outputs, math.nan)
        if self._handle is None:
            return self._batch([*self._warmup, row])
        return self._named(self._handle.peek(*self._inputs(row, self._cycle and self._cycle.peek)))

    def _is_usable(self, row: Sequence[float]) -> bool:
        return all(math.isfinite(row[place]) for place in self._places)

    def _inputs(self, row: Sequence[float], next_cycle: Any) -> list[float]:
        pairs = zip(self.study.info.inputs, self._places, strict=True)
        return [next_cycle(row[place]) if name == "cycle" else row[place] for name, place in pairs]

    def _open_own(self, history: Sequence[FloatArray]) -> None:
        """A graph of ours begins with any history, and goes on with the bars it can read."""
        import numpy as np

        series = dict(zip(SERIES, (np.asarray(values, dtype=np.float64) for values in history), strict=False))
        good = np.logical_and.reduce([np.isfinite(series[name]) for name in self._names])
        columns, self._handle = own_catalog().run(self.study, {name: series[name][good] for name in series})
        is_told = bool(good.size and good[-1])
        self.values = self._named(tuple(column[-1] if is_told else math.nan for column in columns))

    def _open(self) -> None:
        """Open the handle when the history suffices; its own value then equals the batch's."""
        if not self._warmup:
            return
        stream = library("talib.stream")
        arrays = _columns(self._warmup)
        try:
            if "cycle" in self.study.info.inputs:
                self._cycle = stream.HT_DCPERIOD(arrays["close"])
            inputs = input_arrays(self.study.info, arrays)
            self._handle = getattr(stream, self.study.info.name)(*inputs, **parameters_of(self.study))
        except library("talib").InsufficientHistory:
            self._handle = self._cycle = None
            self.values = self._batch(self._warmup)
            return
        self._warmup = []
        self.values = self._named(self._handle.value)

    def _batch(self, rows: Sequence[Sequence[float]]) -> dict[str, float]:
        outputs = compute(self.study, *_columns(rows).values())
        return {name: float(values[-1]) for name, values in outputs.items()}

    def _named(self, result: Any) -> dict[str, float]:
        values = result if isinstance(result, tuple) else (result,)
        return {name: float(value) for name, value in zip(self.study.info.outputs, values, strict=True)}


def _columns(rows: Sequence[Sequence[float]]) -> dict[str, FloatArray]:
    import numpy as np

    table = np.array(rows, dtype=np.float64)
    return {SERIES[i]: np.ascontiguousarray(table[:, i]) for i in range(table.shape[1])}
