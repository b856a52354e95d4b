"""At most so many hand-outs a second, the first one at once: frames are joined, none is waited for."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable

PERIOD_S = 0.025
"""Under the period of the engine's frames (33 ms), so that none of them waits for the next."""


class Pace:
    """Calls `work` when asked: now if the last time is long enough ago, else as soon as it is.

    Nothing is handed out any more once `is_over` says so: a head that is leaving has no screen to paint.
    """

    def __init__(
        self,
        call_after: Callable[[float, Callable[[], None]], TimerHandle],
        work: Callable[[], None],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._call_after = call_after
        self._work = work
        self._is_over = is_over
        self._planned = 0.0
        self._handle: TimerHandle | None = None

    def ask(self) -> None:
        """There is something to hand out."""
        if self._handle is not None or self._is_over():
            return
        now = asyncio.get_running_loop().time()
        self._planned = max(now, self._planned + PERIOD_S)
        if self._planned <= now:
            self._work()
        else:
            self._handle = self._call_after(self._planned - now, self._go)

    def _go(self) -> None:
        self._handle = None
        if not self._is_over():
            self._work()
