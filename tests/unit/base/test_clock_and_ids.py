"""Time stands still until moved; ids sort by time and never repeat."""

from __future__ import annotations

import pytest

from stockpulse_engine.base.clock import ManualClock, WallClock
from stockpulse_engine.base.ids import counted_ids, new_id


def test_a_manual_clock_moves_only_when_told(clock: ManualClock) -> None:
    start = clock.now_ns()
    assert (clock.now_ns(), clock.monotonic_ns()) == (start, 0)
    clock.advance(5)
    assert (clock.now_ns(), clock.monotonic_ns()) == (start + 5, 5)


def test_a_manual_clock_never_goes_back(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_the_machines_monotonic_clock_does_not_go_back() -> None:
    clock = WallClock()
    assert clock.monotonic_ns() <= clock.monotonic_ns()
    assert clock.now_ns() > 1_600_000_000_000_000_000


def test_ids_differ_and_share_their_prefix_and_length() -> None:
    minted = {new_id("C") for _ in range(1_000)}
    assert len(minted) == 1_000
    assert {(one[0], len(one)) for one in minted} == {("C", 17)}


def test_ids_minted_later_sort_later_by_their_time() -> None:
    minted = [new_id()[:10] for _ in range(100)]
    assert minted == sorted(minted)


def test_counted_ids_repeat_the_same_sequence() -> None:
    one, other = counted_ids("S"), counted_ids("S")
    assert [one(), one()] == [other(), other()] == ["S000001", "S000002"]
