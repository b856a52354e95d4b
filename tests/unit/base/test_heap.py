"""Memory that was let go of is given back to the system, where the C library can be told to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.heap import give_back


def held_kib() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="how much a process holds is read from /proc")
def test_holes_between_what_stays_are_given_back() -> None:
    texts = [bytes(30_000) for _ in range(2_000)]  # 60 MB in pieces that the C library keeps for itself
    stays = texts[::20]
    full = held_kib()
    del texts
    if not give_back():
        pytest.skip("this C library has nothing to give back")
    assert held_kib() < full - 30_000
    assert len(stays) == 100


def test_asking_twice_harms_nothing() -> None:
    give_back()
    assert give_back() in (True, False)
