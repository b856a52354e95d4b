"""A head with a book of orders behind it: what the tests of orders, positions, ladder and day start from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from unittest.mock import patch

from stockpulse_engine.base.clock import ManualClock
from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.settings import Settings
from stockpulse_tui.watchlists import Watchlists
from tests.fakes.fake_book import BookCommands, nvda_fills
from tests.fakes.fake_link import T0, FakeLink
from tests.tui.harness import Head

Commands = TypeVar("Commands", bound=BookCommands)


@asynccontextmanager
async def book_head(
    size: tuple[int, int] = (120, 40), *, screen: str = "", **settings: str
) -> AsyncIterator[tuple[Head, BookCommands]]:
    """A head that knows the book. `screen` is the digit pressed first."""
    async with head_of(BookCommands, size, screen=screen, **settings) as found:
        yield found


@asynccontextmanager
async def head_of(
    make: Callable[[FakeLink], Commands], size: tuple[int, int] = (120, 40), *, screen: str = "", **settings: str
) -> AsyncIterator[tuple[Head, Commands]]:
    """The same before an engine of one's own, which `make` makes."""
    link = FakeLink(ManualClock(T0))
    desk = make(link)
    link.fake_commands = desk
    own = Settings()
    for name, value in settings.items():
        assert own.change(name, value) == ""
    with patch.dict(os.environ, {"COLORTERM": "truecolor"}):
        os.environ.pop("NO_COLOR", None)
        app = StockPulseApp(link, clock=link.market.clock, settings=own, watchlists=Watchlists())
        async with app.run_test(size=size) as pilot:
            assert isinstance(link.market.clock, ManualClock)
            head = Head(app, link, link.market.clock, pilot)
            await head.settle()
            link.send(link.market.delta(orders=tuple(desk.orders.values()), fills=tuple(nvda_fills())))
            await head.settle()
            if screen:
                await head.press(screen)
                await rest(head)
            yield head, desk


async def rest(head: Head) -> None:
    """Let the short timers of panes that wait for the cursor to rest run out."""
    for _ in range(4):
        await head.pilot.pause(0.04)
    await head.settle()


def inside(head: Head) -> str:
    """What is between the chrome rows, which have tests of their own."""
    return "\n".join(row.rstrip() for row in head.rows()[2:-2])
