"""The nine of all instruments, bar by bar or over whole histories: which engine does it, and the gate before it.

    nine = open_nine(500)
    nine.take(rows, high, low, close, volume)   # one call per frame of closed bars
    nine.values[row, layout.RSI]

Numbers that are not finite are refused as a whole frame: one of them would stay in every average for ever.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from stockpulse_engine.base.paths import ensure_private, resolve_paths
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.indicators.kernels.layout import WIDTH

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

PART_BYTES = 64 * 1024 * 1024
"""Size of the table that `nine_in_parts` uses again and again."""
INSTALL = "pip install 'stockpulse[kernels]'"


class Engine(NamedTuple):
    """Who does the work: `numba` or `talib`, and its version."""

    name: str
    version: str

    @property
    def is_compiled(self) -> bool:
        """Whether the kernels are there."""
        return self.name == "numba"


class Nine(Protocol):
    """The nine of some instruments, each named by its row. Not for several threads at once."""

    @property
    def engine(self) -> str:
        """`numba` or `talib`."""
        ...

    @property
    def values(self) -> Floats:
        """What is told of each instrument after its last closed bar: instruments × `layout.OUTPUTS`, NaN in warm-up."""
        ...

    def take(self, rows: Ints, *bars: Floats) -> None:
        """Take a frame of closed bars: their rows, then high, low, close, volume. All or none."""
        ...

    def peek(self, rows: Ints, *bars: Floats) -> Floats:
        """What would be told if these forming bars closed now: bars × outputs. Nothing is taken in."""
        ...

    def tick(self, row: int, *bar: float) -> None:
        """Take one closed bar of one instrument: high, low, close, volume."""
        ...

    def begin_session(self, rows: Sequence[int] | None = None) -> None:
        """From here on the VWAP is that of a new session, for all instruments or for some."""
        ...

    def forget(self, rows: Sequence[int]) -> None:
        """These instruments have seen no bar."""
        ...

    def snapshot(self) -> bytes:
        """All states, by one copy."""
        ...

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of as many instruments."""
        ...


def find_engine() -> Engine:
    """Who would do the work here; nothing is imported for the answer."""
    if importlib.util.find_spec("numba") is not None:
        return Engine("numba", metadata.version("numba"))
    return Engine("talib", metadata.version("ta-lib"))


def open_nine(size: int, *, engine: str = "", cache: Path | None = None) -> Nine:
    """The nine of `size` instruments that have seen no bar.

    Args:
        size: how many instruments.
        engine: `numba` or `talib`; the better of those installed if left out.
        cache: directory of the compiled code (made private); the home's if left out.
    """
    if (engine or find_engine().name) == "numba":
        from stockpulse_engine.indicators.kernels.compiled import CompiledNine

        return CompiledNine(size, kernel_cache(cache))
    from stockpulse_engine.indicators.kernels.handles import TalibNine

    return TalibNine(size)


def compute_nine(
    high: Floats, low: Floats, close: Floats, volume: Floats, *, out: Floats | None = None, **chosen: Any
) -> Floats:
    """The nine over whole histories: tables of instruments × bars in, instruments × outputs × bars out.

    Args:
        high: highs; `low`, `close` and `volume` are tables of the same shape.
        low: lows.
        close: closes.
        volume: volumes.
        out: a table to write into, so that its memory is used again.
        chosen: `engine` and `cache` as `open_nine` takes them, `workers` threads (1).
    """
    import numpy as np

    bars = tuple(np.ascontiguousarray(table, dtype=np.float64) for table in (high, low, close, volume))
    shape = bars[0].shape
    if len(shape) != 2 or any(table.shape != shape for table in bars):  # noqa: PLR2004 - instruments × bars
        raise InvalidValueError("The nine read four tables of one shape.", fix="Give instruments × bars.")
    wanted = (shape[0], WIDTH, shape[1])
    if out is None:
        out = np.empty(wanted)
    if out.shape != wanted or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise InvalidValueError(f"The table to write into is not {wanted}.", fix="Give one of float64, in C order.")
    if (chosen.get("engine") or find_engine().name) == "numba":
        from stockpulse_engine.indicators.kernels import compiled

        is_good = compiled.run(bars, out, cache=kernel_cache(chosen.get("cache")), workers=chosen.get("workers", 1))
    else:
        from stockpulse_engine.indicators.kernels import handles

        is_good = handles.run(bars, out)
    if not is_good:
        raise InvalidValueError("There is a bar that is no number.", fix="Leave out what is not finite.")
    return out


def nine_in_parts(
    high: Floats, low: Floats, close: Floats, volume: Floats, *, at_once: int = 0, **chosen: Any
) -> Iterator[tuple[int, Floats]]:
    """`compute_nine`, a few instruments at a time: the first one's row, and the table of these.

    The table is used again for the next: read what you want of it before you ask on. So the memory for the outputs of
    everything is never asked of the system, which can cost several times the reckoning.

    Args:
        high: highs; `low`, `close` and `volume` are tables of the same shape.
        low: lows.
        close: closes.
        volume: volumes.
        at_once: instruments of a part; as many as make a table of 64 MB if left out.
        chosen: as `compute_nine` takes them.
    """
    import numpy as np

    size, count = np.shape(high)
    step = min(size, at_once or max(1, PART_BYTES // max(1, 8 * WIDTH * count)))
    table = np.empty((step, WIDTH, count))
    for first in range(0, size, max(1, step)):
        part = slice(first, min(first + step, size))
        bars = tuple(values[part] for values in (high, low, close, volume))
        yield first, compute_nine(*bars, out=table[: part.stop - first], **chosen)


def kernel_cache(chosen: Path | None = None) -> Path:
    """The private directory of compiled code: who can write there runs code as you."""
    if chosen is not None:
        return ensure_private(chosen)
    paths = resolve_paths()
    ensure_private(paths.state)  # it may be the first thing that is ever kept there
    return ensure_private(paths.kernels)


def refuse(size: int, row: int, bar: tuple[float, ...]) -> InvalidValueError:
    """The error for a bar that must not be taken."""
    if not 0 <= row < size:
        return InvalidValueError(f"There is no instrument {row} among {size}.", fix=f"Use rows 0 to {size - 1}.")
    words = ", ".join(f"{value:g}" for value in bar)
    return InvalidValueError(
        f"A bar of instrument {row} has a number that is none: {words}.", fix="Leave out what is not finite."
    )
