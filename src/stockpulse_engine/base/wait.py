"""Waiting from blocking code: bounded, with short pauses that grow."""

from __future__ import annotations

import time
from collections.abc import Callable

from stockpulse_engine.base.clock import WallClock

_FIRST_S, _LONGEST_S = 0.005, 0.1


def wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    """Ask `holds` again and again, at most `timeout_s`; whether it came true."""
    clock = WallClock()
    give_up = clock.monotonic_ns() + round(timeout_s * 1e9)
    pause = _FIRST_S
    while not holds():
        if clock.monotonic_ns() > give_up:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_S)
    return True
