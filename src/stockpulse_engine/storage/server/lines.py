"""News lines and runs of jobs on the server: small streams, each behind a cursor that moves with its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import apsw

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.newslog import NewsLog
from stockpulse_engine.storage.server.cursors import Cursor, move, take
from stockpulse_engine.storage.server.intake import as_time
from stockpulse_engine.storage.server.link import Connection

NEWS, RUNS = "news", "jobs"
BATCH: Final = 1_000
_BUSY_MS: Final = 5_000
_RUNS: Final = (
    "SELECT job, key, state, started_ns, ended_ns, detail, max(started_ns, ended_ns) AS at FROM runs "
    "WHERE at >= ? OR ended_ns = 0 ORDER BY at LIMIT ?"
)
_PUT_RUN: Final = (
    "INSERT INTO jobs AS j (job, run_key, started_at, ended_at, outcome, detail) VALUES (%s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (job, run_key, started_at) DO UPDATE SET ended_at = excluded.ended_at, outcome = excluded.outcome, "
    "detail = excluded.detail WHERE (j.ended_at, j.outcome, j.detail) "
    "IS DISTINCT FROM (excluded.ended_at, excluded.outcome, excluded.detail)"
)


class NewsMirror:
    """Copies the news log of one home. One connection, not in autocommit."""

    def __init__(self, log: NewsLog, connection: Connection, owner: str) -> None:
        self._log = log
        self._connection = connection
        self._owner = owner

    def step(self) -> int:
        """Copy the next lines; returns how many, 0 when everything is there."""
        if not self._log.exists:
            return 0
        with self._connection.transaction():
            cursor = take(self._connection, NEWS, self._owner)
            known = cursor.seq if cursor.seq <= self._log.last_seq() else 0  # an older log was restored
            lines = self._log.after(known, BATCH)
            if not lines:
                return 0
            with self._connection.cursor() as writing:
                writing.executemany(
                    "INSERT INTO news(news_id, ts, source, headline, tone, instruments, known_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [
                        (
                            *(line.news_id, as_time(line.item.ts_event), line.item.source, line.item.headline),
                            *(line.item.tone, list(line.item.instrument_ids), line.known_at),
                        )
                        for line in lines
                    ],
                )
            move(self._connection, NEWS, Cursor(lines[-1].seq, lines[-1].news_id))
        return len(lines)


class RunsMirror:
    """Copies the runs of jobs. What a row says changes until its run has ended, so the cursor is a moment."""

    def __init__(self, file: Path, connection: Connection, owner: str) -> None:
        self._file = file
        self._connection = connection
        self._owner = owner

    def step(self) -> int:
        """Copy what has begun, moved or ended since the last look; returns how many rows that changed."""
        if not self._file.exists():
            return 0
        with self._connection.transaction():
            cursor = take(self._connection, RUNS, self._owner)
            changed, newest = 0, cursor.seq
            for job, key, state, started, ended, detail, at in self._read(cursor.seq):
                newest = max(newest, at)
                begun = as_time(started)
                self._connection.execute(  # a try before this one has died, or it would still hold the lock
                    "UPDATE jobs SET outcome = 'DIED' WHERE job = %s AND run_key = %s AND started_at < %s "
                    "AND outcome = 'RUNNING'",
                    (job, key, begun),
                )
                row = (job, key, begun, as_time(ended) if ended else None, state, detail)
                changed += self._connection.execute(_PUT_RUN, row).rowcount
            if newest != cursor.seq:
                move(self._connection, RUNS, Cursor(newest, ""))
        return changed

    def _read(self, since: int) -> list[Any]:
        try:
            db = apsw.Connection(str(self._file), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                db.set_busy_timeout(_BUSY_MS)
                return list(db.execute(_RUNS, (since, BATCH)))
            finally:
                db.close()
        except apsw.Error as error:
            raise UnavailableError(f"{self._file} cannot be read: {error}.", fix="sp jobs list") from error
