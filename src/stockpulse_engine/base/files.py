"""Files that survive a power cut and that only their owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path

_FULL_SYNC = 51 if sys.platform == "darwin" else None
"""macOS: a plain fsync leaves data in the drive's cache; F_FULLFSYNC does not."""


def fsync_file(descriptor: int) -> None:
    """Push an open file's bytes to the medium, not merely to the drive."""
    if _FULL_SYNC is not None:
        import fcntl

        with contextlib.suppress(OSError):  # file systems without it fall through to the plain call
            fcntl.fcntl(descriptor, _FULL_SYNC)
            return
    os.fsync(descriptor)


def fsync_dir(directory: Path) -> None:
    """Make the names in a directory durable: a created or renamed file is lost without it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fsync_file(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, data: bytes) -> None:
    """Create a file with mode 0600, write and sync it.

    Raises:
        FileExistsError: something of that name is there already, a symbolic link included; it is not touched.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask took away or left
        _write_all(descriptor, data)
        fsync_file(descriptor)
    finally:
        os.close(descriptor)


def atomic_write(path: Path, data: bytes) -> None:
    """Replace a file's content so that a reader or a power cut sees the old or the new, never a mixture.

    The file is private (0600), its bytes and its name are synced before this returns.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        write_private(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_dir(path.parent)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
