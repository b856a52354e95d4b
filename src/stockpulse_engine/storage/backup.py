"""Backup and restore of a home: one checked archive, taken while the engine runs.

Order matters and is the proof of consistency: the journal's external heads are copied first, then the journals,
then everything else (the venue's store last). So a copied journal is never behind its head, and the venue is
never behind the journal: what it knows more is fetched by the ordinary reconciliation at the next start.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import ConflictError, IntegrityError, NotFoundError
from stockpulse_engine.storage.restored import NAME as RESTORED
from stockpulse_engine.storage.restored import RestoredMark

MANIFEST = "manifest.json"
FORMAT = 1
MAX_BYTES = 8_000_000_000
"""Largest archive that restore unpacks."""
_SKIPPED = frozenset({"engine.lock", "last-frame.ansi", "venue.pid", "venue.lock", RESTORED})
_SKIPPED_DIRS = frozenset({"logs", "backups", "tokens"})
_SQLITE_SIDE_FILES = ("-wal", "-shm", "-journal")


class FileRecord(msgspec.Struct, frozen=True):
    """One file of the archive: name inside it, size, SHA-256 hex."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds."""

    format: int
    made_at: int
    files: tuple[FileRecord, ...]


def write_backup(paths: Paths, target: Path, clock: Clock) -> tuple[Path, int]:
    """Write a backup of `paths` to `target` (a file, or a directory that gets a name by time).

    Returns the file and its size in bytes. Secrets (tokens) and logs are not part of it. The archive appears
    under its name only when it is complete and synced.
    """
    file = target / f"stockpulse-{clock.now_ns() // 1_000_000_000}.tar.gz" if target.is_dir() else target
    if not file.parent.exists():
        ensure_private(file.parent)
    part = file.with_name(file.name + ".part")
    with tempfile.TemporaryDirectory(prefix="sp-backup-") as scratch:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as archive:
            records = [_add(archive, name, source, Path(scratch)) for name, source in _sources(paths)]
            manifest = msgspec.json.encode(Manifest(FORMAT, clock.now_ns(), tuple(records)))
            _add_bytes(archive, MANIFEST, manifest)
            archive.close()
            raw.flush()
            fsync_file(raw.fileno())
    part.replace(file)
    fsync_dir(file.parent)
    return file, file.stat().st_size


def restore_backup(file: Path, paths: Paths, *, replace_existing: bool = False, is_rollback: bool = False) -> Manifest:
    """Unpack a checked archive into an empty home; its journals are marked as restored, but not by a rollback.

    The engine of a backup may have been running: without the mark the next start would look like one after a kill.

    Raises:
        NotFoundError: the file is not there.
        IntegrityError: the archive is damaged or not one of ours; nothing was changed.
        ConflictError: the home already holds worlds and `replace_existing` is not set.
    """
    if not file.is_file():
        raise NotFoundError(f"No backup at {file.name}.", fix="Give the path of a file that `sp backup` wrote.")
    worlds = paths.state / "worlds"
    if worlds.exists() and any(worlds.iterdir()) and not replace_existing:
        raise ConflictError(
            "This home already holds a journal.", fix="Restore into an empty --home, or pass --replace."
        )
    ensure_private(paths.state)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=paths.state) as scratch:
        manifest = _unpack(file, Path(scratch))
        if worlds.exists() and any(worlds.iterdir()):  # set aside, never deleted
            worlds.rename(worlds.with_name(f"worlds-before-{manifest.made_at}"))
        for record in manifest.files:
            destination = _root_of(record.name, paths) / record.name.split("/", 1)[1]
            ensure_private(destination.parent)
            (Path(scratch) / record.name).replace(destination)
            if destination.name == "journal.db" and not is_rollback:
                RestoredMark(destination.parent).set(manifest.made_at)
    fsync_dir(paths.state)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """The manifest of an archive, every file checked against it (`sp backup verify`)."""
    with tempfile.TemporaryDirectory(prefix="sp-verify-") as scratch:
        return _unpack(file, Path(scratch))


def _sources(paths: Paths) -> Iterator[tuple[str, Path]]:
    heads = paths.data / "heads"
    yield from ((f"data/heads/{one.name}", one) for one in _files(heads))
    state = list(_files(paths.state))
    for one in sorted(state, key=lambda path: (path.name != "journal.db", "venue" in path.parts, str(path))):
        yield f"state/{one.relative_to(paths.state).as_posix()}", one
    yield from ((f"config/{one.relative_to(paths.config).as_posix()}", one) for one in _files(paths.config))


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    found = []
    for one in sorted(root.rglob("*")):
        inside = one.relative_to(root).parts
        is_side_file = one.name.endswith(_SQLITE_SIDE_FILES)
        if one.is_symlink() or not one.is_file() or is_side_file or one.name in _SKIPPED:
            continue
        if not _SKIPPED_DIRS.intersection(inside[:-1]) and not inside[0].startswith(".restore-"):
            found.append(one)
    return found


def _add(archive: tarfile.TarFile, name: str, source: Path, scratch: Path) -> FileRecord:
    file = source
    if source.suffix == ".db":
        file = scratch / "copy.db"
        file.unlink(missing_ok=True)
        _copy_database(source, file)
    digest = _sha256(file)
    info = tarfile.TarInfo(name)
    info.size = file.stat().st_size
    info.mode = 0o600
    with file.open("rb") as stream:
        archive.addfile(info, stream)
    return FileRecord(name, info.size, digest)


def _copy_database(source: Path, target: Path) -> None:
    """A consistent copy through SQLite's own backup, whatever its writer is doing."""
    origin = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    copy = apsw.Connection(str(target))
    try:
        origin.set_busy_timeout(5_000)
        with copy.backup("main", origin, "main") as work:
            while not work.done:
                work.step(1_000)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        origin.close()


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o600
    archive.addfile(info, io.BytesIO(data))


def _unpack(file: Path, scratch: Path) -> Manifest:
    try:
        with tarfile.open(file, "r:gz") as archive:
            members = archive.getmembers()
            if sum(one.size for one in members) > MAX_BYTES:
                raise IntegrityError(f"{file.name} unpacks to more than {MAX_BYTES} bytes.")
            archive.extractall(scratch, members=members, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise IntegrityError(f"{file.name} is damaged: {type(error).__name__}.", fix="Use another backup.") from error
    manifest_file = scratch / MANIFEST
    if not manifest_file.is_file():
        raise IntegrityError(f"{file.name} holds no manifest: not one of our backups, or cut short.")
    try:
        manifest = msgspec.json.decode(manifest_file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{file.name}: its manifest can not be read.") from error
    for record in manifest.files:
        _check(scratch / record.name, record, file)
    return manifest


def _check(found: Path, record: FileRecord, archive: Path) -> None:
    if record.name.split("/", 1)[0] not in {"state", "data", "config"} or ".." in record.name.split("/"):
        raise IntegrityError(f"{archive.name}: {record.name[:60]!r} lies outside a home.")
    if not found.is_file() or found.stat().st_size != record.size or _sha256(found) != record.sha256:
        raise IntegrityError(f"{archive.name}: {record.name} does not match its checksum.", fix="Use another backup.")


def _root_of(name: str, paths: Paths) -> Path:
    return {"state": paths.state, "data": paths.data, "config": paths.config}[name.split("/", 1)[0]]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
