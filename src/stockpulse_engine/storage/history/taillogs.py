"""The logs of one recording: a stream each, announced in the catalog, turned over when they grow large."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.history.commit import Ledger, TailMark
from stockpulse_engine.storage.history.eventrows import bar_row
from stockpulse_engine.storage.history.hot import HotKey, HotTier
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.tail import TailLog, cut_torn, decoder_of, is_written_to, read_frames

MAX_LOG_BYTES: Final = 64 * 1024 * 1024


class TailLogs:
    """Appends to one log per stream. What an earlier recording left is closed, its torn ends cut."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ledger = Ledger(layout.root)
        self._hot = HotTier(layout)
        self._logs: dict[str, TailLog] = {}
        close_left_behind(layout, self._ledger, self._hot)

    def append(self, stream: str, frame: bytes) -> None:
        """Write a frame of events of one stream, as `tail.encode_frame` made it."""
        log = self._logs.get(stream)
        if log is None or log.size >= MAX_LOG_BYTES:
            log = self._turn_over(stream)
        log.append(frame)

    def sync(self) -> None:
        """Make everything appended durable."""
        for log in self._logs.values():
            log.sync()

    def close(self) -> None:
        """Sync, and say that nothing follows in these logs."""
        for log in self._logs.values():
            log.close()
        _say_closed(self._ledger, [log.path for log in self._logs.values()])
        self._logs.clear()
        self._ledger.close()

    def _turn_over(self, stream: str) -> TailLog:
        """Begin the next log of a stream: the catalog knows it before anything is in it."""
        before = self._logs.pop(stream, None)
        if before is not None:
            before.close()
            _say_closed(self._ledger, [before.path])
        path = self._layout.tail / f"{stream}-{new_id()}.log"
        log = self._logs[stream] = TailLog(path, stream)
        self._ledger.add_tail(path.name)
        return log

    def make_hot(self, source: str, recorded_at: int, bars: Sequence[Bar]) -> None:
        """Bars that were appended reach the hot tier."""
        rows = {
            HotKey(str(bar.spec), bar.instrument_id, source): np.array([bar_row(bar, recorded_at)], np.int64).T
            for bar in bars
        }
        self._hot.append(rows)


def close_left_behind(layout: Layout, ledger: Ledger, hot: HotTier) -> None:
    """Cut and close logs whose recording died. Hot files of their bars go: a bar may have reached the log alone."""
    catalog = Catalog(layout.root)
    left = [(layout.tail / tail.name, tail.consumed) for tail in catalog.tails() if not tail.is_closed]
    catalog.close()
    left = [(path, consumed) for path, consumed in left if not path.exists() or not is_written_to(path)]
    for path, consumed in left:
        if path.exists():
            cut_torn(path, path.name.partition("-")[0])
            if path.name.startswith(BARS):
                _forget_hot(hot, path, consumed)
    _say_closed(ledger, [path for path, _ in left])


def waiting_bytes(layout: Layout) -> int:
    """Bytes of the live tail that are not segments yet."""
    catalog = Catalog(layout.root)
    tails = catalog.tails()
    catalog.close()
    paths = [(layout.tail / tail.name, tail.consumed) for tail in tails]
    return sum(path.stat().st_size - consumed for path, consumed in paths if path.exists())


def _forget_hot(hot: HotTier, path: Path, start: int) -> None:
    decode = decoder_of(BARS).decode
    batches = [decode(frame.payload) for frame in read_frames(path, start)]
    keys = {HotKey(str(bar.spec), bar.instrument_id, batch.source) for batch in batches for bar in batch.events}
    with hot.turn():
        for key in keys:
            hot.drop(key)


def _say_closed(ledger: Ledger, paths: Sequence[Path]) -> None:
    if paths:
        ledger.commit((), marks=[TailMark(path.name, 0, is_done=True) for path in paths])
