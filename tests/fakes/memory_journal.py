"""A journal in memory: the same port and the same chain, with a disk that can be held or broken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.views import VerifyResult
from stockpulse_engine.storage.chain import genesis, seal
from stockpulse_engine.trading.ports import JournalEntry


class MemoryJournal:
    """Implements `trading.ports.Journal`. `disk` outlives the object: hand it to the next one after a crash."""

    def __init__(self, disk: list[JournalEntry] | None = None) -> None:
        self.disk = [] if disk is None else disk
        self.failure = ""
        self.is_held = False
        """Writes wait until `release`."""
        self._waiting: list[tuple[Sequence[Event], asyncio.Future[int]]] = []
        self._digest = bytes.fromhex(self.disk[-1].digest) if self.disk else genesis("sim")

    @property
    def head(self) -> tuple[int, str]:
        """Last durable entry."""
        return (self.disk[-1].seq, self.disk[-1].digest) if self.disk else (0, genesis("sim").hex())

    def enqueue(self, events: Sequence[Event]) -> asyncio.Future[int]:
        """Write now, or when released."""
        if self.failure:
            raise UnavailableError(f"The journal is read-only: {self.failure}.")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((events, future))
        if not self.is_held:
            self.release()
        return future

    async def append(self, events: Sequence[Event]) -> int:
        """Write and wait."""
        return await asyncio.shield(self.enqueue(events))

    def release(self, count: int | None = None) -> None:
        """Let waiting writes reach the disk, oldest first."""
        taken, self._waiting = self._waiting[:count], self._waiting[len(self._waiting[:count]) :]
        for events, future in taken:
            for event in events:
                seq = len(self.disk) + 1
                self._digest = seal(self._digest, seq, event.recorded_at, msgspec.msgpack.encode(event))
                self.disk.append(JournalEntry(seq, event.recorded_at, event, self._digest.hex()))
            if not future.done():
                future.set_result(len(self.disk))

    def break_down(self, why: str = "disk full") -> None:
        """The disk fails: what waits is refused, and everything after it."""
        self.failure = why
        taken, self._waiting = self._waiting, []
        for _, future in taken:
            future.set_exception(UnavailableError(f"The journal is read-only: {why}."))

    def read(self, after_seq: int = 0, limit: int | None = None) -> list[JournalEntry]:
        """Entries after a seq."""
        return self.disk[after_seq:][:limit]

    def scan(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """The same, one by one."""
        yield from self.disk[after_seq:]

    def fetch(self, seqs: Iterable[int]) -> list[JournalEntry]:
        """The named entries."""
        return [self.disk[seq - 1] for seq in seqs]

    async def verify(self) -> VerifyResult:
        """Always sound."""
        count = len(self.disk)
        return VerifyResult(is_ok=True, entries=count, head_seq=count, broken_at=0)
