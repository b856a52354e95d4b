"""Work beside the screen ends in order: newest first, each waited for, without a word from Python."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable

import pytest

from stockpulse_tui.background import Background


class Desk:
    """An application's turn, and what work left behind in which order."""

    def __init__(self) -> None:
        self.turns: list[Callable[[], None]] = []
        self.background = Background(self.turns.append)
        self.ended: list[str] = []

    async def work(self, name: str) -> None:
        """Runs until it is canceled, and needs a moment to end."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended.append(name)


async def test_work_that_never_took_a_step_ends_without_a_warning() -> None:
    desk = Desk()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        desk.background.start(desk.work("canceled before its first step"))
        await desk.background.end()
        desk.background.start(desk.work("asked for when all was over"))
        gc.collect()
    assert [str(one.message) for one in said] == []
    assert desk.ended == []


async def test_the_newest_ends_first_and_each_is_waited_for() -> None:
    desk = Desk()
    for name in ("the link", "a request", "a request of a request"):
        desk.background.start(desk.work(name))
    await asyncio.sleep(0)
    await desk.background.end()
    assert desk.ended == ["a request of a request", "a request", "the link"]


async def test_work_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockpulse_tui.background.GRACE_S", 0.0)
    desk, stubborn = Desk(), asyncio.Event()

    async def deaf() -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    desk.background.start(deaf())
    desk.background.start(desk.work("a request"))
    await asyncio.sleep(0)
    await desk.background.end()
    stubborn.set()


async def test_a_failure_is_raised_in_the_applications_own_turn() -> None:
    desk = Desk()

    async def broken() -> None:
        raise ValueError("a bug")

    desk.background.start(broken())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (turn,) = desk.turns
    with pytest.raises(ValueError, match="a bug"):
        turn()


async def test_an_intent_is_waited_for_and_so_is_the_one_it_begins() -> None:
    desk, answered = Desk(), asyncio.Event()
    done: list[str] = []

    async def close_position() -> None:
        done.append("closing order")

    async def cancel_orders() -> None:
        await answered.wait()
        done.append("orders canceled")
        desk.background.start(close_position(), is_intent=True)

    desk.background.start(cancel_orders(), is_intent=True)
    desk.background.start(desk.work("a chart"))
    asyncio.get_running_loop().call_soon(answered.set)
    await desk.background.finish_intents(60)
    assert done == ["orders canceled", "closing order"]
    assert desk.background.intents == []
    await desk.background.end()


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    desk = Desk()
    desk.background.start(desk.work("a halt"), is_intent=True)
    await asyncio.sleep(0)
    await desk.background.finish_intents(0)
    assert len(desk.background.intents) == 1
    await desk.background.end()
    assert desk.ended == ["a halt"]
