"""The hot tier: a mapped file per series for "the last N bars", kept in step with the catalog and the live tail.

A file counts when no segment touched its series after the last one whose rows are in it. Whoever commits bars either
brings the files of the touched series up to that segment or removes them; whoever misses one builds it. Changes are
made under one lock of the directory, reads take none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, Ints
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.storage.history.catalog import Catalog, Kind, Series
from stockpulse_engine.storage.history.hotfile import KEEP, HotFile, HotState, write_hot_file
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.turn import exclusive

if TYPE_CHECKING:
    import polars as pl

MAX_MAPPED: Final = 8_192
"""Files a process keeps mapped; the least recently read goes first."""
MAX_BEGUN: Final = 200
"""Series that one commit of an import makes files for; each takes about a millisecond and half a megabyte."""
FILE_NAMES: Final = {"open": "open_e8", "high": "high_e8", "low": "low_e8", "close": "close_e8", "volume": "volume_e8"}
"""Column of BarColumns → column of a stored file, where they differ."""


class HotKey(NamedTuple):
    """Whose bars a file holds."""

    spec: str
    instrument_id: str
    source: str


class HotTier:
    """Files of one history directory. Mappings are kept; methods that change files wait for their turn."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._mapped: OrderedDict[HotKey, HotFile] = OrderedDict()

    def find(self, key: HotKey, last_seq: int) -> tuple[HotFile, HotState] | None:
        """The file of a series with its state when it counts: of this boot, nothing committed since.

        Whoever takes rows out of it asks `is_sound` for them first.
        """
        file = self._mapped.get(key)
        state = None if file is None else file.state()
        if file is None or state is None or state.is_retired or state.applied_seq < last_seq:
            file = self._map(key)
            state = None if file is None else file.state()
        if file is None or state is None or state.is_retired or state.applied_seq < last_seq:
            return None
        return file, state

    def build(self, key: HotKey, rows: Ints, applied_seq: int, *, has_older: bool, has_versions: bool) -> None:
        """Put a file in place from the newest rows (BAR_COLUMNS × n); the caller holds the `turn`."""
        self._retire(key)
        path = self._layout.hot_file(*key)
        write_hot_file(path, rows, applied_seq, has_older=has_older, has_versions=has_versions)

    def turn(self) -> AbstractContextManager[None]:
        """The right to change files."""
        ensure_private(self._layout.hot)
        return exclusive(self._layout.hot / ".lock")

    def append(self, rows: Mapping[HotKey, Ints]) -> None:
        """Take bars that were just written to the live tail (BAR_COLUMNS × n); a file that can not take them goes."""
        directories = {key.spec: (self._layout.hot / key.spec).is_dir() for key in rows}
        if not any(directories.values()):
            return
        with self.turn():
            for key, values in rows.items():
                file = self._writable(key) if directories[key.spec] else None
                if file is not None and not _extend(file, values, 0):
                    self.drop(key)

    def drop(self, key: HotKey) -> None:
        """Remove a file; it is built again when it is missed."""
        self._retire(key)
        self._layout.hot_file(*key).unlink(missing_ok=True)

    def absorb(
        self, frame: pl.DataFrame, kind: Kind, seqs: Sequence[int], catalog: Catalog, *, is_import: bool = False
    ) -> None:
        """Bring the files of a committed frame's instruments up to its segments, or remove them.

        What was imported is looked at next: series that are wholly in the frame get a file at once.
        """
        directory = self._layout.hot / kind.spec
        present = set(directory.iterdir()) if directory.is_dir() else set()
        if not present and not is_import:
            return
        runs = frame["instrument_id"].rle().struct
        start = 0
        missing: dict[HotKey, pl.DataFrame] = {}
        for name, count in zip(runs.field("value").to_list(), runs.field("len").to_list(), strict=True):
            part, start = frame.slice(start, count), start + count
            key = HotKey(kind.spec, str(name), kind.source)
            if present and self._layout.hot_file(*key) in present:
                with self.turn():
                    self._absorb_one(key, part, seqs, catalog)
            elif is_import and len(missing) < MAX_BEGUN:
                missing[key] = part
        if missing:
            self._begin(missing, max(seqs), catalog)

    def _begin(self, parts: Mapping[HotKey, pl.DataFrame], seq: int, catalog: Catalog) -> None:
        """Make the files of those series of which nothing was held before."""
        with self.turn(), catalog.snapshot():
            for key, part in parts.items():
                found = _series(catalog, key)
                if found is not None and found.rows == part.height and found.last_seq <= seq and _is_plain(part):
                    path, rows = self._layout.hot_file(*key), _newest_rows(part, KEEP)
                    write_hot_file(path, rows, seq, has_older=part.height > KEEP, has_versions=False)

    def _absorb_one(self, key: HotKey, part: pl.DataFrame, seqs: Sequence[int], catalog: Catalog) -> None:
        file = self._writable(key)
        state = None if file is None else file.state()
        with catalog.snapshot():
            found = _series(catalog, key)
            others = catalog.touched(found.number, state.applied_seq) if found and state else {0}
        is_next = _is_plain(part) and not others - set(seqs)
        if file is None or state is None or not is_next:
            self.drop(key)
            return
        newer = _newer_rows(file, _newest_rows(part, part.height))
        if newer is None:
            self.drop(key)
        elif not file.append(newer, max(seqs)):
            rows = np.concatenate([np.stack(file.columns(0, state.rows)), newer], axis=1)
            has_older = state.has_older or rows.shape[1] > KEEP
            self.build(key, rows[:, -KEEP:], max(seqs), has_older=has_older, has_versions=state.has_versions)

    def _map(self, key: HotKey) -> HotFile | None:
        self._mapped.pop(key, None)
        try:
            file = HotFile(self._layout.hot_file(*key))
        except (OSError, ValueError):
            return None
        self._mapped[key] = file
        if len(self._mapped) > MAX_MAPPED:
            self._mapped.popitem(last=False)
        return file

    def _writable(self, key: HotKey) -> HotFile | None:
        try:
            return HotFile(self._layout.hot_file(*key), is_writable=True)
        except (OSError, ValueError):
            return None

    def _retire(self, key: HotKey) -> None:
        file = self._writable(key)
        if file is not None:
            file.retire()


def hot_key(series: Series) -> HotKey:
    """The file of a series of bars."""
    return HotKey(series.spec, series.instrument_id, series.source)


def _series(catalog: Catalog, key: HotKey) -> Series | None:
    kind = Kind(BARS, key.spec, key.source)
    return next((one for one in catalog.series_of(key.instrument_id) if one.kind == kind), None)


def _is_plain(part: pl.DataFrame) -> bool:
    return not part["is_corrected"].any() and not part["is_retracted"].any()


def _newest_rows(part: pl.DataFrame, count: int) -> Ints:
    part = part.tail(count)
    rows: Ints = np.stack([part[FILE_NAMES.get(name, name)].to_numpy() for name in BAR_COLUMNS])
    return rows


def _extend(file: HotFile, rows: Ints, applied_seq: int) -> bool:
    """Append what is newer; False when an older row is not there as it is given, or there is no room."""
    newer = _newer_rows(file, rows)
    return newer is not None and file.append(newer, applied_seq)


def _newer_rows(file: HotFile, rows: Ints) -> Ints | None:
    """What of these rows the file does not have; None when an older one is not there as it is given."""
    state = file.state()
    if state is None or state.is_retired or not file.is_sound(0, state.rows):
        return None
    held = file.columns(0, state.rows)
    newest = int(held[0][-1]) if state.rows else -(2**63)
    is_old = rows[0] <= newest
    if is_old.any():
        old = rows[:, is_old]
        places = np.minimum(held[0].searchsorted(old[0]), state.rows - 1)
        if not all((column[places] == wanted).all() for column, wanted in zip(held, old, strict=True)):
            return None
    return rows[:, ~is_old]
