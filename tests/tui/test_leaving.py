"""Leaving a head: what was asked for is answered first, what can not be saved is said, a bug is not hidden."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable

from stockpulse_engine.domain.views import HaltView
from tests.fakes.fake_link import FakeCommands, FakeLink
from tests.tui.desk_head import until
from tests.tui.harness import Head, running_head


class SlowCommands(FakeCommands):
    """An engine that takes its time over a halt."""

    def __init__(self, link: FakeLink) -> None:
        super().__init__(link)
        self.may_answer = asyncio.Event()
        self.answered: list[str] = []

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> HaltView:
        """Answered when it may be."""
        await self.may_answer.wait()
        self.answered.append(action)
        return await super().set_halt(action, reason=reason, word=word)


def slow(link: FakeLink) -> SlowCommands:
    """Its commands, slow ones."""
    return SlowCommands(link)


def commands_of(head: Head) -> SlowCommands:
    """The same, with their type."""
    assert isinstance(head.link.fake_commands, SlowCommands)
    return head.link.fake_commands


def has_ended(head: Head) -> Callable[[], bool]:
    """Whether the head is gone."""
    return lambda: not head.app.is_running


async def test_a_halt_and_q_in_one_breath_still_halts() -> None:
    async with running_head(commands=slow) as head:
        await head.press("exclamation_mark", "exclamation_mark", "q")
        assert head.app.is_running
        assert "leaving as soon as the engine has answered; q again leaves now" in head.text()
        commands_of(head).may_answer.set()
        await until(head, has_ended(head))
        assert commands_of(head).answered == ["halt"]


async def test_q_again_does_not_wait() -> None:
    async with running_head(commands=slow) as head:
        await head.press("exclamation_mark", "exclamation_mark", "q", "q")
        await until(head, has_ended(head))
        assert commands_of(head).answered == []


async def test_leaving_at_once_says_nothing() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RuntimeWarning)
        async with running_head() as head:
            head.app.run_action_id("trading.arm")
            head.app.run_action_id("cell.explain")
            head.app.leave()
        gc.collect()
    assert [str(one.message) for one in said if one.category is RuntimeWarning] == []


async def test_a_frame_that_can_not_be_saved_is_said_and_the_head_leaves() -> None:
    async with running_head() as head:

        def full() -> None:
            raise OSError(28, "No space left on device")

        head.app.leaving.save_frame = full
        for _ in range(60):
            head.app.status.on_second()
        await head.settle()
        assert "This head could not save what it remembers: No space left on device." in head.text()
        await head.press("q")
        await until(head, has_ended(head))
        assert head.app.return_code == 0


async def test_ctrl_c_says_how_one_leaves() -> None:
    async with running_head() as head:
        await head.press("ctrl+c")
        assert head.app.is_running
        assert "q leaves this head; the engine and its orders go on" in head.text()
