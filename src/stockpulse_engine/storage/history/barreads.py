"""Bars of many instruments at once: the hot tier where it holds them, segments and live tail where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, BarColumns, Ints
from stockpulse_engine.marketdata.history import BARS, LATEST
from stockpulse_engine.storage.history.catalog import Catalog, Run
from stockpulse_engine.storage.history.eventrows import bar_columns
from stockpulse_engine.storage.history.hot import FILE_NAMES, HotKey, HotTier
from stockpulse_engine.storage.history.hotfile import KEEP, HotFile, HotState
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.rows import Columns, Stock, Window, read_rows
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.history.tailview import TailView

HOT, SEGMENTS, TAIL = "hot", "segments", "tail"
_NO_TIME: Final = -(2**63)


class Held(NamedTuple):
    """What is held of one source of one series, in segments (last_seq 0: nothing) and in the live tail."""

    source: str
    number: int
    last_seq: int
    has_versions: bool
    tail: Ints | None


class BarReads:
    """Reads bars of one history directory; `read` may be called from several threads."""

    def __init__(self, layout: Layout, catalog: Catalog, priority: Sequence[str]) -> None:
        self._root = layout.root
        self._catalog = catalog
        self._priority = priority
        self._hot = HotTier(layout)
        self.tail = TailView(layout.tail)

    def read(self, instrument_ids: Sequence[str], spec: BarSpec, window: Window, source: str) -> dict[str, BarColumns]:
        """The window of each instrument, from the best source that has anything in it."""
        text = str(spec)
        found: dict[str, BarColumns] = {}
        missed: dict[str, list[Held]] = {}
        with self._catalog.snapshot():
            self.tail.follow(self._catalog.tails())
            for name in instrument_ids:
                held = self._candidates(name, text, window, source)
                bars = self._from_hot(name, spec, held[0], window) if held else _bars(name, spec, "", None, "")
                if bars is None:
                    missed[name] = held
                else:
                    found[name] = bars
        for name, held in missed.items():
            found[name] = self._from_segments(name, spec, held, window)
        return found

    def _candidates(self, instrument_id: str, spec: str, window: Window, source: str) -> list[Held]:
        """Sources that may have rows in the window, best first."""
        known_at = window.as_of.known_at
        end = window.end if known_at is None else min(window.end or known_at + 1, known_at + 1)
        reach = window._replace(end=end)
        found = {}
        for one in self._catalog.series_of(instrument_id):
            if one.table == BARS and one.spec == spec and reach.overlaps(one.first_ts, one.last_ts):
                found[one.source] = Held(one.source, one.number, one.last_seq, one.corrections > 0, None)
        for key in self.tail.keys(instrument_id, spec):
            rows = self.tail.bars(key)
            before = found.get(key.source, Held(key.source, 0, 0, False, None))
            found[key.source] = before._replace(tail=rows)
        return by_priority(found.values(), self._priority, source) if len(found) > 1 or source else list(found.values())

    # --- hot ----------------------------------------------------------------------------------------------

    def _from_hot(self, instrument_id: str, spec: BarSpec, held: Held, window: Window) -> BarColumns | None:
        """The window out of the mapped file, None when that does not hold all of it."""
        key = HotKey(str(spec), instrument_id, held.source)
        mapped = self._hot.find(key, held.last_seq)
        if mapped is None:
            return None
        file, state = mapped
        if window.as_of != LATEST and state.has_versions:
            return None
        newer = _newer(held.tail, file, state)
        if newer is not None:
            first = max(0, state.rows - (window.limit or state.rows)) if window.is_plain else 0
            if not file.is_sound(first, state.rows):
                return None
            rows = np.concatenate([np.stack(file.columns(first, state.rows)), newer], axis=1)
            cut = _cut(list(rows), rows.shape[1], state.has_older or first > 0, window)
            return None if cut is None else _bars(instrument_id, spec, held.source, rows[:, cut], f"{HOT}+{TAIL}")
        cut = _cut(file.columns(0, state.rows), state.rows, state.has_older, window)
        if cut is None or cut.stop == cut.start or not file.is_sound(cut.start, cut.stop):
            return None
        return _bars(instrument_id, spec, held.source, file.columns(cut.start, cut.stop), HOT)

    def warm(self, instrument_id: str, spec: BarSpec, source: str) -> bool:
        """Build the hot file of a series from segments and tail; False when there is nothing or no right to write."""
        key = HotKey(str(spec), instrument_id, source)
        try:
            with self._hot.turn():
                return self._build(key)
        except OSError:  # a directory we may only read: the segments answer
            return False

    def _build(self, key: HotKey) -> bool:
        with self._catalog.snapshot():
            self.tail.follow(self._catalog.tails())
            held = self._candidates(key.instrument_id, key.spec, Window(), key.source)
            if not held:
                return False
            runs = self._catalog.runs_of(held[0].number)
        rows = _stacked(read_rows(self._stock(runs, held[0].tail), Window(limit=KEEP + 1)))
        has_older = rows.shape[1] > KEEP
        self._hot.build(key, rows[:, -KEEP:], held[0].last_seq, has_older=has_older, has_versions=held[0].has_versions)
        return True

    # --- segments -----------------------------------------------------------------------------------------

    def _from_segments(self, instrument_id: str, spec: BarSpec, held: list[Held], window: Window) -> BarColumns:
        """The window out of the first source that has anything in it; what is asked often is made hot."""
        is_usual = window.start is None and window.end is None and (window.limit or KEEP + 1) <= KEEP
        if held and is_usual and self.warm(instrument_id, spec, held[0].source):
            with self._catalog.snapshot():
                bars = self._from_hot(instrument_id, spec, held[0], window)
            if bars is not None:
                return bars
        for one in held:
            with self._catalog.snapshot():
                runs = self._catalog.runs_of(one.number) if one.number else ()
            rows = _stacked(read_rows(self._stock(runs, one.tail), window))
            if rows.shape[1]:
                tier = "+".join([SEGMENTS] * bool(runs) + [TAIL] * (one.tail is not None))
                return _bars(instrument_id, spec, one.source, rows, tier)
        return _bars(instrument_id, spec, "", None, "")

    def _stock(self, runs: tuple[Run, ...], tail: Ints | None) -> Stock:
        return Stock(self._root, BARS, runs, None if tail is None else bar_columns(tail))


def _newer(tail: Ints | None, file: HotFile, state: HotState) -> Ints | None:
    """Rows of the tail that the file does not have yet, in order."""
    if tail is None:
        return None
    last = int(file.columns(state.rows - 1, state.rows)[0][0]) if state.rows else _NO_TIME
    newer = tail[:, tail[0] > last]
    if not newer.shape[1]:
        return None
    order = np.argsort(newer[0], kind="stable")
    newer = newer[:, order]
    is_last = np.append(newer[0][1:] != newer[0][:-1], True)
    return newer[:, is_last]


def _cut(columns: Sequence[Ints], count: int, has_older: bool, window: Window) -> slice | None:
    """Which rows a window is, None when the file begins too late for it or time bounds do not cut it cleanly."""
    if window.is_plain:
        limit = window.limit or count + 1
        return slice(max(0, count - limit), count) if limit <= count or not has_older else None
    times = columns[0]
    high = count if window.end is None else int(times.searchsorted(window.end))
    for column, bound in ((columns[1], window.as_of.known_at), (columns[2], window.as_of.recorded_at)):
        if bound is None or not high or int(column[:high].max()) <= bound:
            continue
        visible = column[:high] <= bound
        high = int(visible.sum())
        if not visible[:high].all():
            return None
    low = 0 if window.limit is None else max(0, high - window.limit)
    if window.start is not None:
        low = max(low, int(times[:high].searchsorted(window.start)))
        is_whole = not has_older or low > 0 or (count > 0 and int(times[0]) <= window.start)
    else:
        is_whole = not has_older or (window.limit is not None and high >= window.limit)
    return slice(low, high) if is_whole else None


def _stacked(columns: Columns) -> Ints:
    rows: Ints = np.stack([columns[FILE_NAMES.get(name, name)] for name in BAR_COLUMNS])
    return rows


def _bars(instrument_id: str, spec: BarSpec, source: str, rows: Sequence[Ints] | Ints | None, tier: str) -> BarColumns:
    found = [np.zeros(0, dtype=np.int64)] * len(BAR_COLUMNS) if rows is None else rows
    columns = dict(zip(BAR_COLUMNS, found, strict=True))
    return BarColumns(instrument_id=instrument_id, spec=spec, source=source, tier=tier, **columns)
