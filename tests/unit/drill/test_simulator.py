"""The ground simulated days stand on: a loop without waiting, a disk with syncs, and a process that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from stockpulse_engine.domain.errors import IntegrityError, UnavailableError
from stockpulse_engine.domain.events import EngineStopped
from stockpulse_engine.drill.sim.loop import SimClock, StuckError, VirtualLoop, run
from stockpulse_engine.storage.imaged import ImageDisk, ImageJournal


def event(number: int) -> EngineStopped:
    return EngineStopped(ts_event=number, recorded_at=number)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()


def test_a_day_passes_at_once_and_timers_fire_in_their_order(loop: VirtualLoop) -> None:
    seen: list[tuple[str, float]] = []

    async def day() -> None:
        loop.call_later(7200, lambda: seen.append(("two", loop.time())))
        loop.call_later(3600, lambda: seen.append(("one", loop.time())))
        await asyncio.sleep(86_400)

    run(loop, day())
    assert seen == [("one", 3600.0), ("two", 7200.0)]
    assert loop.time() == 86_400


def test_waiting_for_what_never_comes_is_said(loop: VirtualLoop) -> None:
    with pytest.raises(StuckError):
        run(loop, asyncio.wait_for(loop.create_future(), None))


def test_the_clock_of_the_machine_can_be_set_and_the_monotonic_one_can_not(loop: VirtualLoop) -> None:
    clock = SimClock(loop, 1_000)
    loop.jump(30.0)
    clock.step(-5)
    assert (clock.now_ns(), clock.true_ns(), clock.monotonic_ns()) == (25_000_001_000, 30_000_001_000, 30_000_000_000)


def test_an_answer_waits_for_the_sync_and_a_power_cut_keeps_only_what_was_synced(loop: VirtualLoop) -> None:
    disk = ImageDisk("sim", lambda: 0.005)

    async def cut() -> None:
        journal = ImageJournal(disk)
        await journal.append([event(1), event(2)])
        assert loop.time() == pytest.approx(0.005)
        waiting = journal.enqueue([event(3)])
        await asyncio.sleep(0)
        assert (len(disk.rows), disk.synced, waiting.done()) == (3, 2, False)
        journal.abandon()
        disk.cut_power()
        assert [entry.event.ts_event for entry in ImageJournal(disk).scan()] == [1, 2]

    run(loop, cut())


def test_a_journal_that_lost_or_changed_an_acknowledged_entry_does_not_open(loop: VirtualLoop) -> None:
    disk = ImageDisk("sim", lambda: 0.0)
    run(loop, ImageJournal(disk).append([event(1), event(2)]))
    last = disk.rows.pop()
    disk.synced = 1
    with pytest.raises(IntegrityError, match="2 entries were acknowledged"):
        ImageJournal(disk)
    disk.rows.append((*last[:2], last[2] + b"x", last[3]))
    with pytest.raises(IntegrityError, match="Entry 2"):
        ImageJournal(disk)


def test_a_failing_disk_makes_the_journal_read_only(loop: VirtualLoop) -> None:
    disk = ImageDisk("sim", lambda: 0.0)

    async def fail() -> None:
        journal = ImageJournal(disk)
        disk.failure = "no space"
        with pytest.raises(UnavailableError, match="no space"):
            await journal.append([event(1)])
        disk.failure = ""
        with pytest.raises(UnavailableError, match="read-only"):
            journal.enqueue([event(2)])

    run(loop, fail())
