"""What was told, in order: each report has a number that only grows, so that a listener goes on where it was."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from msgspec import structs

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.reports import ExecutionReport

MOST: Final = 20_000


class Tape:
    """The newest reports. The gateway numbers nothing: a number is the time at which a fact was learned."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: deque[ExecutionReport] = deque(maxlen=MOST)
        self._last = 0
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of the last report."""
        return self._last

    def put(self, report: ExecutionReport) -> int:
        """Tell it; returns its number."""
        self._last = max(self._last + 1, self._clock.now_ns())
        self._reports.append(structs.replace(report, report_seq=self._last))
        self.wake()
        return self._last

    def after(self, seq: int) -> list[ExecutionReport]:
        """Everything that was told after that, oldest first."""
        found: list[ExecutionReport] = []
        for report in reversed(self._reports):
            if report.report_seq <= seq:
                break
            found.append(report)
        return found[::-1]

    def wake(self) -> None:
        """Let listeners look."""
        self._news.set()
        self._news = asyncio.Event()

    def news(self) -> asyncio.Event:
        """Set when something was told, or ended, after this was asked."""
        return self._news
