"""One frame per beat: changes gather until the heads of one rate are due, then go out together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stockpulse_engine.api.frames import FrameMaker
from stockpulse_engine.api.outbox import Outbox
from stockpulse_engine.api.pending import Pending

URGENT_S = 0.005
"""Least time between two frames, even for order events."""


class Handle(Protocol):
    """Something scheduled."""

    def cancel(self) -> None:
        """Do not run it."""
        ...


class Scheduler(Protocol):
    """The part of an event loop that is needed here; tests have one that moves by hand."""

    def time(self) -> float:
        """Seconds; only differences mean anything."""
        ...

    def call_at(self, when: float, callback: Callable[[], object]) -> Handle:
        """Call once at that time."""
        ...


class Ticker:
    """Heads of one rate. Idle it sets no timer; the first change after a pause goes out at once."""

    def __init__(self, rate_ms: int, scheduler: Scheduler) -> None:
        self.rate_s = rate_ms / 1000
        self.heads: set[Outbox] = set()
        self.pending = Pending()
        self.frames = 0
        self.encoded = 0
        self._scheduler = scheduler
        self._flushed_at = scheduler.time() - self.rate_s
        self._timer: Handle | None = None
        self._due = 0.0

    def touch(self) -> None:
        """Something changed: send it with the next beat."""
        if self._timer is None:
            self._schedule(self._flushed_at + self.rate_s)

    def hurry(self) -> None:
        """Something changed that a person waits for: send it with this turn of the loop."""
        due = self._flushed_at + min(URGENT_S, self.rate_s)
        if self._timer is None or due < self._due:
            self.cancel()
            self._schedule(due)

    def cancel(self) -> None:
        """Drop the timer, keep what is pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def flush(self) -> None:
        """Send what changed to every head of this rate, now."""
        self.cancel()
        self._flushed_at = self._scheduler.time()
        pending, self.pending = self.pending, Pending()
        if not self.heads or pending.is_empty:
            return
        maker = FrameMaker(pending)
        for head in tuple(self.heads):
            head.offer(maker, pending)
        self.frames += 1
        self.encoded += maker.encoded

    def _schedule(self, due: float) -> None:
        self._due = max(due, self._scheduler.time())
        self._timer = self._scheduler.call_at(self._due, self.flush)
