"""Writing a backup: checked copies of everything, under its name only when it is complete and synced."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import apsw
import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write, fsync_dir, fsync_file
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.backup.archive import (
    FORMAT,
    HISTORY,
    MANIFEST,
    SUFFIX,
    FileRecord,
    Index,
    Manifest,
    digest_of,
    encode_index,
    index_file,
)
from stockpulse_engine.storage.backup.objects import ObjectStore
from stockpulse_engine.storage.backup.sources import PAGE, copy_database, history_files, sources, tail_logs
from stockpulse_engine.storage.history.turn import exclusive

PAGE_DIGEST = 16
LOCK = "backup.lock"
_SCRATCH = ".part-"


def write_backup(paths: Paths, target: Path, clock: Clock, *, with_history: bool = True) -> tuple[Path, int]:
    """Write a backup of `paths` to `target`: a file that holds everything, or a directory of backups.

    Returns the archive and its size in bytes. Secrets (tokens) and logs are not part of it.

    Raises:
        UnavailableError: the disk can not take it; earlier backups are as they were.
    """
    is_shared = target.is_dir()
    file = target / f"stockpulse-{clock.now_ns() // 1_000_000_000}{SUFFIX}" if is_shared else target
    if not file.parent.exists():
        ensure_private(file.parent)
    with _said_of(file), turn_of(target) if is_shared else nullcontext():
        if is_shared:
            _sweep_parts(target)
        part = file.with_name(file.name + ".part")
        try:
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=file.parent) as scratch:
                writing = _Writing(paths, Path(scratch), ObjectStore(target) if is_shared else None)
                index = writing.write(part, clock.now_ns(), with_history=with_history)
            if is_shared:
                atomic_write(index_file(file), encode_index(index))
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        fsync_dir(file.parent)
    return file, file.stat().st_size


@contextmanager
def turn_of(backups: Path) -> Iterator[None]:
    """One process at a time writes to a directory of backups, or removes from it."""
    with exclusive(backups / LOCK):
        yield


def page_digests(file: Path) -> bytes:
    """A digest for each page of a database, one after the other."""
    with file.open("rb") as stream:
        return b"".join(
            hashlib.blake2b(page, digest_size=PAGE_DIGEST).digest() for page in iter(lambda: stream.read(PAGE), b"")
        )


class _Writing:
    """One archive on its way. Without an object store everything goes into it."""

    def __init__(self, paths: Paths, scratch: Path, objects: ObjectStore | None) -> None:
        self._paths = paths
        self._scratch = scratch
        self._store = objects
        self._files: list[FileRecord] = []
        self._objects: list[FileRecord] = []
        self._lost: list[str] = []
        self._pages: dict[str, bytes] = {}

    def write(self, part: Path, made_at: int, *, with_history: bool) -> Index:
        """Fill `part`; it is synced when this returns."""
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as archive:
            for name, source in sources(self._paths):
                self._add(archive, name, source)
            if with_history and (self._paths.history / "catalog.db").exists():
                self._add_history(archive)
            manifest = Manifest(FORMAT, made_at, tuple(self._files), tuple(self._objects), tuple(self._lost))
            _add_bytes(archive, MANIFEST, msgspec.json.encode(manifest))
            archive.close()
            raw.flush()
            fsync_file(raw.fileno())
        return Index(manifest, digest_of(part), self._pages)

    def _add(self, archive: tarfile.TarFile, name: str, source: Path) -> None:
        file = source
        if source.suffix == ".db":
            file = self._scratch / "copy.db"
            copy_database(source, file)
            if not name.startswith(HISTORY):
                self._pages[name] = page_digests(file)
        self._put(archive, name, file)

    def _add_history(self, archive: tarfile.TarFile) -> None:
        """The catalog first: what it lists is immutable, and nothing of it is swept away meanwhile."""
        root = self._paths.history
        copy = ensure_private(self._scratch / "history") / "catalog.db"
        with exclusive(root / "sweep.lock"):
            copy_database(root / "catalog.db", copy)
            self._put(archive, f"{HISTORY}catalog.db", copy)
            for log in tail_logs(root):
                self._put(archive, f"{HISTORY}tail/{log.name}", self._as_it_is_now(log))
            for one in history_files(root, copy):
                if self._store is None:
                    self._put(archive, one.name, one.path, expected=one.sha256)
                elif (record := self._store.put(one)) is not None:
                    self._objects.append(record)
                else:
                    self._lost.append(one.name)

    def _as_it_is_now(self, log: Path) -> Path:
        """A copy of a file that grows: its digest and its bytes must be of the same length."""
        copy = self._scratch / "copy.log"
        shutil.copyfile(log, copy)
        return copy

    def _put(self, archive: tarfile.TarFile, name: str, file: Path, *, expected: str = "") -> None:
        if not file.is_file():  # gone meanwhile, like a temporary file; of the history something is lost
            self._lost += [name] if expected else []
            return
        record = FileRecord(name, file.stat().st_size, digest_of(file))
        if expected and record.sha256 != expected:
            self._lost.append(name)
            return
        info = tarfile.TarInfo(name)
        info.size, info.mode = record.size, 0o600
        with file.open("rb") as stream:
            archive.addfile(info, stream)
        self._files.append(record)


@contextmanager
def _said_of(file: Path) -> Iterator[None]:
    """A full or failing disk in words; polars, SQLite and the system each have their own."""
    try:
        yield
    except (OSError, apsw.Error) as error:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnavailableError(
            f"{file} cannot be written: {words}.", fix="Free or repair that disk; earlier backups are untouched."
        ) from error


def _sweep_parts(backups: Path) -> None:
    """What a killed process left; whoever holds the turn is alone here."""
    for path in backups.glob(f"{_SCRATCH}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in [*backups.glob("*.part"), *backups.glob(".*.tmp")]:
        path.unlink(missing_ok=True)


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))
