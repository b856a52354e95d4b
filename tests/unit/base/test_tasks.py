"""A dead task is restarted, or its part is visibly gone; stopping goes backwards."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.base.tasks import RestartPolicy, Supervisor, TooManyTasksError

QUICK = RestartPolicy(Backoff(first_s=0.001, limit_s=0.002), failures=3, window_s=60)


class Story:
    """Collects what a supervisor tells."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self._told = asyncio.Event()

    def on_change(self, name: str, state: str, _: str) -> None:
        self.changes.append((name, state))
        self._told.set()

    def on_error(self, name: str, error: BaseException) -> None:
        self.errors.append(f"{name}: {error}")
        self._told.set()

    async def until(self, name: str, state: str) -> None:
        while (name, state) not in self.changes:
            self._told.clear()
            await self._told.wait()

    def supervisor(self, max_spawned: int = 1024) -> Supervisor:
        return Supervisor(self.on_change, on_error=self.on_error, policy=QUICK, rng=Random(1), max_spawned=max_spawned)


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise OSError("wire cut")


async def test_a_part_that_dies_is_restarted() -> None:
    story, lives = Story(), 0
    supervisor = story.supervisor()
    back = asyncio.Event()

    async def feed() -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise OSError("wire cut")
        back.set()
        await forever()

    supervisor.start("feed", feed)
    await back.wait()
    assert story.changes == [("feed", "ok"), ("feed", "late"), ("feed", "ok")]
    assert story.errors == ["feed: wire cut"]
    assert supervisor.states()["feed"].restarts == 1
    assert not supervisor.is_degraded
    await supervisor.stop()


async def test_a_part_that_keeps_dying_is_gone_and_the_whole_degraded() -> None:
    story = Story()
    supervisor = story.supervisor()
    supervisor.start("feed", fails)
    await story.until("feed", "gone")
    part = supervisor.states()["feed"]
    assert (part.state, part.restarts) == ("gone", QUICK.failures - 1)
    assert part.detail == "OSError: wire cut"
    assert supervisor.is_degraded
    supervisor.start("feed", forever)  # a person may bring it back
    assert not supervisor.is_degraded
    await supervisor.stop()


async def test_ending_quietly_is_a_failure_for_a_part_that_should_run() -> None:
    async def ends() -> None:
        return

    story = Story()
    supervisor = story.supervisor()
    supervisor.start("reports", ends)
    await story.until("reports", "gone")
    assert supervisor.states()["reports"].detail == "ended on its own"


async def test_without_restart_an_end_is_off_and_a_failure_is_gone() -> None:
    async def ends() -> None:
        return

    story = Story()
    supervisor = story.supervisor()
    supervisor.start("load", ends, restart=False)
    supervisor.start("probe", fails, restart=False)
    await story.until("load", "off")
    await story.until("probe", "gone")


async def test_parts_stop_in_reverse_order() -> None:
    story, ended = Story(), list[str]()
    supervisor = story.supervisor()

    def part(name: str) -> None:
        async def run() -> None:
            try:
                await forever()
            finally:
                ended.append(name)

        supervisor.start(name, run)

    for name in ("journal", "broker", "api"):
        part(name)
    await asyncio.sleep(0)
    await supervisor.stop()
    assert ended == ["api", "broker", "journal"]
    assert {state.state for state in supervisor.states().values()} == {"off"}


async def test_a_part_that_will_not_end_is_reported_and_not_waited_for() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    story = Story()
    supervisor = story.supervisor()
    supervisor.start("stubborn", stubborn, restart=False)
    await asyncio.sleep(0)
    await supervisor.stop(grace_s=0.001)
    assert supervisor.states()["stubborn"].state == "gone"
    release.set()
    await story.until("stubborn", "off")


async def test_the_same_name_cannot_run_twice() -> None:
    supervisor = Story().supervisor()
    supervisor.start("feed", forever)
    with pytest.raises(ValueError, match="already running"):
        supervisor.start("feed", forever)
    await supervisor.stop()


async def test_a_one_shot_returns_its_value_and_reports_its_failure() -> None:
    async def answer() -> int:
        return 42

    story = Story()
    supervisor = story.supervisor()
    assert await supervisor.spawn(answer(), name="answer") == 42
    failing = supervisor.spawn(fails(), name="backup")
    await asyncio.wait((failing,))
    await asyncio.sleep(0)
    assert story.errors == ["backup: wire cut"]


async def test_one_shots_are_bounded_and_canceled_at_stop() -> None:
    supervisor = Story().supervisor(max_spawned=1)
    waiting = supervisor.spawn(forever(), name="first")
    with pytest.raises(TooManyTasksError):
        supervisor.spawn(forever(), name="second")
    await supervisor.stop()
    assert waiting.cancelled()


async def test_a_one_shot_may_stop_the_whole() -> None:
    supervisor = Story().supervisor()
    supervisor.start("feed", forever)
    await supervisor.spawn(supervisor.stop(), name="stop")
    assert supervisor.states()["feed"].state == "off"
