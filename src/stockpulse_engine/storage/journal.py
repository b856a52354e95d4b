"""The order journal on SQLite: nothing is acknowledged before it is on disk, chained, and witnessed by the head file.

Appends are queued and one writer thread takes everything that waits: one transaction, one sync of the write-ahead
log (synchronous=FULL), one sync of the external head, then the futures are resolved in order on the event loop. So
many callers share a sync and a single caller waits for nothing else. In simulation the same commit runs inline.

A failing disk makes the journal read-only for good: what is not recorded must not leave.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import fsync_dir
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, StockPulseError, UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.views import VerifyResult
from stockpulse_engine.storage.chain import Row, genesis, judge, row_at, rows, seal, stored_world, verify, walk
from stockpulse_engine.storage.head import Head, HeadFile
from stockpulse_engine.trading.ports import JournalEntry

__all__ = ["JournalOpening", "SqliteJournal", "verify"]

MAX_QUEUED: Final = 65_536
"""Entries waiting for the disk before appends are refused."""
_MAX_BATCH: Final = 4096
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries(
    seq INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, payload BLOB NOT NULL, digest BLOB NOT NULL);
"""
_INSERT: Final = "INSERT INTO entries(seq, recorded_at, payload, digest) VALUES (?, ?, ?, ?)"
_DAMAGED: Final = "Copy the state directory for evidence, then restore the last backup with `sp restore`."
_Encoded = list[tuple[int, bytes]]


class JournalOpening(NamedTuple):
    """What was found at opening. `unacknowledged` entries chain but were written after the last head."""

    entries: int
    unacknowledged: int
    note: str


class _Request(NamedTuple):
    entries: _Encoded
    future: asyncio.Future[int]


_Outcomes = list[tuple[asyncio.Future[int], int | StockPulseError]]


class SqliteJournal:
    """Implements `trading.ports.Journal`.

    Args:
        path: the database file.
        head_path: the head file, in another directory (better: on another disk).
        clock: wall time for the database's own marker.
        vfs: name of an apsw VFS, for fault injection.
        world: the world this journal belongs to; another world's journal is refused by name.
        is_inline: commit in the caller's turn, for simulation on virtual time.

    Raises:
        IntegrityError: the chain is broken or its acknowledged tail is gone.
        ConflictError: the journal belongs to another world.
        UnavailableError: the file cannot be opened.
    """

    _synchronous = "FULL"

    def __init__(
        self,
        path: Path,
        head_path: Path,
        clock: Clock,
        vfs: str | None = None,
        *,
        world: str = "sim",
        is_inline: bool = False,
    ) -> None:
        self._path = path
        self._head_file = self._make_head_file(head_path)
        self._world = world
        self._vfs = vfs
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Event).decode
        self._failure = ""
        self._is_closed = False
        self._turn: list[_Request] = []
        self._queue: deque[_Request] = deque()
        self._queued = 0
        """Entries of requests without an answer; the loop's own count, so that it needs no lock."""
        self._wake = threading.Condition()
        try:
            self._open(clock)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, UnicodeDecodeError) as error:
            raise IntegrityError(f"The journal {path.name} cannot be read: {error}.", fix=_DAMAGED) from error
        except apsw.Error as error:
            raise UnavailableError(
                f"The journal {path.name} cannot be opened: {error}.", fix="Run `sp doctor`, then `sp log verify`."
            ) from error
        self._writer = None if is_inline else threading.Thread(target=self._write_forever, name="journal", daemon=True)
        if self._writer:
            self._writer.start()

    # --- opening ------------------------------------------------------------------------------------------

    def _make_head_file(self, head_path: Path) -> HeadFile:
        return HeadFile(head_path)

    def _open(self, clock: Clock) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not self._path.exists()
        self._db = self._connect()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={self._synchronous}")
        if is_new:
            self._path.chmod(0o600)
        self._db.execute(_SCHEMA)
        self._claim_world(clock)
        fsync_dir(self._path.parent)
        self._reader = self._connect()
        self._check_against_head()

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), vfs=self._vfs)
        connection.set_busy_timeout(5000)
        return connection

    def _claim_world(self, clock: Clock) -> None:
        found = stored_world(self._db)
        if not found:
            marks = {"world": self._world, "format": "1", "created_at": str(clock.now_ns())}
            with self._db:
                self._db.executemany("INSERT INTO meta(key, value) VALUES (?, ?)", marks.items())
        elif found != self._world:
            raise ConflictError(
                f"The journal {self._path.name} belongs to the world {found!r}, not to {self._world!r}.",
                fix=f"Start with --world {found}, or use another --home.",
            )

    def _check_against_head(self) -> None:
        head = self._head_file.read()
        end = walk(self._reader, self._world, head.seq if head else 0)
        result = judge(end, head)
        if not result.is_ok:
            raise IntegrityError(
                f"The journal {self._path.name} does not hold at entry {result.broken_at}: {result.problem}.",
                fix=_DAMAGED,
            )
        self._seq, self._digest = end.seq, bytes.fromhex(end.digest)
        self._head: tuple[int, str] = (end.seq, end.digest)
        extra = end.seq - (head.seq if head else 0)
        if head is None:
            self._head_file.create(Head(*self._head))
        elif extra:
            self._head_file.write(Head(*self._head))
        note = f"{extra} entries were written but never acknowledged; they chain and are kept" if extra else ""
        self.opening = JournalOpening(end.seq, extra, note)

    # --- the port -----------------------------------------------------------------------------------------

    @property
    def head(self) -> tuple[int, str]:
        """Sequence number and hex digest of the last durable entry."""
        return self._head

    @property
    def failure(self) -> str:
        """Why the journal is read-only; "" while it is not."""
        return self._failure

    def enqueue(self, events: Sequence[Event]) -> asyncio.Future[int]:
        """Queue events for the next commit; the future gives the last seq once they are durable.

        Futures are resolved in the order of the calls. Do not cancel one: wrap it in `asyncio.shield`.

        Raises:
            UnavailableError: the journal is read-only, closed, or too far behind.
        """
        self._require_writable(len(events))
        encoded = [(event.recorded_at, self._encode(event)) for event in events]
        request = _Request(encoded, asyncio.get_running_loop().create_future())
        if self._writer is None:
            self._resolve(self._attempt([request]))
            return request.future
        if not self._turn:  # what this turn of the loop still brings shares the sync
            request.future.get_loop().call_soon(self._hand_over)
        self._turn.append(request)
        self._queued += len(encoded)
        return request.future

    def _hand_over(self) -> None:
        """Give the writer everything that this turn of the loop has brought."""
        with self._wake:
            self._queue.extend(self._turn)
            self._turn.clear()
            self._wake.notify()

    async def append(self, events: Sequence[Event]) -> int:
        """Append and return the last seq once it is on disk."""
        return await asyncio.shield(self.enqueue(events))

    def read(self, after_seq: int = 0, limit: int | None = None) -> list[JournalEntry]:
        """Entries after `after_seq` in order, verified against the chain; all of them, or the first `limit`."""
        found: list[JournalEntry] = []
        for entry in self.scan(after_seq):
            if limit is not None and len(found) >= limit:
                break
            found.append(entry)
        return found

    def scan(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Entries one by one, verified against the chain: for replays that should not fill the memory.

        Raises:
            IntegrityError: naming the first entry that does not hold.
        """
        digest = self._digest_at(after_seq)
        for row in rows(self._reader, after_seq):
            yield self._verified(digest, row)
            digest = row[3]

    def digest_at(self, seq: int) -> str:
        """Digest of an entry as it is stored; the chain was walked when the journal was opened."""
        return row_at(self._reader, seq)[3].hex()

    def fetch(self, seqs: Iterable[int]) -> list[JournalEntry]:
        """The named entries, each verified against its predecessor's digest."""
        return [self._verified(self._digest_at(seq - 1), row_at(self._reader, seq)) for seq in seqs]

    async def verify(self) -> VerifyResult:
        """Walk the whole chain against the head file, in another thread while the loop goes on."""
        return await asyncio.to_thread(verify, self._path, self._head_file.path)

    def close(self) -> None:
        """Write what is queued, fold the write-ahead log into the database, and let go of the files."""
        self._hand_over()
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        if self._writer:
            self._writer.join()
        self._reader.close()
        self._db.close()
        self._head_file.close()

    # --- reading ------------------------------------------------------------------------------------------

    def _digest_at(self, seq: int) -> bytes:
        if seq <= 0:
            return genesis(self._world)
        return row_at(self._reader, seq)[3]

    def _verified(self, previous: bytes, row: Row) -> JournalEntry:
        seq, recorded_at, payload, digest = row
        if seal(previous, seq, recorded_at, payload) != digest:
            raise IntegrityError(f"Entry {seq} of the journal does not match its digest.", fix="Run `sp log verify`.")
        return JournalEntry(seq, recorded_at, self._decode(payload), digest.hex())

    # --- writing ------------------------------------------------------------------------------------------

    def _require_writable(self, count: int) -> None:
        if self._failure:
            raise self._refusal()
        if self._is_closed:
            raise UnavailableError("The journal is closed.", fix="Start the engine with `sp engine start`.")
        if self._queued + count > MAX_QUEUED:
            raise UnavailableError("The journal is behind the disk.", fix="Wait a moment and send again.")

    def _refusal(self) -> UnavailableError:
        return UnavailableError(
            f"The journal is read-only since it failed: {self._failure}.",
            fix="Free or repair the disk, then `sp engine restart`. Cancels still go out.",
        )

    def _write_forever(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                return
            done = self._attempt(batch)
            try:
                batch[0].future.get_loop().call_soon_threadsafe(self._answer, batch, done)
            except RuntimeError:
                continue  # the loop is gone: nobody waits for the answer, the entries are on disk all the same

    def _take(self) -> list[_Request]:
        with self._wake:
            while not self._queue and not self._is_closed:
                self._wake.wait()
            batch: list[_Request] = []
            size = 0
            while self._queue and size < _MAX_BATCH:
                batch.append(self._queue.popleft())
                size += len(batch[-1].entries)
            return batch

    def _attempt(self, batch: list[_Request]) -> _Outcomes:
        if self._failure:
            return [(request.future, self._refusal()) for request in batch]
        try:
            last = self._commit(batch)
        except (apsw.Error, OSError) as error:
            self._failure = f"{type(error).__name__}: {error}"
            return [(request.future, self._refusal()) for request in batch]
        return [(request.future, seq) for request, seq in zip(batch, last, strict=True)]

    def _commit(self, batch: list[_Request]) -> list[int]:
        """One transaction, its sync, the head and its sync; the in-memory end moves only after all of it."""
        seq, digest = self._seq, self._digest
        sealed: list[Row] = []
        last: list[int] = []
        for request in batch:
            for recorded_at, payload in request.entries:
                seq += 1
                digest = seal(digest, seq, recorded_at, payload)
                sealed.append((seq, recorded_at, payload, digest))
            last.append(seq)
        self._store(sealed)
        head = Head(seq, digest.hex())
        self._head_file.write(head)
        self._seq, self._digest, self._head = seq, digest, (head.seq, head.digest)
        return last

    def _store(self, sealed: list[Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_INSERT, sealed)
            self._db.execute("COMMIT")
        except apsw.Error:
            if self._db.in_transaction:  # a full disk has rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    def _answer(self, batch: list[_Request], done: _Outcomes) -> None:
        """Back on the loop: the batch no longer waits for the disk."""
        self._queued -= sum([len(request.entries) for request in batch])
        self._resolve(done)

    @staticmethod
    def _resolve(done: _Outcomes) -> None:
        for future, outcome in done:
            if future.done():
                continue
            if isinstance(outcome, int):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
