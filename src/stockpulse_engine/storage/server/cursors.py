"""The cursor of each stream that is mirrored: it lies beside the rows and moves in their transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import ConflictError
from stockpulse_engine.storage.server.link import Connection

HISTORY: Final = "history"
_OWNER_FILE: Final = "mirror.id"


class Cursor(NamedTuple):
    """How far a stream has come: the last sequence number that is on the server, and what proves that it is ours."""

    seq: int
    digest: str


def owner_of(history: Path) -> str:
    """The name under which this home's rows lie on a server; made when first asked for."""
    file = history / _OWNER_FILE
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        ensure_private(history)
        atomic_write(file, new_id().encode())
        return file.read_text().strip()


def known_owner(history: Path) -> str:
    """The same, "" where nothing was ever mirrored from here."""
    try:
        return (history / _OWNER_FILE).read_text().strip()
    except FileNotFoundError:
        return ""


def take(connection: Connection, stream: str, owner: str) -> Cursor:
    """The cursor, held until the end of the transaction: of two mirrors of a stream one waits.

    Raises:
        ConflictError: the database mirrors another home.
    """
    connection.execute(
        "INSERT INTO mirror_cursor(stream, owner, seq, digest, moved_at) VALUES (%s, %s, 0, '', now()) "
        "ON CONFLICT (stream) DO NOTHING",
        (stream, owner),
    )
    row = connection.execute(
        "SELECT owner, seq, digest FROM mirror_cursor WHERE stream = %s FOR UPDATE", (stream,)
    ).fetchone()
    assert row is not None
    if row[0] != owner:
        raise ConflictError(
            "The database holds the mirror of another home.", fix="Give each home a database of its own in storage.url."
        )
    return Cursor(int(row[1]), str(row[2]))


def move(connection: Connection, stream: str, cursor: Cursor) -> None:
    """Where the next look begins, from the commit of this transaction on."""
    connection.execute(
        "UPDATE mirror_cursor SET seq = %s, digest = %s, moved_at = now() WHERE stream = %s",
        (cursor.seq, cursor.digest, stream),
    )
