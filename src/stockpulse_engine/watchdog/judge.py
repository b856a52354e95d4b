"""Whether an engine lives, judged from what can be seen from outside: time and sightings in, a verdict out."""

from __future__ import annotations

from enum import Enum

import msgspec

from stockpulse_engine.base.heartbeat import Beat

_NS = 1_000_000_000
_NAP_S = 3.0
"""A watchdog that did not look for so long was held up itself: what it missed is not held against the engine."""


class Verdict(Enum):
    """What the watchdog makes of it."""

    WELL = "WELL"
    HANGS = "HANGS"
    """Its process is there and its loop does not turn."""
    DEAD = "DEAD"
    """It ended without a word and no other has come."""
    BACK = "BACK"
    """It hung and turns again."""
    REPLACED = "REPLACED"
    """Another engine has this home: that one has a watchdog of its own."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one look shows.

    Attributes:
        now: monotonic nanoseconds of the machine.
        beat: the last sign of life in the file.
        is_line_open: whether the engine still holds its end of the pipe.
        holder: process id behind the engine's lock, 0 when it is free.
    """

    now: int
    beat: Beat | None
    is_line_open: bool
    holder: int


class Judge:
    """Follows one engine; every change of mind is told once."""

    def __init__(self, pid: int, silent_s: float, now: int) -> None:
        self._pid = pid
        self._silent_ns = int(silent_s * _NS)
        self._since = now
        """From when on silence counts: the beginning, or our own waking up."""
        self._last_look = now
        self._gone_at: int | None = None
        self._is_told = False

    def look(self, sight: Sight) -> Verdict:
        """Take in one look."""
        if sight.now - self._last_look > _NAP_S * _NS:
            self._since = sight.now
            self._gone_at = None if self._gone_at is None else sight.now
        self._last_look = sight.now
        if self._is_another(sight):
            return Verdict.REPLACED
        if not sight.is_line_open and sight.holder == 0:
            return self._missing(sight)
        self._gone_at = None
        return self._silent(sight)

    def _is_another(self, sight: Sight) -> bool:
        return sight.holder not in {0, self._pid} or (sight.beat is not None and sight.beat.pid != self._pid)

    def _missing(self, sight: Sight) -> Verdict:
        if self._gone_at is None:
            self._gone_at = sight.now
        if self._is_told or sight.now - self._gone_at < self._silent_ns:
            return Verdict.WELL
        self._is_told = True
        return Verdict.DEAD

    def _silent(self, sight: Sight) -> Verdict:
        heard = max(self._since, sight.beat.monotonic_ns if sight.beat is not None else 0)
        is_silent = sight.now - heard >= self._silent_ns
        if is_silent == self._is_told:
            return Verdict.WELL
        self._is_told = is_silent
        return Verdict.HANGS if is_silent else Verdict.BACK
