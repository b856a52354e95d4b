"""Memory that is not used any more goes back to the system: some allocators keep it otherwise, for good."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int] | None:
    """The C library's `malloc_trim`; None where there is none (macOS, musl) or where it needs none."""
    import ctypes  # a millisecond that no first frame waits for

    try:
        found = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    return lambda pad: int(found(pad))


def give_back() -> bool:
    """Return free pages to the system, within a millisecond; False where that is not to be had or nothing was free."""
    trim = _trim()
    return trim is not None and trim(0) == 1
