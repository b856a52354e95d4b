"""The journal of a simulation: the real chain and the real codec on a disk in memory whose syncs are under control.

An entry waits in memory, is then written, and is durable when its sync ended. A kill loses what waits; a power cut
also loses what is written and not synced, or, as real disks do, keeps some beginning of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from stockpulse_engine.domain.errors import IntegrityError, UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.views import VerifyResult
from stockpulse_engine.storage.chain import Row, genesis, seal
from stockpulse_engine.trading.ports import JournalEntry

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


class ImageDisk:
    """What outlives an engine: rows, and how many of them are synced. `delay` gives the seconds a sync takes."""

    def __init__(self, world: str, delay: Callable[[], float]) -> None:
        self.world = world
        self.delay = delay
        self.rows: list[Row] = []
        self.synced = 0
        """Rows that survive a power cut."""
        self.failure = ""
        """What the disk answers to every write, "" while it works."""
        self.head_seq = 0
        """Last row whose sync was acknowledged: the second witness."""

    def cut_power(self, kept: int = 0) -> None:
        """Only what was synced survives, and at most `kept` rows that were written and not synced."""
        del self.rows[self.synced + kept :]
        self.synced = len(self.rows)

    def events(self) -> Iterator[Event]:
        """Everything durable, in order."""
        return (_decode(row[2]) for row in self.rows[: self.synced])

    def digest(self) -> str:
        """One hash of everything on the disk."""
        total = hashlib.sha256()
        for _, _, payload, digest in self.rows:
            total.update(payload)
            total.update(digest)
        return total.hexdigest()


class ImageJournal:
    """Implements `trading.ports.Journal` on an `ImageDisk`. Opening it checks the whole chain.

    Raises:
        IntegrityError: the chain is broken or its acknowledged tail is gone.
    """

    def __init__(self, disk: ImageDisk) -> None:
        self._disk = disk
        self._failure = ""
        self._is_open = True
        self._waiting: list[tuple[list[tuple[int, bytes]], asyncio.Future[int]]] = []
        self._is_busy = False
        self._digest = genesis(disk.world)
        for row in disk.rows:
            self._digest = self._checked(self._digest, row)
        if len(disk.rows) < disk.head_seq:
            raise IntegrityError(f"The journal ends at {len(disk.rows)}, {disk.head_seq} entries were acknowledged.")

    @property
    def head(self) -> tuple[int, str]:
        """Last durable entry."""
        count = self._disk.synced
        return (count, self._disk.rows[count - 1][3].hex() if count else genesis(self._disk.world).hex())

    @property
    def failure(self) -> str:
        """Why it is read-only."""
        return self._failure

    def abandon(self) -> None:
        """The process is gone: what waits is never written, nobody hears of it."""
        self._is_open = False
        self._waiting.clear()

    def enqueue(self, events: Sequence[Event]) -> asyncio.Future[int]:
        """Queue for the next commit."""
        if self._failure or not self._is_open:
            raise self._refusal()
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(([(event.recorded_at, _encode(event)) for event in events], future))
        if not self._is_busy:
            self._is_busy = True
            asyncio.get_running_loop().call_soon(self._begin)
        return future

    async def append(self, events: Sequence[Event]) -> int:
        """Queue and wait."""
        return await asyncio.shield(self.enqueue(events))

    def read(self, after_seq: int = 0, limit: int | None = None) -> list[JournalEntry]:
        """Durable entries after a seq."""
        found = list(self.scan(after_seq))
        return found if limit is None else found[:limit]

    def scan(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Durable entries one by one, verified."""
        rows = self._disk.rows
        previous = rows[after_seq - 1][3] if after_seq else genesis(self._disk.world)
        for row in rows[after_seq : self._disk.synced]:
            previous = self._checked(previous, row)
            yield JournalEntry(row[0], row[1], _decode(row[2]), row[3].hex())

    def fetch(self, seqs: Iterable[int]) -> list[JournalEntry]:
        """The named entries."""
        return [self.read(seq - 1, 1)[0] for seq in seqs]

    async def verify(self) -> VerifyResult:
        """The chain was verified when it was opened, and grows by itself only."""
        count = self._disk.synced
        return VerifyResult(is_ok=True, entries=count, head_seq=count, broken_at=0)

    def _begin(self) -> None:
        """Write everything that waits, and let its sync take its time."""
        if not self._is_open or not self._waiting:
            self._is_busy = False
            return
        batch, self._waiting = self._waiting, []
        if self._disk.failure:
            self._fail(batch)
            return
        ends: list[int] = []
        for entries, _ in batch:
            for recorded_at, payload in entries:
                seq = len(self._disk.rows) + 1
                self._digest = seal(self._digest, seq, recorded_at, payload)
                self._disk.rows.append((seq, recorded_at, payload, self._digest))
            ends.append(len(self._disk.rows))
        futures = [future for _, future in batch]
        asyncio.get_running_loop().call_later(self._disk.delay(), self._end, futures, ends)

    def _end(self, futures: Sequence[asyncio.Future[int]], ends: Sequence[int]) -> None:
        """The sync is over."""
        if not self._is_open:
            return
        self._disk.synced = self._disk.head_seq = ends[-1]
        for future, seq in zip(futures, ends, strict=True):
            if not future.done():
                future.set_result(seq)
        self._begin()

    def _fail(self, batch: Sequence[tuple[object, asyncio.Future[int]]]) -> None:
        self._failure, self._is_busy = self._disk.failure, False
        for _, future in (*batch, *self._waiting):
            if not future.done():
                future.set_exception(self._refusal())
        self._waiting.clear()

    def _refusal(self) -> UnavailableError:
        return UnavailableError(f"The journal is read-only since it failed: {self._failure or 'closed'}.")

    @staticmethod
    def _checked(previous: bytes, row: Row) -> bytes:
        seq, recorded_at, payload, digest = row
        if seal(previous, seq, recorded_at, payload) != digest:
            raise IntegrityError(f"Entry {seq} of the journal does not match its digest.")
        return digest
