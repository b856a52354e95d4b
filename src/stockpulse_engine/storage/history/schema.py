"""The catalog's tables, and how a connection to them is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import apsw

from stockpulse_engine.base.files import fsync_dir
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, UnavailableError
from stockpulse_engine.storage.history.turn import exclusive

FORMAT: Final = 2
"""2: ticks known at their own moment are stored without `known_at`. Files of 1 are read as ever."""
BUSY_MS: Final = 30_000
"""Commits are milliseconds long; whoever waits longer than this has a stuck neighbour."""

TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments(
    number INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, segment_id TEXT NOT NULL UNIQUE, tbl TEXT NOT NULL,
    spec TEXT NOT NULL, source TEXT NOT NULL, path TEXT NOT NULL, rows INTEGER NOT NULL,
    first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, min_known_at INTEGER NOT NULL, max_known_at INTEGER NOT NULL,
    min_recorded_at INTEGER NOT NULL, max_recorded_at INTEGER NOT NULL, import_id TEXT NOT NULL,
    has_versions INTEGER NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, retired_at INTEGER);
CREATE INDEX IF NOT EXISTS segments_by_seq ON segments(seq);
CREATE INDEX IF NOT EXISTS segments_by_kind ON segments(tbl, spec, source, number);
CREATE TABLE IF NOT EXISTS series(
    number INTEGER PRIMARY KEY, instrument_id TEXT NOT NULL, tbl TEXT NOT NULL, spec TEXT NOT NULL,
    source TEXT NOT NULL, rows INTEGER NOT NULL, corrections INTEGER NOT NULL, first_ts INTEGER NOT NULL,
    last_ts INTEGER NOT NULL, last_seq INTEGER NOT NULL, UNIQUE(instrument_id, tbl, spec, source));
CREATE TABLE IF NOT EXISTS runs(
    series INTEGER NOT NULL, segment INTEGER NOT NULL, row_start INTEGER NOT NULL, rows INTEGER NOT NULL,
    first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, corrections INTEGER NOT NULL, row_sum INTEGER NOT NULL,
    PRIMARY KEY(series, segment)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_segment ON runs(segment);
CREATE TABLE IF NOT EXISTS actions(
    number INTEGER PRIMARY KEY, segment INTEGER NOT NULL, instrument_id TEXT NOT NULL, ts_event INTEGER NOT NULL,
    known_at INTEGER NOT NULL, recorded_at INTEGER NOT NULL, source TEXT NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS actions_by_instrument ON actions(instrument_id, ts_event);
CREATE TABLE IF NOT EXISTS tails(
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, consumed INTEGER NOT NULL, is_closed INTEGER NOT NULL);
INSERT OR IGNORE INTO meta VALUES ('format', 2), ('generation', 0), ('seq', 0);
UPDATE meta SET value = 2 WHERE key = 'format' AND value < 2;
"""
"""`number` counts commits of a file; `seq` is what consumers see and what a merged segment inherits."""


def connect(path: Path, *, is_writer: bool = False) -> apsw.Connection:
    """Open the catalog; the writer makes it when it is not there.

    Raises:
        UnavailableError: it can not be opened.
        IntegrityError: it is no catalog, or a damaged one.
        ConflictError: a newer version of StockPulse made it.
    """
    try:
        return _open_for_writing(path) if is_writer else _open(path, apsw.SQLITE_OPEN_READWRITE)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise IntegrityError(
            f"{path} is damaged: {error}.", fix="Restore the last backup; the segments beside it are untouched."
        ) from error
    except (apsw.Error, OSError) as error:
        raise UnavailableError(f"{path} cannot be opened: {error}.", fix="Run `sp doctor`.") from error


def _open(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _open_for_writing(path: Path) -> apsw.Connection:
    ensure_private(path.parent)
    with exclusive(path.with_name("catalog.lock")):  # the switch to WAL does not wait for others by itself
        if not path.exists():
            _make(path)
        connection = _open(path, apsw.SQLITE_OPEN_READWRITE)
        _prepare(connection)
    _check_format(path, connection)
    return connection


def _make(path: Path) -> None:
    """Under another name first: who reads meanwhile finds no catalog or a whole one."""
    fresh = path.with_name(f"{path.name}.new")
    for ending in ("", "-wal", "-shm", "-journal"):  # of one that was killed over it
        path.with_name(f"{fresh.name}{ending}").unlink(missing_ok=True)
    connection = _open(fresh, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    fresh.chmod(0o600)
    _prepare(connection)
    connection.close()  # the last one takes its log into the file
    fresh.replace(path)
    fsync_dir(path.parent)
    fsync_dir(path.parent.parent)


def _prepare(connection: apsw.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"BEGIN IMMEDIATE; {TABLES} COMMIT")


def _check_format(path: Path, connection: apsw.Connection) -> None:
    rows: list[Any] = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
    found = int(rows[0][0])
    if found > FORMAT:
        raise ConflictError(
            f"{path} has format {found}, this version reads up to {FORMAT}.", fix="Install the newer StockPulse."
        )
