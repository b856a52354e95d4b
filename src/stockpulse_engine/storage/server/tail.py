"""Reading a journal beside its engine: entries after a sequence number, each verified against the chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from stockpulse_engine.domain.errors import IntegrityError, UnavailableError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.storage.chain import genesis, row_at, rows, seal, stored_world
from stockpulse_engine.trading.ports import JournalEntry

BUSY_MS: Final = 5_000


class JournalTail:
    """A journal, read only. What its engine appends later is seen by the next call."""

    def __init__(self, path: Path) -> None:
        self._decode = msgspec.msgpack.Decoder(Event).decode
        try:
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._db.set_busy_timeout(BUSY_MS)
            self._world = stored_world(self._db)
        except apsw.Error as error:
            raise UnavailableError(f"{path} cannot be read: {error}.", fix="Run `sp log verify`.") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def digest_at(self, seq: int) -> str:
        """The digest of an entry, hex; "" when it is not there."""
        if seq <= 0:
            return ""
        try:
            return row_at(self._db, seq)[3].hex()
        except IntegrityError:
            return ""

    def last_seq(self) -> int:
        """The number of the last entry."""
        found = self._db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchall()
        return int(str(found[0][0]))

    def scan(self, after_seq: int) -> Iterator[JournalEntry]:
        """Entries in order.

        Raises:
            IntegrityError: naming the first that does not hold.
        """
        digest = row_at(self._db, after_seq)[3] if after_seq else genesis(self._world)
        for seq, recorded_at, payload, stored in rows(self._db, after_seq):
            digest = seal(digest, seq, recorded_at, payload)
            if digest != stored:
                raise IntegrityError(
                    f"Entry {seq} of the journal does not match its digest.", fix="Run `sp log verify`."
                )
            yield JournalEntry(seq, recorded_at, self._decode(payload), digest.hex())
