"""Compiles the streaming kernels into a cache, as a program: a compiler's seconds belong to no engine's loop."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.kernels.nine import open_nine

if TYPE_CHECKING:
    from stockpulse_engine.indicators.kernels.nine import Nine

NICE = 10
"""The market goes first."""


def warmed(size: int, cache: Path) -> Nine:
    """The nine of `size` instruments, everything that a frame calls compiled or loaded."""
    import numpy as np

    nine = open_nine(size, engine="numba", cache=cache)
    rows, bars = np.zeros(0, np.int64), (np.zeros(0),) * 4
    nine.take(rows, *bars)
    nine.peek(rows, *bars)
    return nine


def main() -> None:
    """Compile into the directory named on the command line."""
    os.nice(NICE)
    warmed(1, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
