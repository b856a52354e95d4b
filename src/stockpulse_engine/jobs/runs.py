"""What jobs did: one row per run key, in a small database beside the journals. Several processes use it at once.

A job has one lock: two runs of it never work at once. A row says RUNNING only as long as its process holds that lock: a
run whose process died is shown as DIED and may be tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.lock import FileLock, Holder, LockHeldError, acquire_lock, lock_holder
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.errors import ConflictError

RUNNING, DONE, FAILED, CANCELED, DIED = "RUNNING", "DONE", "FAILED", "CANCELED", "DIED"
KEPT = 2_000
"""Runs remembered for each job."""
_BUSY_MS = 10_000
_TABLE = """
CREATE TABLE IF NOT EXISTS runs(
    job TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, due_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL,
    ended_ns INTEGER NOT NULL, wrote INTEGER NOT NULL, detail TEXT NOT NULL, fix TEXT NOT NULL,
    exit_code INTEGER NOT NULL, tries INTEGER NOT NULL, done_parts INTEGER NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(job, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_start ON runs(job, started_ns);
CREATE INDEX IF NOT EXISTS runs_by_due ON runs(job, due_ns);
"""
_LATER = ("done_parts", "parts")
"""Columns that tables of earlier versions do not have."""
_COLUMNS = "job, key, state, due_ns, started_ns, ended_ns, wrote, detail, fix, exit_code, tries, done_parts, parts"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a job. `ended_ns` is 0 while it works; `wrote` counts what it changed, in the job's own unit."""

    job: str
    key: str
    state: str
    due_ns: int
    started_ns: int
    ended_ns: int = 0
    wrote: int = 0
    detail: str = ""
    fix: str = ""
    exit_code: int = 0
    tries: int = 1
    done_parts: int = 0
    """How far it is while it works, of `parts`; `detail` says with what."""
    parts: int = 0

    @property
    def took_ns(self) -> int:
        """How long it worked; 0 while it does."""
        return max(0, self.ended_ns - self.started_ns) if self.ended_ns else 0


class AlreadyDoneError(Exception):
    """The run was done before; its row is `run`."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"{run.job} {run.key} is done already.")
        self.run = run


class RunStore:
    """The table of runs and the locks that go with it."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = ensure_private(directory)
        self._clock = clock
        self._shared = threading.local()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Everything this thread asks inside shares one connection: a look at all jobs asks much."""
        with self._open() as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                self._shared.connection = None

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        shared: apsw.Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            yield shared
            return
        connection = apsw.Connection(str(self._directory / "runs.db"))
        try:
            connection.set_busy_timeout(_BUSY_MS)
            connection.pragma("journal_mode", "wal")
            connection.execute(_TABLE)
            _bring_up_to_date(connection)
            yield connection
        finally:
            connection.close()

    def begin(self, job: str, key: str, due_ns: int, *, again: bool = False) -> tuple[Run, FileLock]:
        """Take the lock of a run and write that it runs.

        Raises:
            ConflictError: another process works on it now; the message says which.
            AlreadyDoneError: it is done, and `again` was not asked for.
        """
        try:
            lock = acquire_lock(self._lock_file(job), self._clock)
        except LockHeldError as error:
            raise ConflictError(
                f"{job} runs in process {error.holder.pid}.", fix="Wait for it: `sp jobs status`."
            ) from None
        try:
            run = self._write_begin(job, key, due_ns, again=again)
        except BaseException:
            lock.release()
            raise
        return run, lock

    def _write_begin(self, job: str, key: str, due_ns: int, *, again: bool) -> Run:
        run = Run(job=job, key=key, state=RUNNING, due_ns=due_ns, started_ns=self._clock.now_ns())
        with self._open() as connection, connection:
            before = _first(connection, "SELECT * FROM runs WHERE job = ? AND key = ?", (job, key))
            if before is not None:
                if before.state == DONE and not again:
                    raise AlreadyDoneError(before)
                run = msgspec.structs.replace(run, tries=before.tries + 1)
            # We hold the job's lock: whoever else is said to run it is dead.
            connection.execute("UPDATE runs SET state = ? WHERE job = ? AND state = ?", (DIED, job, RUNNING))
            self._put(connection, run)
        return run

    def progress(self, run: Run, done: int, parts: int, what: str) -> None:
        """Write how far a run is; where that can not be written the run goes on."""
        with suppress(apsw.Error), self._open() as connection, connection:
            connection.execute(
                "UPDATE runs SET done_parts = ?, parts = ?, detail = ? WHERE job = ? AND key = ? AND state = ?",
                (done, parts, clean_text(what), run.job, run.key, RUNNING),
            )

    def holder(self, job: str) -> Holder | None:
        """The process that works on a job now."""
        return lock_holder(self._lock_file(job))

    def end(self, run: Run, lock: FileLock, *, state: str, wrote: int, detail: str, fix: str, exit_code: int) -> Run:
        """Write how a run ended and let its lock go."""
        ended = msgspec.structs.replace(
            run,
            state=state,
            ended_ns=self._clock.now_ns(),
            wrote=wrote,
            detail=clean_text(detail),
            fix=clean_text(fix),
            exit_code=exit_code,
        )
        with self._open() as connection, connection:
            self._put(connection, ended)
            connection.execute(
                "DELETE FROM runs WHERE job = ?1 AND key NOT IN"
                " (SELECT key FROM runs WHERE job = ?1 ORDER BY started_ns DESC LIMIT ?2)",
                (run.job, KEPT),
            )
        lock.release()
        return ended

    def runs(self, job: str = "", *, limit: int = 100) -> tuple[Run, ...]:
        """The newest runs, newest first; of every job when none is named."""
        sql = "SELECT * FROM runs WHERE (?1 = '' OR job = ?1) ORDER BY started_ns DESC, key DESC LIMIT ?2"
        with self._open() as connection:
            return tuple(self._living(run) for run in _all(connection, sql, (job, limit)))

    def run(self, job: str, key: str) -> Run | None:
        """One run by its key; None when it was never tried."""
        with self._open() as connection:
            found = _first(connection, "SELECT * FROM runs WHERE job = ? AND key = ?", (job, key))
        return self._living(found) if found is not None else None

    def first_due(self, job: str) -> int | None:
        """When the oldest run we know of was due; None before the first."""
        with self._open() as connection:
            row = connection.execute("SELECT min(due_ns) FROM runs WHERE job = ?", (job,)).fetchone()
        return int(row[0]) if row and row[0] is not None else None

    def done_among(self, job: str, keys: Iterable[str]) -> frozenset[str]:
        """Which of these run keys need not be done again."""
        sql = "SELECT key FROM runs WHERE job = ? AND key = ? AND state = ?"
        with self._open() as connection:
            return frozenset(key for key in keys if connection.execute(sql, (job, key, DONE)).fetchone())

    def spans(self, job: str, since_ns: int) -> list[tuple[int, int, str, str]]:
        """Start, end (0 while it works), state and key of the runs that ended later than a moment, oldest first."""
        sql = "SELECT started_ns, ended_ns, state, key FROM runs WHERE job = ?1 AND started_ns > ?2 ORDER BY started_ns"
        with self._open() as connection:
            return list(connection.execute(sql, (job, since_ns)))

    def _living(self, run: Run) -> Run:
        """A run that says RUNNING and whose lock is free has died."""
        is_dead = run.state == RUNNING and lock_holder(self._lock_file(run.job)) is None
        if not is_dead and run.state != DIED:
            return run
        return msgspec.structs.replace(
            run, state=DIED, detail="Its process ended in the middle.", fix=f"sp jobs run {run.job} --key {run.key}"
        )

    def _lock_file(self, job: str) -> Path:
        return self._directory / "locks" / f"{job}.lock"

    @staticmethod
    def _put(connection: apsw.Connection, run: Run) -> None:
        values = tuple(getattr(run, name) for name in _COLUMNS.split(", "))
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT OR REPLACE INTO runs({_COLUMNS}) VALUES({marks})", values)


def _bring_up_to_date(connection: apsw.Connection) -> None:
    """Add what tables of earlier versions lack; another process may do it at the same moment."""
    held = {str(row[1]) for row in connection.execute("PRAGMA table_info(runs)")}
    for name in _LATER:
        if name not in held:
            with suppress(apsw.SQLError):
                connection.execute(f"ALTER TABLE runs ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")


def _first(connection: apsw.Connection, sql: str, values: Sequence[Any]) -> Run | None:
    return next(iter(_all(connection, sql, values)), None)


def _all(connection: apsw.Connection, sql: str, values: Sequence[Any]) -> list[Run]:
    names = _COLUMNS.split(", ")
    rows = connection.execute(sql.replace("SELECT *", f"SELECT {_COLUMNS}"), values)
    return [Run(**dict(zip(names, row, strict=True))) for row in rows]
