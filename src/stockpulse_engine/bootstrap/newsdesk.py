"""News lines of a world that is recorded are kept: every few seconds, by a thread, the same line once."""

from __future__ import annotations

from functools import partial
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.market import NewsItem
from stockpulse_engine.storage.newslog import NewsLog

MAX_WAITING: Final = 10_000
"""Lines that wait for a disk that can not be written; later ones are dropped."""
_log = get_logger("news")


class NewsDesk:
    """Takes lines off the bus and writes them down when asked to."""

    def __init__(self, bus: Bus, paths: Paths, source: str, clock: Clock) -> None:
        self._lines = NewsLog(paths.history)
        self._source = source
        self._clock = clock
        self._waiting: list[NewsItem] = []
        self._is_failing = False
        bus.subscribe(NewsItem, self._take)

    async def flush(self) -> None:
        """Write what waits; what can not be written waits on, and that is said once."""
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        try:
            await in_thread(partial(self._lines.append, lines, self._source, self._clock.now_ns()))
            self._is_failing = False
        except UnavailableError as error:
            self._waiting = [*lines, *self._waiting][:MAX_WAITING]
            if not self._is_failing:
                _log.warning("news_not_kept", problem=error.message)
            self._is_failing = True

    def _take(self, item: NewsItem) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(item)
