"""The journal's external head: where its chain ended at the last acknowledgement, kept in a second directory.

SQLite drives over a damaged write-ahead log by silently forgetting its tail (a prefix is a legal database). Only a
second witness can tell that something is missing. The file holds two fixed slots written in turn: a torn write
destroys one and leaves the other, and no name changes, so one data sync per commit is enough.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.domain.errors import IntegrityError

_SLOT: Final = 4096
_MAGIC: Final = "stockpulse-head-1"
Sync = Callable[[int], None]


class Head(NamedTuple):
    """Sequence number and hex digest of the last acknowledged entry."""

    seq: int
    digest: str


def _data_sync(descriptor: int) -> None:
    """The cheapest call that makes a fixed-size file's bytes durable on this system."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        fsync_file(descriptor)


class HeadFile:
    """Reads and writes the head. `sync` is replaced in power-cut tests."""

    def __init__(self, path: Path, sync: Sync = _data_sync) -> None:
        self.path = path
        self._sync = sync
        self._descriptor = -1
        self._turn = 0

    def read(self) -> Head | None:
        """The newest intact head; None when there is no file.

        Raises:
            IntegrityError: the file is there and neither slot can be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        slots = [_parse(data[start : start + _SLOT]) for start in (0, _SLOT)]
        self._turn = 0 if slots[1] is not None and (slots[0] is None or slots[1] > slots[0]) else 1
        heads = [slot for slot in slots if slot is not None]
        if not heads:
            raise IntegrityError(
                f"The journal's head file {self.path.name} is damaged in both slots.",
                fix="Keep the file for evidence and restore the last backup with `sp restore`.",
            )
        return max(heads)

    def create(self, head: Head) -> None:
        """Lay the file out with both slots and make its name durable."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, _format(head).ljust(_SLOT, b"\n") * 2, 0)
            fsync_file(descriptor)
        finally:
            os.close(descriptor)
        fsync_dir(self.path.parent)

    def write(self, head: Head) -> None:
        """Write the next slot and sync it; the journal acknowledges only after this."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        os.pwrite(self._descriptor, _format(head), self._turn * _SLOT)
        self._sync(self._descriptor)
        self._turn ^= 1

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _format(head: Head) -> bytes:
    text = f"{_MAGIC} {head.seq:020d} {head.digest}"
    return f"{text} {_checksum(text)}\n".encode()


def _parse(slot: bytes) -> Head | None:
    text, _, checksum = slot.split(b"\n", 1)[0].decode("ascii", "replace").rpartition(" ")
    parts = text.split(" ")
    if len(parts) != 3 or parts[0] != _MAGIC or checksum != _checksum(text):  # noqa: PLR2004 - magic, seq, digest
        return None
    return Head(int(parts[1]), parts[2])


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
