"""The engine about itself, for the API: health, backup, stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.bootstrap.health import HealthBoard
from stockpulse_engine.bootstrap.offline import backup_directory, backup_to
from stockpulse_engine.domain.views import ClockView, FeedCounts, HaltView, HealthView
from stockpulse_engine.storage.backup import drop_backups

BACKUPS_KEPT = 48
"""Backups kept in the data directory; the oldest go first."""


class SystemService:
    """Implements the API's SystemPort. Callables keep it free of knowing the other services."""

    def __init__(
        self,
        *,
        paths: Paths,
        clock: Clock,
        board: HealthBoard,
        halt: Callable[[], HaltView],
        market_clock: Callable[[], ClockView | None],
        journal_head: Callable[[], tuple[int, str]],
        heads: Callable[[], int],
        kills_survived: Callable[[], int],
        ages: Callable[[str], int | None],
        feed: Callable[[], FeedCounts],
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._board = board
        self._halt = halt
        self._market_clock = market_clock
        self._journal_head = journal_head
        self._heads = heads
        self._kills_survived = kills_survived
        self._ages = ages
        self._feed = feed
        self.stop_asked = asyncio.Event()

    def health(self) -> HealthView:
        """State of every part."""
        return self._board.view(
            halt=self._halt(),
            clock=self._market_clock(),
            head=self._journal_head(),
            heads=self._heads(),
            kills_survived=self._kills_survived(),
            ages=self._ages,
            feed=self._feed(),
        )

    async def backup(self) -> tuple[str, int]:
        """Write a consistent backup into the data directory; returns (file name, bytes)."""
        directory = ensure_private(backup_directory(self._paths))
        file, size = await asyncio.to_thread(backup_to, self._paths, directory, self._clock)
        await asyncio.to_thread(_prune, directory)
        return file.name, size

    async def stop(self) -> None:
        """Begin the ordered stop."""
        self._board.stopping()
        self.stop_asked.set()


def _prune(directory: Path) -> None:
    drop_backups(directory, sorted(directory.glob("stockpulse-*.tar.gz"))[:-BACKUPS_KEPT])
