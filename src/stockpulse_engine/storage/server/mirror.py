"""History on its way to the server: one segment a transaction, behind a cursor that moves with its rows.

The catalog is the outbox. Whatever dies between two commits, the cursor says where to go on; a server that was away for
a day is behind by some segments and nothing else. A merged segment repeats rows, which their key and version tell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stockpulse_engine.marketdata.history import Segment
from stockpulse_engine.storage.server.cursors import HISTORY, Cursor, move, take
from stockpulse_engine.storage.server.intake import Intake, Kind, Run
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.timescale import (
    Features,
    Window,
    allow_corrections,
    refresh,
    windows_for,
)

if TYPE_CHECKING:
    import polars as pl

    from stockpulse_engine.storage.history.store import EmbeddedHistory


class Progress(NamedTuple):
    """What a step has brought; `rows` 0 and `is_done` mean that the server has everything."""

    rows: int
    seq: int
    is_done: bool


class HistoryMirror:
    """Copies the segments of one history directory. One connection, not in autocommit."""

    def __init__(self, store: EmbeddedHistory, connection: Connection, features: Features, owner: str) -> None:
        self._store = store
        self._connection = connection
        self._features = features
        self._owner = owner
        self._intake = Intake()

    def step(self) -> Progress:
        """Copy the next segment, if there is one.

        Raises:
            psycopg.Error: the server is away or refuses; nothing of the step is there.
            ConflictError: the database mirrors another home.
            IntegrityError: a segment is damaged.
        """
        from stockpulse_engine.storage.history.segmentgone import SegmentGoneError

        with self._connection.transaction():
            cursor = take(self._connection, HISTORY, self._owner)
            found = self._store.reader.segments(self._known(cursor), limit=1)
            if not found:
                return Progress(0, cursor.seq, is_done=True)
            try:
                frame = _whole(self._store.layout.root, found[0])
            except SegmentGoneError:  # merged away a moment ago: its rows come with the merged one
                return Progress(0, cursor.seq, is_done=False)
            self._add(found[0], frame)
            move(self._connection, HISTORY, Cursor(found[0].seq, found[0].segment_id))
        return Progress(frame.height, found[0].seq, is_done=False)

    def _known(self, cursor: Cursor) -> int:
        """Where to go on: from the start when the catalog is behind its own mirror, as after a restored backup."""
        return cursor.seq if cursor.seq <= last_seq(self._store) else 0

    def _add(self, segment: Segment, frame: pl.DataFrame) -> None:
        kind = Kind(segment.table, segment.spec, segment.source)
        if self._features.is_full and segment.has_versions:
            self._connection.execute(allow_corrections())
        runs = self._intake.add(self._connection, kind, frame)
        if self._features.is_full and (segment.table, segment.spec) == ("bars", "1m"):
            _note_windows(self._connection, runs)


class Refresher:
    """Makes aggregates again where old minutes came in, outside of any transaction, as TimescaleDB wants it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def run(self) -> int:
        """Refresh what was noted; returns how many windows. A window is forgotten only when it was refreshed."""
        connection = self._connect()
        try:
            rows = connection.execute("SELECT view, low, high FROM mirror_refresh ORDER BY view DESC, low").fetchall()
            for row in rows:
                connection.execute(*refresh(Window(*row)))
                connection.execute("DELETE FROM mirror_refresh WHERE view = %s AND low = %s AND high = %s", row)
            return len(rows)
        finally:
            connection.close()


def last_seq(store: EmbeddedHistory) -> int:
    """The last sequence number of the embedded store, 0 when nothing is held."""
    return max((one.last_seq for one in store.reader.series()), default=0)


def waiting(store: EmbeddedHistory, seq: int) -> tuple[int, int]:
    """Segments and rows behind a cursor."""
    found = store.reader.segments(seq, limit=2**31 - 1)
    return len(found), sum(one.rows for one in found)


def _note_windows(connection: Connection, runs: list[Run]) -> None:
    low, high = min(run.low for run in runs), max(run.high for run in runs)
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now: dt.datetime = row[0]
    for window in windows_for(low, high, now):
        connection.execute(
            "INSERT INTO mirror_refresh(view, low, high) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", window
        )


def _whole(root: Path, segment: Segment) -> pl.DataFrame:
    from stockpulse_engine.storage.history.segments import scan_checked

    return scan_checked(root, segment, lambda lazy: lazy)
