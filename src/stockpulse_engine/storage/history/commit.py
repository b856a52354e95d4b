"""Writing the catalog: one short transaction makes segments visible, all of them or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.history.catalog import Kind
from stockpulse_engine.storage.history.schema import connect

_INSERT_SEGMENT = """
INSERT INTO segments(seq, segment_id, tbl, spec, source, path, rows, first_ts, last_ts, min_known_at, max_known_at,
    min_recorded_at, max_recorded_at, import_id, has_versions, sha256, bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPSERT_SERIES = """
INSERT INTO series(instrument_id, tbl, spec, source, rows, corrections, first_ts, last_ts, last_seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(instrument_id, tbl, spec, source) DO UPDATE SET
    rows = rows + excluded.rows, corrections = corrections + excluded.corrections, last_seq = excluded.last_seq,
    first_ts = CASE WHEN rows = 0 THEN excluded.first_ts ELSE min(first_ts, excluded.first_ts) END,
    last_ts = CASE WHEN rows = 0 THEN excluded.last_ts ELSE max(last_ts, excluded.last_ts) END
RETURNING number
"""
_INSERT_RUN = """
INSERT INTO runs(series, segment, row_start, rows, first_ts, last_ts, corrections, row_sum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_ACTION = """
INSERT INTO actions(segment, instrument_id, ts_event, known_at, recorded_at, source, payload)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_RACING = """
SELECT count(*) FROM segments WHERE tbl = ? AND spec = ? AND source = ? AND number > ? AND retired_at IS NULL
    AND last_ts >= ? AND first_ts <= ?
"""


class RunDraft(NamedTuple):
    """One instrument's rows inside a drafted segment."""

    instrument_id: str
    row_start: int
    rows: int
    first_ts: int
    last_ts: int
    corrections: int
    row_sum: int


class ActionDraft(NamedTuple):
    """One version of a corporate action, encoded."""

    instrument_id: str
    ts_event: int
    known_at: int
    recorded_at: int
    source: str
    payload: bytes


class Draft(NamedTuple):
    """A segment whose file lies in its place, synced; nobody knows of it yet. `path` is relative to the root."""

    segment_id: str
    kind: Kind
    path: str
    rows: int
    first_ts: int
    last_ts: int
    min_known_at: int
    max_known_at: int
    min_recorded_at: int
    max_recorded_at: int
    import_id: str
    has_versions: bool
    sha256: str
    bytes: int
    runs: tuple[RunDraft, ...]
    actions: tuple[ActionDraft, ...] = ()


class Basis(NamedTuple):
    """What a write was compared with: it holds only while nobody else committed to the same rows."""

    kind: Kind
    last_number: int
    first_ts: int
    last_ts: int


class TailMark(NamedTuple):
    """How far a log's rows lie in segments; `is_done` when nothing will follow."""

    name: str
    consumed: int
    is_done: bool


class RacedError(Exception):
    """Somebody else committed rows of the same kind and time in between: compare again."""


class Ledger:
    """The one connection of this process that writes the catalog."""

    def __init__(self, root: Path) -> None:
        self._path = root / "catalog.db"
        self._lock = threading.RLock()
        self._db: apsw.Connection | None = None

    def close(self) -> None:
        """Fold the write-ahead log into the file where nobody else reads, and let go."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def commit(
        self, drafts: Sequence[Draft], *, basis: Basis | None = None, marks: Sequence[TailMark] = ()
    ) -> list[int]:
        """Make drafts visible and say that tail rows are among them; returns the seq of each draft.

        Raises:
            RacedError: `basis` no longer holds; nothing was changed.
            UnavailableError: the catalog can not be written; nothing was changed.
        """
        with self.transaction() as db:
            if basis is not None:
                _require_basis(db, basis)
            seqs = [_insert(db, draft) for draft in drafts]
            for mark in marks:
                _set_mark(db, mark)
            return seqs

    def add_tail(self, name: str) -> None:
        """Announce a log of the live tail; announcing it twice does nothing."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO tails(name, consumed, is_closed) VALUES (?, 0, 0)", (name,))

    def drop_tail(self, name: str) -> None:
        """Forget a log whose file is gone."""
        with self.transaction() as db:
            db.execute("DELETE FROM tails WHERE name = ?", (name,))

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """One write transaction; it moves the generation. Other threads and processes wait."""
        with self._lock:
            if self._db is None:
                self._db = connect(self._path, is_writer=True)
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
                self._db.execute("COMMIT")
            except apsw.Error as error:
                problem = f"The history catalog {self._path} cannot be written: {error}."
                raise UnavailableError(problem, fix="Free or repair the disk; nothing was changed.") from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def retire(db: apsw.Connection, segments: Sequence[int], now_ns: int) -> None:
    """Take segments (by number) out of every read; their files stay for readers that are on their way."""
    for number in segments:
        db.execute("DELETE FROM runs WHERE segment = ?", (number,))
        db.execute("DELETE FROM actions WHERE segment = ?", (number,))
        db.execute("UPDATE segments SET retired_at = ? WHERE number = ?", (now_ns, number))


def _require_basis(db: apsw.Connection, basis: Basis) -> None:
    rows: list[Any] = db.execute(_RACING, (*basis.kind, basis.last_number, basis.first_ts, basis.last_ts)).fetchall()
    if rows[0][0]:
        raise RacedError


def next_seq(db: apsw.Connection) -> int:
    """The next sequence number, taken."""
    rows: list[Any] = db.execute("UPDATE meta SET value = value + 1 WHERE key = 'seq' RETURNING value").fetchall()
    return int(rows[0][0])


def _insert(db: apsw.Connection, draft: Draft) -> int:
    seq = next_seq(db)
    segment = insert_segment(db, draft, seq)
    kind = draft.kind
    for run in draft.runs:
        counts = (run.rows, run.corrections, run.first_ts, run.last_ts, seq)
        rows: list[Any] = db.execute(_UPSERT_SERIES, (run.instrument_id, *kind, *counts)).fetchall()
        insert_run(db, int(rows[0][0]), segment, run)
    db.executemany(_INSERT_ACTION, ((segment, *action) for action in draft.actions))
    return seq


def insert_segment(db: apsw.Connection, draft: Draft, seq: int) -> int:
    """Its row; returns its number."""
    values = (seq, draft.segment_id, *draft.kind, *draft[2:-2])
    db.execute(_INSERT_SEGMENT, values)
    return db.last_insert_rowid()


def insert_run(db: apsw.Connection, series: int, segment: int, run: RunDraft) -> None:
    """Where a series' rows lie in a segment."""
    db.execute(_INSERT_RUN, (series, segment, *run[1:]))


def _set_mark(db: apsw.Connection, mark: TailMark) -> None:
    db.execute(
        "UPDATE tails SET consumed = max(consumed, ?), is_closed = max(is_closed, ?) WHERE name = ?",
        (mark.consumed, mark.is_done, mark.name),
    )
