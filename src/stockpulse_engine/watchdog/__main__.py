"""`python -m stockpulse_engine.watchdog`: started by the engine, with the pipe to it as standard input."""

from __future__ import annotations

import os
import signal
import sys

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import LockHeldError, acquire_lock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.bootstrap.cancelling import sessions
from stockpulse_engine.watchdog.line import Line
from stockpulse_engine.watchdog.watch import Watch

HANDOVER_S = 30.0
"""How long the one before may take to see that its engine has been replaced."""
HELD = 75
"""Exit code when another watchdog keeps this home."""


def main() -> int:
    """Watch the engine at the other end of standard input; returns the exit code."""
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal that goes away takes the engine's head, not its watch
        signal.signal(number, signal.SIG_IGN)
    paths, clock = resolve_paths(), WallClock()
    line = Line(sys.stdin.fileno())
    if not wait_until(lambda: not _is_wanted(paths, line) or _has_lock(paths), HANDOVER_S):
        return HELD
    if not _held:
        return 0
    Watch(paths, line, clock, lambda charge: sessions(paths, charge)).run()
    return 0


_held: list[object] = []
"""The lock, for as long as the process lives."""


def _is_wanted(paths: Paths, line: Line) -> bool:
    """Whether there is something to watch: the engine may have stopped, and its home be gone, before we began."""
    line.listen(0)
    is_there = paths.state.is_dir() and not line.has_said_bye
    return is_there and (line.is_open or line.charge is not None)


def _has_lock(paths: Paths) -> bool:
    try:
        _held.append(acquire_lock(paths.watchdog_lock, WallClock()))
    except LockHeldError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
