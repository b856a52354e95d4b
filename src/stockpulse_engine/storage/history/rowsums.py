"""A sum per row over its integers: what is read back is what was written.

Parquet as polars writes it carries no checksum of its pages, and a mapped file none at all. The sum is linear, so numpy
makes it at the speed of memory; a flipped bit anywhere in a row changes it, and so does a row of zeros that was never
written. It guards against disks, not against forgers: `verify` compares SHA-256 of whole files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stockpulse_engine.marketdata.columns import Ints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def row_sums(columns: Sequence[Ints]) -> NDArray[np.uint64]:
    """One 64-bit sum per row, wrapping."""
    import numpy as np

    weights = _weights(len(columns) + 1)
    sums = np.full(len(columns[0]), weights[-1], dtype=np.uint64)
    for column, weight in zip(columns, weights, strict=False):
        sums += column.view(np.uint64) * weight
    return sums


def total(sums: NDArray[np.uint64]) -> int:
    """All rows together, as SQLite can store it (signed)."""
    value = int(sums.sum(dtype=sums.dtype)) & _MASK
    return value - 2**64 if value >= 2**63 else value


@lru_cache(maxsize=32)
def _weights(count: int) -> tuple[Any, ...]:
    import numpy as np

    return tuple(np.uint64((_GOLDEN * (2 * number + 1)) & _MASK | 1) for number in range(count))
