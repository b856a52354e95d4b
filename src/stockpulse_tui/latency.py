"""Tick to cell: how long from the engine's frame to the painted cell; a bounded window of the last ones."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

WINDOW = 512


class Latency:
    """Percentiles over the last measurements, in nanoseconds."""

    def __init__(self) -> None:
        self._values: deque[int] = deque()
        self._ordered: list[int] = []
        """The same, smallest first: asked for after every frame."""
        self.is_settling = True
        """Just connected: what is shown is the state so far, not ticks, and is not measured."""

    def add(self, nanoseconds: int) -> None:
        """Take one in; a clock that went backwards counts as nothing."""
        if self.is_settling:
            return
        value = max(0, nanoseconds)
        self._values.append(value)
        insort(self._ordered, value)
        if len(self._values) > WINDOW:
            del self._ordered[bisect_left(self._ordered, self._values.popleft())]

    def percentile(self, share: float) -> int:
        """The value below which `share` of the measurements lie; 0 without any."""
        if not self._values:
            return 0
        return self._ordered[min(len(self._ordered) - 1, int(len(self._ordered) * share))]
