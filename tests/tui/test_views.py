"""A view on its way: its panes are asked for when they are there, and keys wait for them, however long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar
from unittest.mock import patch

from textual import events

from stockpulse_tui.screens import panes
from stockpulse_tui.screens.ladder import LadderView
from stockpulse_tui.widgets.list_pane import ListPane
from tests.tui.book_head import book_head
from tests.tui.harness import Head, all_turns

AAPL = "AAPL.XNAS"


class SlowLadder(LadderView):
    """Its panes come when they may, as on a machine that gives this process no time."""

    may_come: ClassVar[asyncio.Event]

    async def _on_compose(self, event: events.Compose) -> None:
        await self.may_come.wait()
        await super()._on_compose(event)


@asynccontextmanager
async def slow_ladder() -> AsyncIterator[Head]:
    """A head whose ladder's panes come when they may."""
    SlowLadder.may_come = asyncio.Event()
    with patch.object(panes, "VIEWS", {**panes.VIEWS, "screen.ladder": f"{__name__}:SlowLadder"}):
        async with book_head() as (head, _):
            try:
                yield head
            finally:
                SlowLadder.may_come.set()


async def frames_pass(head: Head) -> None:
    """The screen is refreshed, more than once, and everything runs that does not wait for the panes."""
    for _ in range(3):
        await all_turns()
        head.app.shell_screen._on_timer_update()


async def test_a_view_whose_panes_are_late_gets_its_topics_and_the_keys_pressed_meanwhile() -> None:
    async with slow_ladder() as head:
        head.app.dispatch.press("6")
        head.app.dispatch.press("#")
        await frames_pass(head)
        assert f"trades:{AAPL}" not in head.link.topics
        assert head.app.dispatch.is_holding
        SlowLadder.may_come.set()
        await head.settle()
        assert {f"depth:{AAPL}", f"trades:{AAPL}"} <= set(head.link.topics)
        await head.press("2", "5")
        assert "size 25" in head.text(), "the # was heard by the ladder"


async def test_another_view_asked_for_meanwhile_is_the_one_that_has_the_keys() -> None:
    async with slow_ladder() as head:
        head.app.show_view("screen.ladder")
        head.app.show_view("screen.desk")
        await frames_pass(head)
        SlowLadder.may_come.set()
        await head.settle()
        assert head.app.view_id == "screen.desk"
        focused = head.app.focused
        assert focused is head.app.view.front_pane
        assert not any(topic.startswith("trades:") for topic in head.link.topics)


async def test_what_is_to_be_shown_in_a_view_waits_for_its_panes() -> None:
    async with book_head() as (head, desk):
        order = next(iter(desk.orders))
        head.app.dispatch.run_line(f"WHY {order}")
        await head.settle()
        pane = head.app.view.panes["orders"]
        assert isinstance(pane, ListPane)
        assert pane.key == order
