"""The logs of one recording: a stream each, announced in the catalog, turned over when they grow large."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.history.commit import Ledger, TailMark
from stockpulse_engine.storage.history.eventrows import bar_row
from stockpulse_engine.storage.history.hot import HotKey, HotTier
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.tail import Batch, TailLog, cut_torn, decoder_of, is_written_to, read_frames

MAX_LOG_BYTES: Final = 64 * 1024 * 1024


class TailLogs:
    """Appends to one log per stream. What an earlier recording left is closed, its torn ends cut."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ledger = Ledger(layout.root)
        self._hot = HotTier(layout)
        self._logs: dict[str, TailLog] = {}
        self._close_left_behind()

    def append(self, stream: str, source: str, recorded_at: int, seqs: list[int], events: Sequence[Any]) -> None:
        """Write events of one stream; bars reach the hot tier as well."""
        log = self._logs.get(stream)
        if log is None or log.size >= MAX_LOG_BYTES:
            log = self._turn_over(stream)
        log.append(Batch(source, recorded_at, seqs, list(events)))
        if stream == BARS:
            self._make_hot(source, recorded_at, events)

    def sync(self) -> None:
        """Make everything appended durable."""
        for log in self._logs.values():
            log.sync()

    def close(self) -> None:
        """Sync, and say that nothing follows in these logs."""
        for log in self._logs.values():
            log.close()
        self._say_closed([log.path for log in self._logs.values()])
        self._logs.clear()
        self._ledger.close()

    def _turn_over(self, stream: str) -> TailLog:
        """Begin the next log of a stream: the catalog knows it before anything is in it."""
        before = self._logs.pop(stream, None)
        if before is not None:
            before.close()
            self._say_closed([before.path])
        path = self._layout.tail / f"{stream}-{new_id()}.log"
        log = self._logs[stream] = TailLog(path, stream)
        self._ledger.add_tail(path.name)
        return log

    def _say_closed(self, paths: Sequence[Path]) -> None:
        if paths:
            self._ledger.commit((), marks=[TailMark(path.name, 0, is_done=True) for path in paths])

    def _close_left_behind(self) -> None:
        """After a crash: a bar may have reached the log and not the hot tier, so those files are built again."""
        catalog = Catalog(self._layout.root)
        left = [(self._layout.tail / tail.name, tail.consumed) for tail in catalog.tails() if not tail.is_closed]
        catalog.close()
        left = [(path, consumed) for path, consumed in left if not path.exists() or not is_written_to(path)]
        for path, consumed in left:
            if path.exists():
                cut_torn(path, path.name.partition("-")[0])
                if path.name.startswith(BARS):
                    self._forget_hot(path, consumed)
        self._say_closed([path for path, _ in left])

    def _forget_hot(self, path: Path, start: int) -> None:
        decode = decoder_of(BARS).decode
        batches = [decode(frame.payload) for frame in read_frames(path, start)]
        keys = {HotKey(str(bar.spec), bar.instrument_id, batch.source) for batch in batches for bar in batch.events}
        with self._hot.turn():
            for key in keys:
                self._hot.drop(key)

    def _make_hot(self, source: str, recorded_at: int, bars: Sequence[Bar]) -> None:
        rows = {
            HotKey(str(bar.spec), bar.instrument_id, source): np.array([bar_row(bar, recorded_at)], np.int64).T
            for bar in bars
        }
        self._hot.append(rows)
