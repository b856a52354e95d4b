"""Alarms of the watchdog, one JSON line each: written by one process, read by whoever shows them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stockpulse_engine.base.files import fsync_file
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.base.text import clean_line

MAX_BYTES = 256 * 1024
"""Beyond it the older half goes."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person must hear of.

    Attributes:
        at: wall time in UTC nanoseconds.
        kind: `hang`, `death`, `acted`, `failed`, `back` or `test`.
        text: what happened, in words.
        engine: process id of the engine it is about.
    """

    at: int
    kind: str
    text: str
    engine: int = 0


def write_alarm(path: Path, alarm: Alarm) -> None:
    """Append an alarm and make it durable. Raises OSError."""
    ensure_private(path.parent)
    _keep_small(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(alarm) + b"\n")
        fsync_file(descriptor)
    finally:
        os.close(descriptor)


def read_alarms(path: Path, *, since: int = 0, limit: int = 100) -> Sequence[Alarm]:
    """The newest alarms after a wall time, oldest first; lines that are none are passed over."""
    try:
        lines = path.read_bytes()[-MAX_BYTES * 2 :].splitlines()
    except OSError:
        return ()
    found: list[Alarm] = []
    for line in reversed(lines):
        try:
            alarm = msgspec.json.decode(line, type=Alarm)
        except msgspec.MsgspecError:
            continue
        if alarm.at <= since or len(found) >= limit:
            break
        found.append(msgspec.structs.replace(alarm, kind=clean_line(alarm.kind, 16), text=clean_line(alarm.text)))
    return found[::-1]


def _keep_small(path: Path) -> None:
    try:
        held = path.read_bytes() if path.stat().st_size > MAX_BYTES else b""
    except OSError:
        return
    if held:
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(held[-MAX_BYTES // 2 :].partition(b"\n")[2])
        fresh.chmod(0o600)
        fresh.replace(path)
