"""The nine through compiled kernels: states of all instruments in one table, one call per frame."""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.indicators.kernels import layout
from stockpulse_engine.indicators.kernels.nine import refuse

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_MAGIC = b"sp-nine\x01"
_HEADER = struct.Struct("<8sII")
"""Before the states in a snapshot: what it is, how many instruments, how many numbers each."""


@lru_cache(maxsize=8)
def load_kernels(cache: Path) -> tuple[Any, Any]:
    """The two modules of compiled loops; their code is kept in `cache` from one process to the next."""
    numba = importlib.import_module("numba")
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache)  # read once, when a function is declared
    try:
        names = ("loops", "passes")
        loops, passes = (importlib.import_module(f"stockpulse_engine.indicators.kernels.{name}") for name in names)
    finally:
        numba.config.CACHE_DIR = before
    return loops, passes


class CompiledNine:
    """States in one table of numbers, a row per instrument, behind the header of their snapshot; see `Nine`."""

    engine = "numba"

    def __init__(self, size: int, cache: Path) -> None:
        import numpy as np

        self._loops = load_kernels(cache)[0]
        shape = (size, layout.STATE_WIDTH)
        self._saved = bytearray(_HEADER.pack(_MAGIC, *shape)) + bytearray(8 * size * layout.STATE_WIDTH)
        self._state = np.frombuffer(self._saved, dtype=np.float64, offset=_HEADER.size).reshape(shape)
        self._state[:, layout.TOLD :] = np.nan

    @property
    def values(self) -> Floats:
        """What is told of each instrument: a view, it changes with the next bar."""
        return self._state[:, layout.TOLD :]

    def take(self, rows: Ints, *bars: Floats) -> None:
        """Take a frame of closed bars."""
        frame = _frame(rows, bars)
        self._check(self._loops.take(self._state, *frame), frame)

    def peek(self, rows: Ints, *bars: Floats) -> Floats:
        """What would be told if these bars closed now."""
        import numpy as np

        frame = _frame(rows, bars)
        out = np.empty((len(frame[0]), layout.STATE_WIDTH))
        self._check(self._loops.look(self._state, out, *frame), frame)
        return out[:, layout.TOLD :]

    def tick(self, row: int, *bar: float) -> None:
        """Take one closed bar of one instrument."""
        if self._loops.take_one(self._state, row, *bar) >= 0:
            raise refuse(len(self._state), row, bar)

    def begin_session(self, rows: Sequence[int] | None = None) -> None:
        """From here on the VWAP is that of a new session, for all instruments or for some."""
        chosen: Any = slice(None) if rows is None else list(rows)
        self._state[chosen, layout.PAID] = self._state[chosen, layout.TRADED] = 0.0

    def forget(self, rows: Sequence[int]) -> None:
        """These instruments have seen no bar."""
        self._state[list(rows)] = 0.0
        self._state[list(rows), layout.TOLD :] = math.nan

    def snapshot(self) -> bytes:
        """All states, by one copy."""
        return bytes(self._saved)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of as many instruments.

        Raises:
            InvalidValueError: it is none, or one of another size.
        """
        if len(data) != len(self._saved) or data[: _HEADER.size] != self._saved[: _HEADER.size]:
            size = len(self._state)
            raise InvalidValueError(f"This is no snapshot of {size} instruments.", fix="Open again from history.")
        self._saved[:] = data

    def _check(self, bad: int, frame: tuple[Any, ...]) -> None:
        if bad >= 0:
            rows, *bars = frame
            raise refuse(len(self._state), int(rows[bad]), tuple(float(column[bad]) for column in bars))


def run(bars: tuple[Floats, ...], out: Floats, *, cache: Path, workers: int) -> bool:
    """The pass over whole histories, False when a bar is no number; threads share the instruments among them."""
    passes = load_kernels(cache)[1]
    size = len(out)
    if workers <= 1 or size <= 1:
        return bool(passes.run(*bars, out) < 0)
    edges = [size * part // workers for part in range(workers + 1)]
    parts = [slice(first, last) for first, last in pairwise(edges) if last > first]
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda part: passes.run(*(table[part] for table in bars), out[part]), parts)
        return all(bad < 0 for bad in found)


def _frame(rows: Ints, bars: tuple[Floats, ...]) -> tuple[Any, ...]:
    """Arrays as the kernels take them, all of one length."""
    import numpy as np

    frame = (np.ascontiguousarray(rows, np.int64), *(np.ascontiguousarray(column, np.float64) for column in bars))
    if len(bars) != 4 or any(column.shape != frame[0].shape for column in frame[1:]):  # noqa: PLR2004 - high, low, close, volume
        raise InvalidValueError("A frame is rows, high, low, close, volume, equally long.", fix="Give five arrays.")
    return frame
