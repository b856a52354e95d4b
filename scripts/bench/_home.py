"""A throw-away home with a running engine for benches of whole processes."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.launch import ensure_engine

STOP_S = 10.0


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
    """Kill engine and venue of a home, and wait until both are gone."""
    locks = [paths.lock, *paths.state.glob("worlds/*/venue/venue.lock")]
    for lock in locks:
        holder = lock_holder(lock)
        if holder is not None:
            with suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
        wait_until(lambda lock=lock: lock_holder(lock) is None, STOP_S)  # type: ignore[misc] # bound at once


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
