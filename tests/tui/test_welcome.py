"""The first screen of a home: what it offers, that the engine starts behind it, and that it never comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_tui.splash import welcome
from stockpulse_tui.widgets.palette import Palette
from stockpulse_tui.widgets.welcome import Welcome
from tests.tui.harness import SIZES, running_head


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_new_home_is_welcomed_where_the_splash_left_off(size: tuple[int, int], tmp_path: Path) -> None:
    async with running_head(size, state_file=tmp_path / "head.json") as head:
        rows = head.rows()
        splash = welcome(*size, has_blocks=True)
        assert [row.rstrip() for row in rows[: len(splash) - 3]] == [row.rstrip() for row in splash[:-3]]
        assert rows[len(splash) - 1].rstrip() == splash[-1].rstrip()
        text = head.text()
        assert "Simulated market" in text
        assert "it runs: 36 instruments in sim" in text, "the engine was joined behind it"
        assert "which looks right?  ■ full" in text
        assert "Enter begin" in text
        assert "●" in rows[-1], "the health line stays"


async def test_enter_goes_to_the_desk_and_it_never_comes_again(tmp_path: Path) -> None:
    state = tmp_path / "head.json"
    async with running_head(state_file=state) as head:
        assert state.exists(), "a head that is killed was welcomed too"
        await head.press("enter")
        assert head.app.windows.top is None
        assert "Watchlist" in head.text()
    async with running_head(state_file=state) as head:
        assert head.app.windows.top is None


async def test_any_other_key_is_meant_for_the_desk(tmp_path: Path) -> None:
    async with running_head(state_file=tmp_path / "head.json") as head:
        await head.press("colon")
        assert isinstance(head.app.windows.top, Palette)
        await head.press("escape")
        assert head.app.windows.top is None


async def test_real_days_begin_with_the_line_that_plays_them(tmp_path: Path) -> None:
    async with running_head(state_file=tmp_path / "head.json") as head:
        await head.press("j")
        assert "▌  r" in head.text()
        await head.press("enter")
        top = head.app.windows.top
        assert isinstance(top, Palette)
        assert top.edit.text == "REPLAY day "


async def test_the_glyphs_that_look_right_are_kept(tmp_path: Path) -> None:
    state = tmp_path / "head.json"
    async with running_head(state_file=state) as head:
        await head.press("g", "g")
        assert head.app.glyphs.name == "ascii"
        assert isinstance(head.app.windows.top, Welcome)
        assert head.text().isascii()
        await head.press("escape")
    async with running_head(state_file=state) as head:
        assert head.app.glyphs.name == "ascii"


async def test_the_brake_works_from_here(tmp_path: Path) -> None:
    async with running_head(state_file=tmp_path / "head.json") as head:
        await head.press("!", "!")
        assert head.link.fake_commands.asked == [("halt", "")]
