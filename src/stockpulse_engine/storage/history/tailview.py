"""The live tail as a reader sees it: bars kept parsed and followed as they come, ticks looked up when asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stockpulse_engine.marketdata.columns import Ints
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.storage.history.catalog import Tail
from stockpulse_engine.storage.history.eventrows import bar_row, tick_row
from stockpulse_engine.storage.history.hot import HotKey
from stockpulse_engine.storage.history.rows import Columns, empty_columns, names_of
from stockpulse_engine.storage.history.tail import decoder_of, read_frames


class TailRow(NamedTuple):
    """A bar of the tail: the log's name and where its frame ends, then BAR_COLUMNS."""

    log: str
    stop: int
    values: tuple[int, ...]


class TailView:
    """Follows the logs that the catalog names. Not for two threads at once: the catalog's snapshot is the lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tails: tuple[Tail, ...] = ()
        self._read: dict[str, int] = {}
        self._bars: defaultdict[HotKey, list[TailRow]] = defaultdict(list)
        self._columns: dict[HotKey, Ints] = {}
        self._sources: defaultdict[tuple[str, str], set[HotKey]] = defaultdict(set)

    def follow(self, tails: tuple[Tail, ...]) -> None:
        """Take what was appended since, and forget what lies in segments now."""
        if tails != self._tails:
            self._forget(tails)
        for tail in tails:
            if tail.name.startswith(BARS):
                self._read_on(tail)

    def keys(self, instrument_id: str, spec: str) -> list[HotKey]:
        """Series of an instrument that have bars here."""
        return [key for key in self._sources.get((instrument_id, spec), ()) if self._bars[key]]

    def bars(self, key: HotKey) -> Ints | None:
        """Bars of a series in the order they came (BAR_COLUMNS × n), None when there are none."""
        rows = self._bars.get(key)
        if not rows:
            return None
        found = self._columns.get(key)
        if found is None or found.shape[1] != len(rows):
            found = self._columns[key] = np.array([row.values for row in rows], dtype=np.int64).T
        return found

    def ticks(
        self, tails: Sequence[Tail], table: str, instrument_id: str, window: tuple[int, int]
    ) -> dict[str, Columns]:
        """Ticks of an instrument by source, start <= ts_event < end, with every column a read needs."""
        start_ns, end_ns = window
        found: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        decode = decoder_of(table).decode
        for tail in tails:
            if not tail.name.startswith(table):
                continue
            for frame in _frames(self._directory / tail.name, tail.consumed):
                if frame.last_ts < start_ns or frame.first_ts >= end_ns:
                    continue
                batch = decode(frame.payload)
                for seq, event in zip(batch.seqs, batch.events, strict=True):
                    if event.instrument_id == instrument_id and start_ns <= event.ts_event < end_ns:
                        found[batch.source].append(tick_row(event, seq, batch.recorded_at))
        return {source: _tick_columns(table, rows) for source, rows in found.items()}

    def _forget(self, tails: tuple[Tail, ...]) -> None:
        consumed = {tail.name: tail.consumed for tail in tails}
        for key, rows in self._bars.items():
            self._bars[key] = [row for row in rows if row.stop > consumed.get(row.log, row.stop)]
        self._columns.clear()
        self._read = {name: max(at, consumed[name]) for name, at in self._read.items() if name in consumed}
        self._tails = tails

    def _read_on(self, tail: Tail) -> None:
        path = self._directory / tail.name
        start = self._read.get(tail.name, tail.consumed)
        try:
            if path.stat().st_size <= start:
                return
        except FileNotFoundError:
            return
        decode = decoder_of(BARS).decode
        for frame in _frames(path, start):
            batch = decode(frame.payload)
            for bar in batch.events:
                key = HotKey(str(bar.spec), bar.instrument_id, batch.source)
                self._sources[bar.instrument_id, key.spec].add(key)
                self._bars[key].append(TailRow(tail.name, frame.stop, bar_row(bar, batch.recorded_at)))
            self._read[tail.name] = frame.stop


def _tick_columns(table: str, rows: Sequence[tuple[Any, ...]]) -> Columns:
    kinds = {name: column.dtype for name, column in empty_columns(table).items()}
    names = names_of(table)
    columns = zip(*rows, strict=True)
    return {name: np.array(column, dtype=kinds[name]) for name, column in zip(names, columns, strict=True)}


def _frames(path: Path, start: int) -> Iterable[Any]:
    try:
        yield from read_frames(path, start)
    except FileNotFoundError:
        return
