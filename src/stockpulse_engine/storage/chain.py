"""The journal's hash chain: how an entry is sealed, and the walk that proves that none was changed or lost."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, cast

import apsw

from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.domain.views import VerifyResult
from stockpulse_engine.storage.head import Head, HeadFile

_PLACE: Final = struct.Struct(">Qq").pack
_COLUMNS: Final = "seq, CAST(recorded_at AS INTEGER), CAST(payload AS BLOB), CAST(digest AS BLOB)"
"""The casts keep a flipped type byte from raising where the digest would find it."""
_AFTER: Final = f"SELECT {_COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - ours
_ONE: Final = f"SELECT {_COLUMNS} FROM entries WHERE seq = ?"  # noqa: S608 - ours
_PAGE: Final = 4096
"""Rows fetched at a time: the walk holds no long read lock and little memory."""

Row = tuple[int, int, bytes, bytes]
"""seq, recorded_at, payload, digest."""


class Walk(NamedTuple):
    """Where a walk over the chain ended. `broken_at` is 0 when every entry holds."""

    seq: int
    digest: str
    broken_at: int
    problem: str
    marked_digest: str
    """Digest at the seq that was asked for; "" when the walk did not reach it."""


def genesis(world: str) -> bytes:
    """The digest before the first entry; it carries the world's name, so that a journal cannot change worlds."""
    return hashlib.sha256(f"stockpulse journal 1 {world}".encode()).digest()


def seal(previous: bytes, seq: int, recorded_at: int, payload: bytes) -> bytes:
    """Digest of an entry: SHA-256 of (previous digest, seq, recorded_at, payload)."""
    return hashlib.sha256(previous + _PLACE(seq, recorded_at) + payload).digest()


def rows(connection: apsw.Connection, after_seq: int) -> Iterator[Row]:
    """All rows after `after_seq`, in order, a page at a time."""
    while True:
        page = cast("list[Row]", connection.execute(_AFTER, (after_seq, _PAGE)).fetchall())
        yield from page
        if len(page) < _PAGE:
            return
        after_seq = page[-1][0]


def row_at(connection: apsw.Connection, seq: int) -> Row:
    """One row. Raises IntegrityError when it is missing."""
    found = cast("list[Row]", connection.execute(_ONE, (seq,)).fetchall())
    if not found:
        raise IntegrityError(f"Entry {seq} of the journal is missing.", fix="Run `sp log verify`.")
    return found[0]


def walk(connection: apsw.Connection, world: str, mark: int) -> Walk:
    """Re-compute every digest from the first entry on; stops at the first that does not hold."""
    sha256, place = hashlib.sha256, _PLACE  # local names: this loop runs a million times at start
    digest = genesis(world)
    marked = digest if mark == 0 else b""
    seq = 0
    for found, recorded_at, payload, stored in rows(connection, 0):
        if found != seq + 1:
            return Walk(seq, digest.hex(), seq + 1, f"entry {seq + 1} is missing", marked.hex())
        computed = sha256(digest + place(found, recorded_at) + payload).digest()
        if computed != stored:
            return Walk(seq, digest.hex(), found, f"entry {found} does not match its digest", marked.hex())
        seq, digest = found, computed
        if seq == mark:
            marked = digest
    return Walk(seq, digest.hex(), 0, "", marked.hex())


def judge(result: Walk, head: Head | None) -> VerifyResult:
    """The walk's end against the external head."""
    head_seq = head.seq if head else 0
    broken_at, problem = result.broken_at, result.problem
    if not broken_at and head is None and result.seq:
        broken_at, problem = 1, "the head file is missing"
    elif not broken_at and head is not None and head.seq > result.seq:
        broken_at = result.seq + 1
        problem = f"the tail is cut: entries {result.seq + 1} to {head.seq} were acknowledged and are gone"
    elif not broken_at and head is not None and result.marked_digest != head.digest:
        broken_at, problem = head.seq, f"entry {head.seq} is not the one that was acknowledged"
    return VerifyResult(
        is_ok=not broken_at, entries=result.seq, head_seq=head_seq, broken_at=broken_at, problem=problem
    )


def verify(path: Path, head_path: Path) -> VerifyResult:
    """Walk the whole journal against its head file, with a connection of its own; never raises for damage."""
    try:
        head = HeadFile(head_path).read()
    except IntegrityError as error:
        return _unreadable(str(error))
    if not path.is_file():
        return judge(Walk(0, "", 0, "", ""), head) if head else _unreadable(f"there is no journal at {path.name}")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            world = stored_world(connection)
            return judge(walk(connection, world, head.seq if head else 0), head)
        finally:
            connection.close()
    except (apsw.Error, UnicodeDecodeError) as error:
        return _unreadable(f"the file cannot be read: {error}", head)


def stored_world(connection: apsw.Connection) -> str:
    """The world the journal was made for; "" when it holds no marker."""
    found = connection.execute("SELECT value FROM meta WHERE key = 'world'").fetchall()
    return str(found[0][0]) if found else ""


def _unreadable(problem: str, head: Head | None = None) -> VerifyResult:
    return VerifyResult(is_ok=False, entries=0, head_seq=head.seq if head else 0, broken_at=1, problem=problem)
