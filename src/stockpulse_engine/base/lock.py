"""One process per directory: a lock that dies with its holder and says who that is."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import fsync_file
from stockpulse_engine.base.paths import ensure_private

_MAX_RECORD = 64


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, since when (UTC nanoseconds; 0 where the record could not be read)."""

    pid: int
    since_ns: int


class LockHeldError(Exception):
    """Another process holds the lock; `holder` says which."""

    def __init__(self, path: Path, holder: Holder) -> None:
        since = datetime.fromtimestamp(holder.since_ns // 1_000_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        super().__init__(f"{path} is held by process {holder.pid} since {since}.")
        self.path = path
        self.holder = holder


class FileLock:
    """A held lock. The kernel releases it when the process ends, however it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one in; more than once does nothing. The file stays, so that no two locks can exist."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire_lock(path: Path, clock: Clock) -> FileLock:
    """Take the lock at `path` without waiting and record our pid and the time in it.

    Raises:
        LockHeldError: another process has it.
    """
    ensure_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held = _parse(os.pread(descriptor, _MAX_RECORD, 0))
        os.close(descriptor)
        raise LockHeldError(path, held) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {clock.now_ns()}\n".encode(), 0)
    fsync_file(descriptor)
    return FileLock(path, descriptor)


def lock_holder(path: Path) -> Holder | None:
    """Who holds the lock now, or None when it is free."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Shared and let go at once: two who only ask do not see each other as holders.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(os.pread(descriptor, _MAX_RECORD, 0))
    else:
        return None
    finally:
        os.close(descriptor)


def _parse(record: bytes) -> Holder:
    parts = record.split()
    if len(parts) == 2 and all(part.isdigit() for part in parts):  # noqa: PLR2004 - pid and time
        return Holder(int(parts[0]), int(parts[1]))
    return Holder(0, 0)
