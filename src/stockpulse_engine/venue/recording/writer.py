"""Writing a recording: every turn's events at once into the file, synced once a second, within its limits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import fsync_dir
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.market import SECOND_NS, MarketEvent
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.venue.recording.tape import (
    END,
    EVENTS,
    FILE,
    HEAD,
    SNAPSHOT,
    End,
    Head,
    encode_events,
    frame_bytes,
    require_name,
)

MEBI: Final = 1024 * 1024
_log = get_logger("venue.recording")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the disk one recording may take, and how much it leaves free."""

    max_mb: int = 4096
    free_mb: int = 1024


class SessionRecorder:
    """One recording being made. A disk that is full or broken ends the recording, never the market."""

    def __init__(self, shelf: Path, head: Head, wall: Clock, limits: Limits) -> None:
        """Make the file with its head.

        Raises:
            InvalidValueError: no name, one that is taken, or no room to begin with.
            UnavailableError: the disk refused.
        """
        self._head = head
        self._wall = wall
        self._limits = limits
        self._directory = shelf / require_name(head.name)
        if (self._directory / FILE).exists():
            raise InvalidValueError(f"There is a recording called {head.name} already.", fix="Choose another name.")
        self._events = self._bytes = 0
        self._last_ns = head.market_ns
        self._synced_at = wall.monotonic_ns()
        self._reason = ""
        self._is_open = False
        try:
            ensure_private(self._directory)
            self._require_room()
            self._file = os.open(self._directory / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._is_open = True
            self._append(HEAD, head.market_ns, 0, encode_events(head))
            os.fsync(self._file)
            fsync_dir(self._directory)
            fsync_dir(shelf)
        except OSError as error:
            raise UnavailableError(f"{self._directory} cannot be written: {error.strerror}.") from error

    @property
    def is_open(self) -> bool:
        """Whether it is still recording."""
        return self._is_open

    def begin(self, snapshot: Sequence[MarketEvent]) -> None:
        """The state of the market where the recording begins."""
        self._write(SNAPSHOT, self._head.market_ns, snapshot)

    def write(self, at_ns: int, events: Sequence[MarketEvent]) -> None:
        """What was told in a turn that ended at a market time."""
        if self._is_open and events:
            self._write(EVENTS, at_ns, events)
        if self._is_open and self._wall.monotonic_ns() - self._synced_at >= SECOND_NS:
            self._sync()

    def close(self, reason: str = "") -> None:
        """End it: what follows is not recorded."""
        if not self._is_open:
            return
        self._is_open, self._reason = False, reason
        try:
            self._append(END, self._last_ns, 0, encode_events(End(reason=reason)))
            os.fsync(self._file)
        except OSError as error:
            self._reason = self._reason or str(error.strerror)
        os.close(self._file)
        _log.info("ended", name=self._head.name, reason=reason, events=self._events, bytes=self._bytes)

    def view(self) -> RecordingView:
        """How it goes."""
        return RecordingView(
            name=self._head.name,
            state="recording" if self._is_open else "full" if self._reason else "whole",
            world=self._head.world,
            started_at=self._head.started_at,
            first_ns=self._head.market_ns,
            last_ns=self._last_ns,
            events=self._events,
            bytes=self._bytes,
            detail=self._reason,
        )

    def _write(self, kind: int, at_ns: int, events: Sequence[MarketEvent]) -> None:
        payload = encode_events(tuple(events))
        if self._bytes + len(payload) > self._limits.max_mb * MEBI:
            self.close(f"full: it reached the {self._limits.max_mb:,} MB of history.recording_mb")
            return
        try:
            self._append(kind, at_ns, len(events), payload)
        except OSError as error:
            self.close(f"the disk refused a write: {error.strerror}")
            return
        self._events += len(events) if kind == EVENTS else 0
        self._last_ns = max(self._last_ns, at_ns)

    def _append(self, kind: int, at_ns: int, count: int, payload: bytes) -> None:
        """Straight to the kernel: a killed process loses nothing of it."""
        data = frame_bytes(kind, at_ns, count, payload)
        written = os.write(self._file, data)
        while written < len(data):
            written += os.write(self._file, data[written:])
        self._bytes += len(data)

    def _sync(self) -> None:
        self._synced_at = self._wall.monotonic_ns()
        try:
            os.fsync(self._file)
        except OSError as error:
            self.close(f"the disk refused to sync: {error.strerror}")
            return
        free = shutil.disk_usage(self._directory).free
        if free < self._limits.free_mb * MEBI:
            kept = f"history.recording_free_mb keeps {self._limits.free_mb:,}"
            self.close(f"full: the disk has {free // MEBI:,} MB free, {kept}")

    def _require_room(self) -> None:
        free = shutil.disk_usage(self._directory).free // MEBI
        if free < self._limits.free_mb:
            raise InvalidValueError(
                f"The disk has {free:,} MB free; history.recording_free_mb keeps {self._limits.free_mb:,}.",
                fix="Free some, or lower the setting.",
            )
