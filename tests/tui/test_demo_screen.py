"""The teller's strip: room under the tabs, pages that turn, three keys for the reader, everything else as ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_tui import handlers
from stockpulse_tui.demo.app import DemoApp
from stockpulse_tui.demo.screen import ScreenStage
from stockpulse_tui.demo.stage import WIDEST_PAGE
from stockpulse_tui.screens import panes
from stockpulse_tui.settings import Settings
from stockpulse_tui.watchlists import Watchlists
from stockpulse_tui.widgets.palette import Palette
from tests.fakes.fake_link import T0, FakeLink
from tests.tui.harness import SHELL_HANDLERS, Head

PAGE = "One line says a whole order: how much may be lost, the price, the take and the stop."


@asynccontextmanager
async def demo_head(size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Head, DemoApp]]:
    """A head of the story on a fake engine, without a teller."""
    clock = ManualClock(T0)
    link = FakeLink(clock)
    kept = tuple(spec for spec in panes.PANES if spec.name in {"watchlist", "news"})
    handled = tuple(target for target in handlers.HANDLERS if target.endswith(SHELL_HANDLERS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panes, "PANES", kept)
        patch.setattr(handlers, "HANDLERS", handled)
        patch.setenv("COLORTERM", "truecolor")
        app = DemoApp(link, clock=clock, settings=Settings(), watchlists=Watchlists())
        async with app.run_test(size=size) as pilot:
            head = Head(app, link, clock, pilot)
            await head.settle()
            yield head, app


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_page_stands_under_the_tabs_and_nothing_is_covered(size: tuple[int, int]) -> None:
    async with demo_head(size) as (head, app):
        app.strip.open_chapter("4/12  A bracket in one line")
        app.strip.add("x" * 70 + " " + "y" * (WIDEST_PAGE - 71))
        await head.settle()
        rows = head.rows()
        assert "Desk" in rows[1]
        assert "4/12  A bracket in one line" in rows[2]
        assert "x" * 70 in rows[3]
        assert "yyyy" in rows[3] + rows[4]
        assert app.view.region.y == 5
        assert app.view.region.bottom == size[1] - 2, "footer and health keep their rows"


async def test_space_goes_on_and_backspace_turns_back() -> None:
    async with demo_head() as (head, app):
        gone_on: list[bool] = []
        app.on_space = lambda: gone_on.append(True)
        app.strip.add("the first page")
        app.strip.add("the second page")
        await head.press("backspace")
        assert "the first page" in head.text()
        await head.press("backspace")
        assert "the first page" in head.text(), "there is none before it"
        await head.press("space")
        assert "the second page" in head.text()
        assert not gone_on, "turning forward again is not going on"
        await head.press("space")
        assert gone_on == [True]


async def test_q_ends_the_story_even_while_a_line_is_typed() -> None:
    async with demo_head() as (head, app):
        await head.press("colon")
        assert isinstance(app.windows.top, Palette)
        await head.press("q")
        assert not app.is_running


async def test_other_keys_are_the_heads_own_and_windows_lie_below_the_page() -> None:
    async with demo_head() as (head, app):
        app.strip.add(PAGE)
        await head.press("colon")
        window = app.windows.top
        assert window is not None
        assert window.region.y >= 5
        assert PAGE in head.text()
        await head.press("escape")
        assert app.windows.top is None


async def test_the_stage_presses_real_keys_and_shows_them() -> None:
    async with demo_head() as (head, app):
        stage = ScreenStage(app, is_fast=True)
        await stage.open_chapter(7, 12, "The brake")
        await stage.tell("!! is the brake.")
        await stage.halt()
        await head.settle()
        assert head.link.fake_commands.asked[-1] == ("halt", "")
        assert "!  !" in head.rows()[2]
        await stage.look("1", "MSFT.XNAS")
        assert app.instrument_id == "MSFT.XNAS"


async def test_a_reader_who_hurries_is_noticed_until_the_next_page() -> None:
    async with demo_head() as (head, app):
        stage = ScreenStage(app, is_fast=False)
        await stage.tell(PAGE)
        assert not stage.is_hurried
        await head.press("space")
        assert stage.is_hurried
        reading = app.run_worker(stage.turn())
        await head.settle()
        assert not stage.is_hurried
        assert " Space " in head.rows()[2]
        await head.press("space")
        await reading.wait()


def test_a_second_of_the_market_is_a_second() -> None:
    from stockpulse_tui.demo.plan import wall

    assert wall(1_777_555_800 * SECOND_NS) == "09:30:00"
