"""Which digits are lit after a price moved, and for how long; bounded, and silent when everything moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

import msgspec

HOT, WARM = 2, 1
HOT_NS = 120_000_000
WARM_NS = 300_000_000
MAX_PER_SECOND = 200
SECOND_NS = 1_000_000_000


class Flash(msgspec.Struct):
    """A lit cell: from which character on, which way, since when, how bright."""

    at: int
    is_up: bool
    since_ns: int
    stage: int = HOT


class Flashes:
    """All lit cells of a board, oldest first."""

    def __init__(self) -> None:
        self._lit: dict[str, Flash] = {}
        self._count = 0
        self._window_ns = 0
        self._last_count = 0
        self._next_ns = 0

    def get(self, key: str) -> Flash | None:
        """The flash of a row, None while it is plain."""
        return self._lit.get(key)

    @property
    def lit(self) -> Container[str]:
        """The rows that are not plain."""
        return self._lit

    @property
    def is_flooded(self) -> bool:
        """More changes than eyes can follow: nothing is lit, rows only tick."""
        return self._last_count > MAX_PER_SECOND or self._count > MAX_PER_SECOND

    def changed(self, key: str, old: str, new: str, is_up: bool, now_ns: int) -> None:
        """A cell's text changed; lit unless it was within the last 300 ms or the board is flooded."""
        if now_ns - self._window_ns >= SECOND_NS:
            self._window_ns, self._last_count, self._count = now_ns, self._count, 0
        self._count += 1
        if self.is_flooded or key in self._lit or not old:
            return
        self._lit[key] = Flash(_first_difference(old, new), is_up, now_ns)

    def expire(self, now_ns: int) -> list[str]:
        """Move every flash on by its age; returns the rows that look different now."""
        touched: deque[str] = deque()
        for key, flash in list(self._lit.items()):
            age = now_ns - flash.since_ns
            if age >= WARM_NS:
                del self._lit[key]
                touched.append(key)
            elif age >= HOT_NS and flash.stage == HOT:
                flash.stage = WARM
                touched.append(key)
        return list(touched)

    def __bool__(self) -> bool:
        return bool(self._lit)

    def clear(self) -> list[str]:
        """Put everything out; returns the rows that were lit."""
        keys = list(self._lit)
        self._lit.clear()
        return keys


def _first_difference(old: str, new: str) -> int:
    if len(old) != len(new):
        return 0
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b), len(new))
