"""A flag that outlives every process: a file that anyone may set, by `touch` if all else fails."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.base.text import clean_line


class FlagFile:
    """A durable flag. When in doubt it is set."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._directory = str(path.parent)
        self._file = str(path)
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def is_set(self) -> bool:
        """Whether it is set: the file is there, or nobody can tell that it is not."""
        try:
            os.lstat(self._file)
        except FileNotFoundError:
            return not os.access(self._directory, os.R_OK | os.X_OK)
        except OSError:
            return True
        return True

    def set(self, reason: str, actor: str) -> None:
        """Create the file and make it durable; setting it again keeps the first reason."""
        note = {"reason": clean_line(reason), "actor": clean_line(actor, 64), "at": self._clock.now_ns()}
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:
                os.write(descriptor, msgspec.json.encode(note) + b"\n")
            fsync_file(descriptor)
        finally:
            os.close(descriptor)
        fsync_dir(self._path.parent)

    def clear(self) -> None:
        """Remove the file and make its absence durable."""
        self._path.unlink(missing_ok=True)
        fsync_dir(self._path.parent)

    def note(self) -> str:
        """Who set it and why, as far as the file tells; "" when it was only touched or cannot be read."""
        try:
            found = msgspec.json.decode(self._path.read_bytes()[:4096], type=dict[str, str | int])
        except (OSError, msgspec.DecodeError):
            return ""
        return clean_line(f"{found.get('reason', '')} ({found.get('actor', '')})")
