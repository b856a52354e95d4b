"""A sign of life in shared memory: one process writes it from its event loop, others see when it stops.

A beat costs a store of a few bytes and no system call, so that a loop can beat as often as it likes. It is written by
the loop and by nothing else: a loop that hangs does not beat, however well its process is.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple

_RECORD = struct.Struct("<QQQ")
"""Process id, monotonic nanoseconds of the machine, beats so far."""


class Beat(NamedTuple):
    """The last sign of life: whose, at which monotonic time of the machine (ns), and how many there were."""

    pid: int
    monotonic_ns: int
    beats: int


class Heartbeat:
    """The writer's side. The file is made anew, so that no reader takes an older life for this one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(descriptor, _RECORD.size)
            self._memory = mmap.mmap(descriptor, _RECORD.size)
        finally:
            os.close(descriptor)
        fresh.replace(path)

    def beat(self, monotonic_ns: int) -> None:
        """Say that the loop turns."""
        self._count += 1
        self._memory[:] = _RECORD.pack(os.getpid(), monotonic_ns, self._count)

    def close(self) -> None:
        """End in order: the file goes, unless a later life has put its own there."""
        last = read_beat(self._path)
        if last is not None and last.pid == os.getpid():
            self._path.unlink(missing_ok=True)
        self._memory.close()


def read_beat(path: Path) -> Beat | None:
    """The last beat; None when there was none, or the file is not one."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    if len(found) != _RECORD.size or not any(found):
        return None
    return Beat(*_RECORD.unpack(found))
