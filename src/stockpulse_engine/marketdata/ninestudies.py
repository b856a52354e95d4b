"""Standard studies of many series at once: the compiled kernels take what closed and look at what forms, once a frame.

Each series of bars has a row in the kernels' table. A row belongs to the history it was opened with: two answers that
began at different bars have running totals (OBV) of their own.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import StudyPoint
from stockpulse_engine.indicators.kernels import layout

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stockpulse_engine.indicators.kernels.nine import Nine

    FloatArray = npt.NDArray[np.float64]

MAX_ROWS = 256
"""Series kept in the table; the least recently asked for is dropped."""
STANDARD: dict[str, dict[str, int]] = {
    "sma 20": {"real": layout.SMA},
    "ema 20": {"real": layout.EMA},
    "rsi 14": {"real": layout.RSI},
    "macd 12": {"macd": layout.MACD, "macdsignal": layout.SIGNAL, "macdhist": layout.HIST},
    "bbands 20": {"upperband": layout.UPPER, "middleband": layout.SMA, "lowerband": layout.LOWER},
    "atr 14": {"real": layout.ATR},
    "stoch 14": {"slowk": layout.SLOWK, "slowd": layout.SLOWD},
    "obv": {"real": layout.OBV},
    "vwap session": {"real": layout.VWAP},
}
"""The nine as studies are written, and where the kernels tell each output."""

DaysOf = Callable[[str, Iterable[int]], Sequence[float]]
SeriesKey = tuple[str, BarSpec, int]
"""Instrument, spec, and the start of the first bar of the history."""


class _Series:
    """One row: the bar that is still open, its session, and the studies that are told."""

    __slots__ = ("bar", "day", "is_dirty", "row", "texts")

    def __init__(self, row: int, bar: Bar, day: float) -> None:
        self.row = row
        self.bar = bar
        self.day = day
        self.texts: set[str] = set()
        self.is_dirty = False


class NineStudies:
    """Keeps standard studies current in one table of states."""

    def __init__(self, nine: Nine, days_of: DaysOf, *, rows: int = MAX_ROWS) -> None:
        """`nine` has at least so many rows."""
        self._nine = nine
        self._days_of = days_of
        self._free = list(range(rows))
        self._series: OrderedDict[SeriesKey, _Series] = OrderedDict()
        self._of: dict[tuple[str, BarSpec], list[SeriesKey]] = {}
        self._closed: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._series)

    def keep(
        self, instrument_id: str, texts: Sequence[str], bars: Sequence[Bar], columns: Sequence[FloatArray]
    ) -> bool:
        """Keep studies current from their history on, the last bar being the open one.

        Args:
            instrument_id: as it was asked for.
            texts: some of STANDARD.
            bars: the history, at least one bar.
            columns: its open, high, low, close and volume.

        Returns:
            False when a number of it is none: whoever asked does it another way.
        """
        import numpy as np

        if not all(np.isfinite(column).all() for column in columns[:5]):
            return False
        key = (instrument_id, bars[-1].spec, bars[0].ts_event)
        for text in texts:
            self.forget(*key[:2], text)
        series = self._series.get(key) or self._new(key, bars[-1])
        series.texts.update(texts)
        self._series.move_to_end(key)
        self._open(series, np.array(self._days_of(instrument_id, (bar.ts_event for bar in bars))), bars, columns)
        return True

    def _new(self, key: SeriesKey, bar: Bar) -> _Series:
        if not self._free:
            self._drop(next(iter(self._series)))
        series = self._series[key] = _Series(self._free.pop(), bar, math.nan)
        self._of.setdefault(key[:2], []).append(key)
        return series

    def _open(self, series: _Series, days: FloatArray, bars: Sequence[Bar], columns: Sequence[FloatArray]) -> None:
        """Take the closed bars of a history; what was there is forgotten, for a bar of it may have been corrected."""
        import numpy as np

        self._take_closed()
        self._nine.forget([series.row])
        series.bar, series.day = bars[-1], float(days[-1])
        begun = int(np.argmax(days == days[-1]))  # the open bar's session
        self._take_part(series.row, columns, slice(0, begun))
        self._nine.begin_session([series.row])
        self._take_part(series.row, columns, slice(begun, len(bars) - 1))

    def _take_part(self, row: int, columns: Sequence[FloatArray], part: slice) -> None:
        import numpy as np

        _, high, low, close, volume = (column[part] for column in columns[:5])
        self._nine.take(np.full(len(close), row), high, low, close, volume)

    def take(self, bar: Bar) -> None:
        """Take the newest state of an open bar; a later one closes the one before."""
        for key in self._of.get((bar.instrument_id, bar.spec), ()):
            series = self._series[key]
            if bar.ts_event > series.bar.ts_event:
                self._close(series, bar)
            if bar.ts_event >= series.bar.ts_event:
                series.bar = bar
                series.is_dirty = True

    def flush(self) -> Iterator[StudyPoint]:
        """One point for each study whose bar changed since the last call: at most one call to take, one to look."""
        self._take_closed()
        changed = [(key, series) for key, series in self._series.items() if series.is_dirty]
        if not changed:
            return
        told = self._nine.peek(*_frame([(series.row, *numbers(series.bar)) for _, series in changed]))
        for (key, series), values in zip(changed, told.tolist(), strict=True):
            series.is_dirty = False
            for text in sorted(series.texts):
                yield _point(key, text, series.bar, values)

    def forget(self, instrument_id: str, spec: BarSpec, text: str) -> None:
        """A study is kept elsewhere, or with another history, from now on."""
        for key in tuple(self._of.get((instrument_id, spec), ())):
            series = self._series[key]
            series.texts.discard(text)
            if not series.texts:
                self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        for key in tuple(self._series):
            self._drop(key)

    def _close(self, series: _Series, later: Bar) -> None:
        self._closed.append((series.row, *numbers(series.bar)))
        (day,) = self._days_of(later.instrument_id, (later.ts_event,))
        if day != series.day:  # what closed belongs to the session before
            self._take_closed()
            self._nine.begin_session([series.row])
            series.day = day

    def _take_closed(self) -> None:
        if self._closed:
            closed, self._closed = self._closed, []
            self._nine.take(*_frame(closed))

    def _drop(self, key: SeriesKey) -> None:
        self._take_closed()  # the row may have a new owner at once
        self._free.append(self._series.pop(key).row)
        self._of[key[:2]].remove(key)


def numbers(bar: Bar) -> tuple[float, float, float, float]:
    """High, low, close, volume."""
    return float(bar.high), float(bar.low), float(bar.close), float(bar.volume)


def _frame(rows: Sequence[tuple[float, ...]]) -> tuple[npt.NDArray[np.int64], *tuple[FloatArray, ...]]:
    import numpy as np

    table = np.array(rows, dtype=np.float64)
    high, low, close, volume = (np.ascontiguousarray(table[:, place]) for place in range(1, 5))
    return table[:, 0].astype(np.int64), high, low, close, volume


def _point(key: SeriesKey, text: str, bar: Bar, values: Sequence[float]) -> StudyPoint:
    return StudyPoint(
        instrument_id=key[0],
        spec=str(key[1]),
        study=text,
        ts_event=bar.ts_event,
        values={
            name: values[place] if math.isfinite(values[place]) else None for name, place in STANDARD[text].items()
        },
    )
