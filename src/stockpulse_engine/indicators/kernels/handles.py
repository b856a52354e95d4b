"""The nine through TA-Lib's own stream handles: what is there without numba. A handle can not be saved."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.indicators.kernels import layout
from stockpulse_engine.indicators.kernels.nine import INSTALL, refuse

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_STOCH = (14, 3, 0, 3, 0)
_NOTHING = (math.nan,) * layout.WIDTH


class _One:
    """One instrument: its first bars, then the handles opened on them."""

    def __init__(self) -> None:
        self.told: tuple[float, ...] = _NOTHING
        self.paid = self.traded = 0.0
        self._rows: list[tuple[float, ...]] = []
        self._handles: tuple[Any, ...] = ()

    def take(self, bar: tuple[float, ...]) -> None:
        """Take one closed bar."""
        high, low, close, volume = bar
        self.paid += (high + low + close) / 3.0 * volume
        self.traded += volume
        if self._handles:
            self.told = self._moved("update", bar)
            return
        self._rows.append(bar)
        self.told = self._early(self._rows)
        if len(self._rows) >= layout.WARM:
            self._handles, self._rows = _open(self._rows), []

    def peek(self, bar: tuple[float, ...]) -> tuple[float, ...]:
        """What would be told if this bar closed now."""
        high, low, close, volume = bar
        before = self.paid, self.traded
        self.paid, self.traded = self.paid + (high + low + close) / 3.0 * volume, self.traded + volume
        told = self._moved("peek", bar) if self._handles else self._early([*self._rows, bar])
        self.paid, self.traded = before
        return told

    def _moved(self, how: str, bar: tuple[float, ...]) -> tuple[float, ...]:
        high, low, close, volume = bar
        sma, ema, rsi, macd, bands, atr, stoch, obv = (getattr(handle, how) for handle in self._handles)
        upper, _, lower = bands(close)
        return (
            sma(close), ema(close), rsi(close), *macd(close), upper, lower, atr(high, low, close),
            *stoch(high, low, close), obv(close, volume), self._vwap(),
        )  # fmt: skip

    def _early(self, rows: list[tuple[float, ...]]) -> tuple[float, ...]:
        import numpy as np

        table = np.array(rows).T
        told = [float(column[-1]) for column in _columns(*(np.ascontiguousarray(line) for line in table))]
        return (*told[:-1], self._vwap())

    def _vwap(self) -> float:
        return self.paid / self.traded if self.traded > 0.0 else math.nan


class TalibNine:
    """Eight handles for each instrument; see `Nine`."""

    engine = "talib"

    def __init__(self, size: int) -> None:
        self._ones = [_One() for _ in range(size)]

    @property
    def values(self) -> Floats:
        """What is told of each instrument."""
        import numpy as np

        return np.array([one.told for one in self._ones]).reshape(len(self._ones), layout.WIDTH)

    def take(self, rows: Ints, *bars: Floats) -> None:
        """Take a frame of closed bars."""
        for row, bar in self._checked(rows, bars):
            self._ones[row].take(bar)

    def peek(self, rows: Ints, *bars: Floats) -> Floats:
        """What would be told if these bars closed now."""
        import numpy as np

        told = [self._ones[row].peek(bar) for row, bar in self._checked(rows, bars)]
        return np.array(told).reshape(len(told), layout.WIDTH)

    def tick(self, row: int, *bar: float) -> None:
        """Take one closed bar of one instrument."""
        if not (0 <= row < len(self._ones) and math.isfinite(sum(bar))):
            raise refuse(len(self._ones), row, bar)
        self._ones[row].take(bar)

    def begin_session(self, rows: Sequence[int] | None = None) -> None:
        """From here on the VWAP is that of a new session, for all instruments or for some."""
        for one in self._ones if rows is None else (self._ones[row] for row in rows):
            one.paid = one.traded = 0.0

    def forget(self, rows: Sequence[int]) -> None:
        """These instruments have seen no bar."""
        for row in rows:
            self._ones[row] = _One()

    def snapshot(self) -> bytes:
        """Not to be had: TA-Lib's handles can not be saved.

        Raises:
            UnavailableError: always.
        """
        raise UnavailableError("TA-Lib's handles can not be saved.", fix=f"Open again from history, or {INSTALL}.")

    def restore(self, data: bytes) -> None:
        """Not to be had, as `snapshot`.

        Raises:
            UnavailableError: always.
        """
        raise UnavailableError("TA-Lib's handles can not be restored.", fix=f"Open again from history, or {INSTALL}.")

    def _checked(self, rows: Ints, bars: tuple[Floats, ...]) -> list[tuple[int, tuple[float, ...]]]:
        if len(bars) != 4 or any(len(column) != len(rows) for column in bars):
            raise InvalidValueError("A frame is rows, high, low, close, volume, equally long.", fix="Give five arrays.")
        frame = list(zip(rows.tolist(), zip(*(column.tolist() for column in bars), strict=True), strict=True))
        for row, bar in frame:
            if not (0 <= row < len(self._ones) and math.isfinite(sum(bar))):
                raise refuse(len(self._ones), row, bar)
        return frame


def run(bars: tuple[Floats, ...], out: Floats) -> bool:
    """The nine over whole histories, False when a bar is no number."""
    import numpy as np

    if not all(np.isfinite(table).all() for table in bars):
        return False
    for row in range(len(out)):
        for place, column in enumerate(_columns(*(table[row] for table in bars))):
            out[row, place] = column
    return True


def _columns(high: Floats, low: Floats, close: Floats, volume: Floats) -> tuple[Floats, ...]:
    import numpy as np

    talib = importlib.import_module("talib")
    if not len(close):
        return (close,) * layout.WIDTH
    upper, _, lower = talib.BBANDS(close, 20)
    traded = np.cumsum(volume)
    paid = np.cumsum((high + low + close) / 3.0 * volume)
    vwap = np.divide(paid, traded, out=np.full(len(close), math.nan), where=traded > 0.0)
    return (
        talib.SMA(close, 20), talib.EMA(close, 20), talib.RSI(close, 14), *talib.MACD(close), upper, lower,
        talib.ATR(high, low, close, 14), *talib.STOCH(high, low, close, *_STOCH), talib.OBV(close, volume), vwap,
    )  # fmt: skip


def _open(rows: list[tuple[float, ...]]) -> tuple[Any, ...]:
    import numpy as np

    stream = importlib.import_module("talib.stream")
    high, low, close, volume = (np.ascontiguousarray(column) for column in np.array(rows).T)
    return (
        stream.SMA(close, 20), stream.EMA(close, 20), stream.RSI(close, 14), stream.MACD(close, 12, 26, 9),
        stream.BBANDS(close, 20), stream.ATR(high, low, close, 14), stream.STOCH(high, low, close, *_STOCH),
        stream.OBV(close, volume),
    )  # fmt: skip
