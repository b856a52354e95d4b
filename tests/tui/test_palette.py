"""The command line: either order, ghosts, the nearest three, recents, help and explanations."""

from __future__ import annotations

from stockpulse_engine.actions.registry import BY_ID, Context
from stockpulse_tui.widgets.palette import Palette
from tests.tui.harness import Head, running_head


def palette_of(head: Head) -> Palette:
    top = head.app.windows.top
    assert isinstance(top, Palette)
    return top


async def test_each_key_for_the_line_opens_it_and_esc_closes_it() -> None:
    async with running_head() as head:
        for key in ("colon", "grave_accent", "ctrl+p"):
            await head.press(key)
            assert palette_of(head)
            await head.press("escape")
            assert head.app.windows.top is None


async def test_the_body_is_dimmed_under_it_and_nothing_moves() -> None:
    async with running_head() as head:
        before = head.rows()
        await head.press("colon")
        after = head.rows()
        assert after[-4:-2] == before[-4:-2]
        assert after[0] == before[0]
        await head.press("escape")
        assert head.rows()[:38] == before[:38]


async def test_code_and_instrument_in_either_order() -> None:
    async with running_head() as head:
        for line in ("nvda des", "des nvda"):
            await head.press("colon")
            await head.type(line)
            await head.press("enter")
            assert "NVIDIA Corp" in head.text()
            assert head.app.instrument_id == "NVDA.XNAS"
            await head.press("escape")


async def test_an_unknown_code_offers_the_nearest_three() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("qqz")
        assert [entry.group for entry in palette_of(head).entries] == ["nearest"] * 3
        assert "nearest" in head.text()


async def test_a_guess_is_seen_before_it_is_done() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("hlat")
        await head.press("enter")
        assert palette_of(head).edit.text == "HALT"
        assert head.link.fake_commands.asked == []
        await head.press("enter")
        assert head.app.windows.top is None
        assert head.link.fake_commands.asked == [("halt", "")]


async def test_what_a_person_marked_is_done_at_once() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("nvdaa")
        await head.press("down", "up", "enter")
        assert head.app.instrument_id == "NVDA.XNAS"


async def test_tab_takes_over_the_ghost() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("theme l")
        await head.press("escape", "colon")
        await head.type("hal")
        assert "halt" in head.text()
        await head.press("tab")
        assert palette_of(head).edit.text.lower() == "halt"
        assert head.link.fake_commands.asked == []


async def test_key_and_shell_twin_are_shown() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("halt")
        row = next(row for row in head.rows() if "HALT" in row)
        assert "!!" in row
        assert "sp halt" in row


async def test_recent_lines_come_back_with_up() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("aapl des")
        await head.press("enter", "escape", "colon", "up")
        assert palette_of(head).edit.text == "aapl des"


async def test_instruments_are_offered_with_their_price() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("alphab")
        row = next(row for row in head.rows() if "Alphabet Inc A" in row)
        assert "176.48" in row
        assert "+0.32%" in row


async def test_down_marks_and_enter_does_the_marked() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("GL")
        names = [entry.name for entry in palette_of(head).entries]
        await head.press("down", "enter")
        assert BY_ID["instrument.describe"]
        assert names[1] in head.text()


async def test_back_and_forward_travel_through_instruments() -> None:
    async with running_head() as head:
        await head.press("less_than_sign")
        assert "nothing further back" in head.rows()[-2]


async def test_help_lists_every_key_of_the_registry_that_works_here() -> None:
    async with running_head() as head:
        await head.press("f1")
        sheet = head.app.windows.top
        assert sheet is not None
        lines = ["".join(span.text for span in line) for line in sheet.lines]  # type: ignore[attr-defined] # a Sheet
        text = "\n".join(lines)
        for context in (Context.WATCHLIST, Context.GLOBAL):
            for key, action_id in head.app.keymap.bindings(context).items():
                if head.app.dispatch.can(action_id):
                    assert key in text, f"{key} of {action_id} is not in the help"


async def test_help_on_a_code() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("help halt")
        await head.press("enter")
        assert "sp halt" in head.text()
        await head.press("escape")


async def test_a_key_closes_a_sheet_and_acts() -> None:
    async with running_head() as head:
        await head.press("f1", "colon")
        assert palette_of(head)


async def test_setting_by_line() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("set motion = off")
        await head.press("enter")
        assert head.app.settings.motion == "off"
        await head.press("colon")
        await head.type("set motion loud")
        await head.press("enter")
        assert "not possible" in head.rows()[-2]
