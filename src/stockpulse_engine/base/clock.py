"""Clocks are injected: wall time for time-outs and stamps, manual time for simulation and tests."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of UTC nanoseconds and of monotonic nanoseconds."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back; only differences mean anything."""
        ...


class WallClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """The machine's monotonic clock."""
        return time.monotonic_ns()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now = now_ns
        self._start = now_ns

    def now_ns(self) -> int:
        """The time last set."""
        return self._now

    def monotonic_ns(self) -> int:
        """Time passed since construction."""
        return self._now - self._start

    def advance(self, nanoseconds: int) -> None:
        """Move forward by a non-negative amount."""
        if nanoseconds < 0:
            raise ValueError("time does not run backwards")
        self._now += nanoseconds
