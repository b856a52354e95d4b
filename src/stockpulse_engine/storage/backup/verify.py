"""Verifying a backup: every file, the chain of each journal, the catalog against its segments. Nothing is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.storage.backup.archive import (
    HISTORY,
    FileRecord,
    Manifest,
    archive_at,
    digest_of,
    manifest_in,
    problem_of,
    read_index,
    unpack_what_can_be,
)
from stockpulse_engine.storage.backup.objects import ObjectStore
from stockpulse_engine.storage.backup.tail import apply_tail
from stockpulse_engine.storage.chain import verify as verify_chain
from stockpulse_engine.storage.history.catalog import Catalog


class Damage(NamedTuple):
    """What is damaged, by its name in the backup, and how."""

    name: str
    problem: str


class Verified(NamedTuple):
    """What was looked at: files of the archive, files of the history, the moment a restore would come back to."""

    archive: Path
    made_at: int
    files: int
    objects: int
    bytes: int
    damaged: tuple[Damage, ...]


def verify_backup(place: Path, *, is_deep: bool = True) -> Verified:
    """Check a backup (of a directory: the newest); without `is_deep` kept history is looked for, not read.

    Damage is in what is returned, never raised.

    Raises:
        NotFoundError: nothing is there.
    """
    file = archive_at(place)
    with tempfile.TemporaryDirectory(prefix="sp-verify-") as scratch:
        stop = unpack_what_can_be(file, Path(scratch)) or _other_bytes(file)
        damaged = [Damage(file.name, stop)] if stop else []
        manifest = _manifest(file, Path(scratch), damaged)
        if manifest is None:
            return Verified(file, 0, 0, 0, file.stat().st_size, tuple(damaged))
        made_at = manifest.made_at
        damaged += _files(Path(scratch), manifest, is_cut=bool(stop))
        damaged += _history(file, Path(scratch), manifest, is_deep=is_deep)
        is_sound = not damaged
        damaged += _chains(Path(scratch), manifest, {one.name for one in damaged}, "")
        if is_sound:
            made_at = _tail(file, Path(scratch), manifest, damaged)
        size = file.stat().st_size + sum(one.size for one in manifest.objects)
        return Verified(file, made_at, len(manifest.files), len(manifest.objects), size, tuple(damaged))


def forget_damaged(found: Verified) -> int:
    """Remove kept history that is damaged, so that the next backup copies it again; returns how many files."""
    index = read_index(found.archive)
    names = {one.name for one in found.damaged}
    records = [one for one in index.manifest.objects if one.name in names] if index is not None else []
    ObjectStore(found.archive.parent).forget(records)
    return len(records)


def _other_bytes(file: Path) -> str:
    """A flipped bit of a packed file may change nothing that is unpacked; the disk is failing all the same."""
    index = read_index(file)
    return "" if index is None or index.sha256 == digest_of(file) else "its SHA-256 is not the one of its index"


def _manifest(file: Path, scratch: Path, damaged: list[Damage]) -> Manifest | None:
    """The archive's own, or the one beside it where the archive is cut."""
    try:
        return manifest_in(scratch, file)
    except StockPulseError as error:
        damaged += [] if damaged else [Damage(file.name, error.message)]
        index = read_index(file)
        return index.manifest if index is not None else None


def _files(scratch: Path, manifest: Manifest, *, is_cut: bool) -> Iterator[Damage]:
    for record in manifest.files:
        problem = problem_of(scratch / record.name, record)
        if problem:
            is_behind = is_cut and problem == "is missing"
            yield Damage(record.name, "lies behind the damage" if is_behind else problem)


def _history(file: Path, scratch: Path, manifest: Manifest, *, is_deep: bool) -> Iterator[Damage]:
    store = ObjectStore(file.parent)
    for record in manifest.objects:
        problem = store.problem(record, is_deep=is_deep)
        if problem:
            yield Damage(record.name, problem)
    yield from (Damage(name, "was damaged in the home already when the backup was made") for name in manifest.lost)
    root = scratch / HISTORY
    if not (root / "catalog.db").is_file():
        return
    held = {one.name: one for one in (*manifest.files, *manifest.objects)}
    try:
        yield from _catalog(root, held, set(manifest.lost))
    except (StockPulseError, apsw.Error) as error:
        yield Damage(f"{HISTORY}catalog.db", f"cannot be read: {error}")


def _catalog(root: Path, held: dict[str, FileRecord], lost: set[str]) -> list[Damage]:
    catalog = Catalog(root)
    try:
        segments, tails = catalog.segments(0, "", 2**31), catalog.tails()
    finally:
        catalog.close()
    wanted = [HISTORY + Path(one.path).relative_to(root).as_posix() for one in segments]
    wanted += [f"{HISTORY}tail/{one.name}" for one in tails if not one.is_closed]
    return [
        Damage(name, "is listed by the catalog and not in the backup")
        for name in wanted
        if name not in held and name not in lost
    ]


def _chains(scratch: Path, manifest: Manifest, known: set[str], where: str) -> Iterator[Damage]:
    for record in manifest.files:
        if not record.name.endswith("/journal.db") or record.name in known:
            continue
        journal = scratch / record.name
        head = scratch / "data" / "heads" / f"{journal.parent.name}.head"
        found = verify_chain(journal, head)
        if not found.is_ok:
            yield Damage(record.name, f"{where}its chain breaks at entry {found.broken_at}: {found.problem}")


def _tail(file: Path, scratch: Path, manifest: Manifest, damaged: list[Damage]) -> int:
    """The same chains once more as of the tail; the moment it brings a restore to."""
    try:
        made_at, _ = apply_tail(file, scratch, manifest)
    except StockPulseError as error:
        damaged.append(Damage(file.name.replace(".tar.gz", ".tail"), error.message))
        return manifest.made_at
    if made_at != manifest.made_at:
        damaged += _chains(scratch, manifest, set(), "with its tail ")
    return made_at
