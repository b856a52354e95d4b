"""A throw-away home with a running engine for benches of whole processes."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.launch import ensure_engine

STOP_S = 10.0
LATE_S = 1.5
"""A process that has just been started takes its lock within this time."""


@contextmanager
def empty_home() -> Iterator[Path]:
    """An empty home with a short path; whatever was started in it is ended with it."""
    with tempfile.TemporaryDirectory(prefix="spb-", dir="/tmp", ignore_cleanup_errors=True) as name:
        home = Path(name)
        try:
            yield home
        finally:
            end_engine(resolve_paths(home))


@contextmanager
def running_engine() -> Iterator[tuple[Path, Paths]]:
    """The same, with its engine ready to trade."""
    with empty_home() as home:
        paths = resolve_paths(home)
        ensure_engine(paths)
        yield home, paths


def end_engine(paths: Paths) -> None:
    """Kill engine and venue of a home, also those that were just being started and have no lock yet."""
    give_up = time.monotonic() + LATE_S
    while time.monotonic() < give_up:
        for lock in (paths.lock, *paths.state.glob("worlds/*/venue/venue.lock")):
            if kill_holder(lock):
                give_up = time.monotonic() + LATE_S
        time.sleep(0.05)


def kill_holder(lock: Path) -> bool:
    """SIGKILL whoever holds a lock, and wait until it is free; False when nobody did."""
    holder = lock_holder(lock)
    if holder is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(holder.pid, signal.SIGKILL)
    return wait_until(lambda: lock_holder(lock) is None, STOP_S)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
