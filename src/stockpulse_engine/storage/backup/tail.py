"""The tail of a backup: what changed since its archive, written every minute over the tail of the minute before.

Of each database it holds the pages that are not as in the archive, of small files those that changed. Both are copied
in the order of a full backup, so that a tail is as consistent as one. A database is read in one snapshot: its writer
never waits. Restoring puts the pages over the archive's copy and checks the whole against the digest of what was read.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import IntegrityError, NotFoundError
from stockpulse_engine.storage.backup.archive import (
    TAIL_SUFFIX,
    FileRecord,
    Index,
    Manifest,
    digest_of,
    latest_backup,
    problem_of,
    read_index,
    sibling,
)
from stockpulse_engine.storage.backup.sources import PAGE, copy_database, sources
from stockpulse_engine.storage.backup.write import PAGE_DIGEST, page_digests

MAX_SMALL: Final = 4_000_000
"""Larger files that are no databases wait for the next archive."""
_MAGIC: Final = b"stockpulse-tail-1\n"
_DIGEST: Final = 32
_NO_TAIL: Final = "Restore the archive alone with --no-tail, or another backup."


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A file as it is now: whole, or the `pages` (their numbers) that differ from the archive's, in order."""

    record: FileRecord
    pages: list[int] | None
    data: bytes


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """Changes since the archive made at `base`."""

    base: int
    made_at: int
    changes: list[Change]


class TailWritten(NamedTuple):
    """Which archive a tail belongs to, its bytes and how many files changed."""

    archive: Path
    size: int
    changed: int


def write_tail(paths: Paths, backups: Path, clock: Clock) -> TailWritten | None:
    """Write what changed since the newest archive; None when there is none to add to."""
    try:
        archive = latest_backup(backups)
    except NotFoundError:
        return None
    index = read_index(archive)
    if index is None:
        return None
    made_at = clock.now_ns()
    with tempfile.TemporaryDirectory(prefix="sp-tail-") as scratch:
        changes = list(_changes(paths, index, Path(scratch) / "copy.db"))
    body = zlib.compress(msgspec.msgpack.encode(Tail(index.manifest.made_at, made_at, changes)), 1)
    data = _MAGIC + hashlib.sha256(body).digest() + body
    atomic_write(sibling(archive, TAIL_SUFFIX), data)
    return TailWritten(archive, len(data), len(changes))


def read_tail(archive: Path) -> Tail | None:
    """The tail of an archive; None when it has none. Raises IntegrityError."""
    file = sibling(archive, TAIL_SUFFIX)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    body = data[len(_MAGIC) + _DIGEST :]
    if data[: len(_MAGIC) + _DIGEST] != _MAGIC + hashlib.sha256(body).digest():
        raise IntegrityError(f"The tail {file.name} does not match its checksum.", fix=_NO_TAIL)
    return msgspec.msgpack.decode(zlib.decompress(body), type=Tail)


def apply_tail(archive: Path, scratch: Path, manifest: Manifest) -> tuple[int, list[str]]:
    """Bring an unpacked archive to its tail's moment; returns that moment and the names it changed.

    Raises:
        IntegrityError: the tail is damaged or of another archive.
    """
    tail = read_tail(archive)
    if tail is None:
        return manifest.made_at, []
    if tail.base != manifest.made_at:
        raise IntegrityError(f"The tail beside {archive.name} belongs to another archive.", fix=_NO_TAIL)
    for change in tail.changes:
        name = change.record.name
        if name.split("/", 1)[0] not in {"state", "data", "config"} or ".." in name.split("/"):
            raise IntegrityError(f"The tail of {archive.name}: {name[:60]!r} lies outside a home.", fix=_NO_TAIL)
        place = scratch / name
        ensure_private(place.parent)
        _apply(change, place)
        problem = problem_of(place, change.record)
        if problem:
            raise IntegrityError(f"The tail of {archive.name}: {name} {problem}.", fix=_NO_TAIL)
    return tail.made_at, [change.record.name for change in tail.changes]


def _apply(change: Change, place: Path) -> None:
    if change.pages is None:
        place.write_bytes(change.data)
        return
    place.touch(mode=0o600)
    with place.open("r+b") as file:
        file.truncate(change.record.size)
        for position, page in enumerate(change.pages):
            file.seek(page * PAGE)
            file.write(change.data[position * PAGE : (position + 1) * PAGE])


def _changes(paths: Paths, index: Index, copy: Path) -> Iterator[Change]:
    before = {one.name: one for one in index.manifest.files}
    for name, source in sources(paths):
        if source.suffix == ".db":
            copy_database(source, copy)
            found = _changed_pages(name, copy, index.pages.get(name, b""))
        else:
            found = _changed_file(name, source, before.get(name))
        if found is not None:
            yield found


def _changed_pages(name: str, copy: Path, before: bytes) -> Change | None:
    now = page_digests(copy)
    if now == before:
        return None
    edges = range(0, len(now), PAGE_DIGEST)
    numbers = [at // PAGE_DIGEST for at in edges if now[at : at + PAGE_DIGEST] != before[at : at + PAGE_DIGEST]]
    with copy.open("rb") as file:
        pages = []
        for number in numbers:
            file.seek(number * PAGE)
            pages.append(file.read(PAGE))
    return Change(FileRecord(name, copy.stat().st_size, digest_of(copy)), numbers, b"".join(pages))


def _changed_file(name: str, source: Path, before: FileRecord | None) -> Change | None:
    try:
        data = source.read_bytes() if source.stat().st_size <= MAX_SMALL else None
    except FileNotFoundError:  # gone since it was listed
        return None
    if data is None:
        return None
    record = FileRecord(name, len(data), hashlib.sha256(data).hexdigest())
    return None if record == before else Change(record, None, data)
