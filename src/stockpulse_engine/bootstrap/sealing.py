"""The signed head of this engine's journal: verified before a replay, signed every minute and at the stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.storage.journal import SqliteJournal
from stockpulse_engine.storage.restored import RestoredMark
from stockpulse_engine.storage.seal import HeadSeal, SealKey, seal_places

PART: Final = "seal"
EVERY_S: Final = 60.0


class JournalSeal:
    """Keeps the signature beside the journal.

    Raises:
        IntegrityError: the journal is not the one that was signed; nothing is traded on it (R32).
    """

    def __init__(self, paths: Paths, world: str, journal: SqliteJournal, clock: Clock) -> None:
        self._journal = journal
        self._seal = HeadSeal(world, SealKey(paths, world), seal_places(paths, world), clock)
        is_restored = RestoredMark(paths.world(world)).read() is not None
        last = journal.head[0]
        self._seal.open(last, journal.digest_at, is_restored=is_restored)

    @property
    def problem(self) -> str:
        """Why nothing could be verified or signed; "" when all is well."""
        return self._seal.problem

    async def run(self, alert: Callable[[str, str], None]) -> None:
        """Sign every minute; a failure is told once for each time it begins."""
        told = ""
        while True:
            if self.problem != told:
                told = self.problem
                alert("danger" if told else "info", f"Journal: {told or 'its head is signed again'}.")
            await asyncio.sleep(EVERY_S)
            head = self._journal.head
            await in_thread(lambda head=head: self._seal.write(head))  # type: ignore[misc]  # bound now, not later

    def stop(self) -> None:
        """Sign what is there at the end."""
        self._seal.write(self._journal.head)
