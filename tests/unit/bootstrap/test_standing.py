"""What arming is told of brokers, disk, clock and journal: everything unknown is a no."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bootstrap.standing import LEAST_FREE, Standing
from stockpulse_engine.domain.accounts import AccountKind
from tests.unit.bootstrap.test_brokers import PHRASE, Bench

SECOND = 1_000_000_000


class Drifting(ManualClock):
    """A clock whose wall time can be set beside its monotonic one."""

    drift = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.drift


@pytest.mark.covers("R11", "F29", "F41")
async def test_disk_clock_and_journal_are_looked_at_each_time(tmp_path: Path) -> None:
    desk, _ = Bench(tmp_path).desk()
    clock, free, audit = Drifting(), [LEAST_FREE], [""]
    standing = Standing(desk, tmp_path, clock, free=lambda _: free[0], audit=lambda: audit[0])
    assert standing.mode("practice") is None
    await desk.unlock(["practice"], PHRASE, with_live=False)
    assert standing.mode("practice") is AccountKind.PAPER
    assert standing.trouble("practice") == ""
    free[0] -= 1
    assert "MiB left" in standing.trouble("practice")
    free[0] += 1
    clock.drift = 2 * SECOND + 1
    assert "clock of this machine" in standing.trouble("practice")
    clock.drift = 0
    audit[0] = "the signed head could not be written"
    assert standing.trouble("practice") == audit[0]


def test_a_disk_that_cannot_be_asked_is_trouble(tmp_path: Path) -> None:
    def broken(_: Path) -> int:
        raise OSError(5, "Input/output error")

    desk, _ = Bench(tmp_path).desk()
    assert "how full" in Standing(desk, tmp_path, ManualClock(), free=broken).trouble("practice")


@pytest.mark.covers("F41")
async def test_the_brokers_own_clock_is_believed_too(tmp_path: Path) -> None:
    desk, orders = Bench(tmp_path).desk()
    await desk.unlock(["practice"], PHRASE, with_live=False)
    orders.joined["practice"].clock_offset_ns = -3 * SECOND  # type: ignore[attr-defined]  # as an adapter measures it
    standing = Standing(desk, tmp_path, ManualClock(), free=lambda _: LEAST_FREE)
    assert "3.0 s off" in standing.trouble("practice")
