"""The embedded store as one thing: readers, writers and upkeep of a history directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.reader import StoreReader
from stockpulse_engine.storage.history.settings import HistorySettings

if TYPE_CHECKING:
    from stockpulse_engine.storage.history.compact import Compacted
    from stockpulse_engine.storage.history.upkeep import Upkeep
    from stockpulse_engine.storage.history.writer import SegmentWriter


class EmbeddedHistory:
    """One history directory, opened. Nothing is made on disk before the first write."""

    def __init__(self, directory: Path, clock: Clock, settings: HistorySettings) -> None:
        self.layout = Layout(directory)
        self._clock = clock
        self.settings = settings
        self.reader = StoreReader(self.layout, clock, settings.priority)
        """Implements marketdata.history.HistoryReader."""
        self._writer: SegmentWriter | None = None

    @property
    def writer(self) -> SegmentWriter:
        """Implements marketdata.history.HistoryWriter; made when first asked for, because it loads polars."""
        if self._writer is None:
            from stockpulse_engine.storage.history.hot import HotTier
            from stockpulse_engine.storage.history.writer import SegmentWriter

            self._writer = SegmentWriter(self.layout, self._clock, HotTier(self.layout))
        return self._writer

    @property
    def upkeep(self) -> Upkeep:
        """Merging, pruning, sweeping, verifying."""
        from stockpulse_engine.storage.history.upkeep import Upkeep

        return Upkeep(self.layout, self.writer.ledger, self._clock)

    def compact(self) -> Compacted:
        """Turn the live tail into segments, here and now (a running engine does so in a process of its own)."""
        from stockpulse_engine.storage.history.compact import compact

        return compact(self.layout, self.writer)

    def close(self) -> None:
        """Let go of the catalog."""
        self.reader.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> EmbeddedHistory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_history(directory: Path, clock: Clock, settings: HistorySettings | None = None) -> EmbeddedHistory:
    """Open the history of a home (`paths.history`); close it when done, or use it in a `with`."""
    return EmbeddedHistory(directory, clock, settings or HistorySettings())
