"""Files kept once by their SHA-256, however many backups hold them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.storage.backup.archive import OBJECTS, FileRecord, problem_of
from stockpulse_engine.storage.backup.sources import Wanted

_CHUNK = 1 << 20


class ObjectStore:
    """The directory `objects` beside archives. What is in it under a digest was whole when it got that name."""

    def __init__(self, backups: Path) -> None:
        self.root = backups / OBJECTS

    def path(self, sha256: str) -> Path:
        """Where a file with that digest lies."""
        return self.root / sha256[:2] / sha256

    def put(self, wanted: Wanted) -> FileRecord | None:
        """Keep a file, copied only when it is not here yet; None when it is not what its commit told."""
        if wanted.sha256 and self._is_here(wanted.sha256, wanted.size):
            return FileRecord(wanted.name, wanted.size, wanted.sha256)
        try:
            size, digest, temporary = self._copy(wanted.path)
        except FileNotFoundError:
            return None
        try:
            if wanted.sha256 and digest != wanted.sha256:
                return None
            if not self._is_here(digest, size):
                self._name(temporary, digest)
        finally:
            temporary.unlink(missing_ok=True)
        return FileRecord(wanted.name, size, digest)

    def problem(self, record: FileRecord, *, is_deep: bool) -> str:
        """What is wrong with a kept file; without `is_deep` its content is not read."""
        found = self.path(record.sha256)
        if is_deep:
            return problem_of(found, record)
        return "" if self._is_here(record.sha256, record.size) else problem_of(found, record) or "is missing"

    def forget(self, records: Iterable[FileRecord]) -> None:
        """Remove what was found damaged: the next backup copies it again while the home still has it."""
        for record in records:
            self.path(record.sha256).unlink(missing_ok=True)

    def sweep(self, needed: set[str]) -> int:
        """Remove what no backup needs; returns how many files."""
        old = [path for path in self.root.glob("*/*") if path.name not in needed]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _is_here(self, sha256: str, size: int) -> bool:
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def _copy(self, source: Path) -> tuple[int, str, Path]:
        """A synced copy under a name that counts for nothing, its size and digest."""
        directory = ensure_private(self.root / "new")
        temporary = directory / f"{source.name}.{os.getpid()}"
        digest, size = hashlib.sha256(), 0
        with source.open("rb") as origin:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as copy:
                    while chunk := origin.read(_CHUNK):
                        copy.write(chunk)
                        digest.update(chunk)
                        size += len(chunk)
                    copy.flush()
                    fsync_file(copy.fileno())
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return size, digest.hexdigest(), temporary

    def _name(self, temporary: Path, sha256: str) -> None:
        place = self.path(sha256)
        if not place.parent.is_dir():
            ensure_private(place.parent)
            fsync_dir(self.root)
        temporary.replace(place)
        fsync_dir(place.parent)
