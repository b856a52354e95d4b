"""A disk that forgets: only what was synced survives a power cut. For SQLite through apsw, and for the head file."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import apsw

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.storage.head import HeadFile
from stockpulse_engine.storage.journal import SqliteJournal

_names = itertools.count(1)


class ForgetfulDisk:
    """Remembers each file's bytes at its last sync; `survivors` lays out what a power cut would leave."""

    def __init__(self) -> None:
        self.name = f"forgetful{next(_names)}"
        self._synced: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self.synced: list[str] = []
        self.fails_with: Exception | None = None
        self._vfs = _Vfs(self.name, self)

    def remember(self, path: str) -> None:
        """A file was synced: this content survives."""
        if self.fails_with is not None:
            raise self.fails_with
        content = Path(path).read_bytes()
        with self._lock:
            self._synced[path] = content
            self.synced.append(path)

    def forget(self, path: str) -> None:
        """A file was deleted."""
        with self._lock:
            self._synced.pop(path, None)

    def sync_descriptor(self, descriptor: int) -> None:
        """Stands in for fdatasync of the head file."""
        self.remember(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    def snapshot(self) -> dict[str, bytes]:
        """What a power cut at this very moment would leave."""
        with self._lock:
            return dict(self._synced)

    def close(self) -> None:
        """Take the VFS away from SQLite."""
        self._vfs.unregister()


def lay_out(image: dict[str, bytes], source: Path, target: Path) -> None:
    """Write a snapshot of files below `source` to the same places below `target`."""
    for name, content in image.items():
        if not Path(name).is_relative_to(source):
            continue
        file = target / Path(name).relative_to(source)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


class ForgetfulJournal(SqliteJournal):
    """The real journal on a forgetful disk, its head file too; committed in the caller's turn."""

    def __init__(self, home: Path, disk: ForgetfulDisk, *, is_inline: bool = True) -> None:
        self.disk = disk
        database, head = home / "state" / "journal.db", home / "heads" / "journal.head"
        super().__init__(database, head, ManualClock(), vfs=disk.name, is_inline=is_inline)
        for file in (database, head):
            disk.remember(str(file))  # what exists before the first acknowledgement is not under test

    def _make_head_file(self, head_path: Path) -> HeadFile:
        return HeadFile(head_path, self.disk.sync_descriptor)


class _Vfs(apsw.VFS):
    def __init__(self, name: str, disk: ForgetfulDisk) -> None:
        self._disk = disk
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else (name or "")
        return _File(path, name, flags, self._disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.forget(filename)


class _File(apsw.VFSFile):
    def __init__(self, path: str, name: str | apsw.URIFilename | None, flags: list[int], disk: ForgetfulDisk) -> None:
        self._path = path
        self._disk = disk
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._disk.remember(self._path)
