"""A real engine in a home of its own, for tests that kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.launch import ensure_engine

START_S = 40.0


class EngineProcess:
    """Starts, kills and stops the daemon of one home; the venue goes with it at the end."""

    def __init__(self, home: Path, arguments: Sequence[str] = ()) -> None:
        self.home = home
        self.paths: Paths = resolve_paths(home)
        self.arguments = tuple(arguments)

    def __enter__(self) -> EngineProcess:
        """Start it and wait until it can trade."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything that lives in this home."""
        watchdog = self.watchdog_pid
        self.kill()
        for pid in filter(None, (watchdog, *self.venue_pids)):
            _end(pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Process id of the running engine, 0 when there is none."""
        holder = lock_holder(self.paths.lock)
        return holder.pid if holder is not None else 0

    @property
    def watchdog_pid(self) -> int:
        """Process id of this home's watchdog, 0 while there is none."""
        holder = lock_holder(self.paths.watchdog_lock)
        return holder.pid if holder is not None else 0

    @property
    def venue_pids(self) -> list[int]:
        """Process ids of this home's venues."""
        holders = map(lock_holder, self.paths.state.glob("worlds/*/venue/venue.lock"))
        return [holder.pid for holder in holders if holder is not None]

    def start(self) -> BlockingClient:
        """Start the daemon and return a client of it once it can trade."""
        ensure_engine(self.paths, arguments=self.arguments, timeout_s=START_S)
        return self.client()

    def client(self, role: str = "trader") -> BlockingClient:
        """A client of this engine."""
        return BlockingClient(self.paths, role=role)

    def kill(self) -> None:
        """SIGKILL, and wait until the lock is free."""
        pid = self.pid
        if pid:
            _end(pid, signal.SIGKILL)
            assert wait_until(lambda: not self.pid, START_S), "the kernel frees the lock of a dead process"

    def kill_both(self) -> None:
        """SIGKILL engine and venue in one moment, as a power cut does, and wait until both locks are free."""
        for pid in (self.pid, *self.venue_pids):
            if pid:
                _end(pid, signal.SIGKILL)
        assert wait_until(lambda: not self.pid and not self.venue_pids, START_S), "the kernel frees both locks"

    def sp(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run `sp` in this home."""
        return subprocess.run(
            [sys.executable, "-m", "stockpulse_engine.cli", "--home", str(self.home), *arguments],
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _end(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
