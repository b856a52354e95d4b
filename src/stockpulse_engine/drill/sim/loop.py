"""An event loop on virtual time: waiting costs nothing, nothing runs beside it, and the same seed is the same run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
NS: Final = 1_000_000_000


class StuckError(Exception):
    """Everything waits and no timer is set: in real life this would hang for ever."""


class _Nothing:
    """A selector without files: being asked to wait is the passing of time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time pass that asyncio would sleep."""
        if timeout is None:
            raise StuckError
        if timeout > 0:
            self._loop.now += timeout
        return []

    def close(self) -> None:
        """There is nothing to close."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop over virtual time. `now` is in seconds since it began.

    Callbacks that are ready run in the order in which they became ready, as asyncio promises; what comes first
    between network, disk and timers is decided by delays drawn from the seed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._selector = _Nothing(self)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def jump(self, seconds: float) -> None:
        """The whole process stands still for so long: nothing runs, and then everything is late."""
        self.now += seconds

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no files."""

    def _write_to_self(self) -> None:
        """Nobody sleeps."""


def run(loop: VirtualLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on virtual time."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        asyncio.set_event_loop(None)


class SimClock:
    """Wall time of the simulated machine; `step` sets it forwards or back, which the monotonic clock does not see."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start = start_ns
        self.offset = 0

    def now_ns(self) -> int:
        """UTC nanoseconds as this machine believes."""
        return self._start + self.offset + round(self._loop.now * NS)

    def true_ns(self) -> int:
        """UTC nanoseconds as everybody else has it."""
        return self._start + round(self._loop.now * NS)

    def monotonic_ns(self) -> int:
        """Nanoseconds since the loop began."""
        return round(self._loop.now * NS)

    def step(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.offset += round(seconds * NS)
