"""A head on a fake link, a manual clock and a size: what every test of the shell starts from."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from textual.pilot import Pilot

from stockpulse_engine.base.clock import ManualClock
from stockpulse_tui import handlers
from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.screens import panes
from stockpulse_tui.settings import Settings, load_settings
from stockpulse_tui.watchlists import Watchlists
from tests.fakes.fake_link import T0, FakeCommands, FakeLink

SNAPSHOTS = Path(__file__).parent / "snapshots"
SHELL_HANDLERS = (":SafetyHandler", ":WorldHandler", ":AroundHandler")
SIZES = ((80, 24), (120, 40), (200, 60))


MOST_PAUSES, TICK_S = 500, 0.005
TURNS = 30
"""Turns of the loop within which whatever is ready has run, with all that follows from it at once."""


async def all_turns(*_: float) -> None:
    """Wait until everything has run that does not wait for time."""
    for _turn in range(TURNS):
        await asyncio.sleep(0)


class Head:
    """The running application with shorthand for looking and pressing."""

    def __init__(self, app: StockPulseApp, link: FakeLink, clock: ManualClock, pilot: Pilot[None]) -> None:
        self.app = app
        self.link = link
        self.clock = clock
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press Textual keys and let everything settle."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        await self.press(*("space" if letter == " " else letter for letter in text))

    async def settle(self) -> None:
        """Let messages, what waits for the next frame, and the painting run, until nothing is left of them."""
        for turn in range(MOST_PAUSES):
            await self.pilot.pause()
            if turn and self._is_settled():
                return
            await asyncio.sleep(TICK_S)  # frames are handed out at a pace
        raise AssertionError(f"the head never came to rest:\n{self.text()}")

    def _is_settled(self) -> bool:
        app = self.app
        if not app.is_running or not app.screen_stack:
            return True
        screen = app.shell_screen
        is_waiting = screen._callbacks or app.dispatch.is_holding or app.incoming._pending
        return screen.is_settled and not is_waiting

    def rows(self) -> list[str]:
        """The screen as text."""
        return [strip.text for strip in self.app.shell_screen.painted()]

    def text(self) -> str:
        """The screen as one text, trailing blanks cut."""
        return "\n".join(row.rstrip() for row in self.rows())

    async def tick(self, seconds: int = 1) -> None:
        """Let market and wall time pass and the every-second work run."""
        self.clock.advance(seconds * 1_000_000_000)
        self.app.each_second()
        await self.settle()


@asynccontextmanager
async def running_head(
    size: tuple[int, int] = (120, 40),
    *,
    watch_file: Path | None = None,
    only: tuple[str, ...] = ("watchlist", "news"),
    commands: Callable[[FakeLink], FakeCommands] | None = None,
    state_file: Path | None = None,
    **settings: str,
) -> AsyncIterator[Head]:
    """A head that has its snapshot. `only` names the panes that exist; empty means everything there is."""
    kept = tuple(spec for spec in panes.PANES if not only or spec.name in only)
    clock = ManualClock(T0)
    link = FakeLink(clock)
    if commands is not None:
        link.fake_commands = commands(link)
    own = Settings() if state_file is None else load_settings(state_file.with_name("none.toml"), state_file)
    for name, value in settings.items():
        assert own.change(name, value) == ""
    environment = {"COLORTERM": "truecolor"}
    handled = tuple(target for target in handlers.HANDLERS if not only or target.endswith(SHELL_HANDLERS))
    with (
        patch.dict(os.environ, environment),
        patch.object(panes, "PANES", kept),
        patch.object(handlers, "HANDLERS", handled),
    ):
        os.environ.pop("NO_COLOR", None)
        app = StockPulseApp(link, clock=clock, settings=own, watchlists=Watchlists(), watch_file=watch_file)
        async with app.run_test(size=size) as pilot:
            head = Head(app, link, clock, pilot)
            await head.settle()
            yield head


def same_as_snapshot(name: str, text: str) -> bool:
    """Whether the text equals the stored one; `WRITE_SNAPSHOTS=1` stores it instead."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("WRITE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    return file.read_text(encoding="utf-8") == text + "\n"
