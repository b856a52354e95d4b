"""A scheduler that moves by hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class ManualHandle:
    """A call that may still be canceled."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Forget it."""
        self.callback = None


class ManualScheduler:
    """Runs what is due when time is advanced."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._queue: list[tuple[float, int, ManualHandle]] = []
        self._count = 0

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> ManualHandle:
        """Queue a call."""
        handle = ManualHandle(callback)
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._queue and self._queue[0][0] <= until + 1e-9:
            when, _, handle = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            if handle.callback is not None:
                handle.callback()
        self.now = until
