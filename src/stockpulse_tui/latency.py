"""Tick to cell: how long from the engine's frame to the painted cell; a bounded window of the last ones."""

from __future__ import annotations

from collections import deque

WINDOW = 512


class Latency:
    """Percentiles over the last measurements, in nanoseconds."""

    def __init__(self) -> None:
        self._values: deque[int] = deque(maxlen=WINDOW)
        self.is_settling = True
        """Just connected: what is shown is the state so far, not ticks, and is not measured."""

    def add(self, nanoseconds: int) -> None:
        """Take one in; a clock that went backwards counts as nothing."""
        if not self.is_settling:
            self._values.append(max(0, nanoseconds))

    def percentile(self, share: float) -> int:
        """The value below which `share` of the measurements lie; 0 without any."""
        if not self._values:
            return 0
        ordered = sorted(self._values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
