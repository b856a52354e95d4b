"""A head whose engine answers tickets and charts: what the tests of trading by keys start from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import patch

from stockpulse_engine.base.clock import ManualClock
from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.screens import panes
from stockpulse_tui.settings import Settings
from stockpulse_tui.watchlists import Watchlists
from tests.fakes.fake_desk import DeskCommands
from tests.fakes.fake_link import T0, FakeLink
from tests.tui.harness import Head


@asynccontextmanager
async def desk_head(
    size: tuple[int, int] = (120, 40),
    *,
    only: tuple[str, ...] = ("watchlist",),
    prepare: Callable[[DeskCommands], None] | None = None,
    **settings: str,
) -> AsyncIterator[tuple[Head, DeskCommands]]:
    """A head with the panes of `only` and every handler; `prepare` changes its engine before the first question."""
    kept = tuple(spec for spec in panes.PANES if spec.name in only)
    link = FakeLink(ManualClock(T0))
    desk = DeskCommands(link)
    link.fake_commands = desk
    if prepare is not None:
        prepare(desk)
    own = Settings()
    for name, value in settings.items():
        assert own.change(name, value) == ""
    with patch.dict(os.environ, {"COLORTERM": "truecolor"}), patch.object(panes, "PANES", kept):
        os.environ.pop("NO_COLOR", None)
        app = StockPulseApp(link, clock=link.market.clock, settings=own, watchlists=Watchlists())
        async with app.run_test(size=size) as pilot:
            assert isinstance(link.market.clock, ManualClock)
            head = Head(app, link, link.market.clock, pilot)
            await head.settle()
            yield head, desk


async def until(head: Head, holds: Callable[[], bool]) -> None:
    """Let timers and answers run until something holds."""
    for _ in range(200):
        if holds():
            await head.settle()
            return
        await head.pilot.pause(0.01)
    raise AssertionError(f"it never came to hold:\n{head.text()}")
