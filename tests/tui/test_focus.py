"""Who hears the keys: the pane that was chosen last in a view, whatever was shown, opened or hidden in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.fake_book import BookCommands
from tests.tui.harness import SIZES, Head, running_head

WAYS = (
    ("enter", "1"),
    ("enter", "4", "1"),
    ("4", "1"),
    ("1",),
    ("s",),
    ("2", "1"),
    ("enter", "f1", "escape", "1"),
    ("enter", "b", "escape", "1"),
    ("enter", "question_mark", "1"),
    ("5", "6", "1"),
    ("colon", "escape", "enter", "1"),
)
"""From the Welcome of a new home back to its desk."""


def front(head: Head) -> str:
    """The pane that hears keys; it looks like that, and the framework's focus (which hears a paste) is there too."""
    view = head.app.view
    assert head.app.windows.top is None
    assert head.app.focused is view.front_pane
    marked = [name for name, pane in view.panes.items() if pane.display and pane.is_active]
    assert marked == [view.front]
    return view.front


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("keys", WAYS, ids=" ".join)
async def test_the_desk_begins_with_the_watchlist(keys: tuple[str, ...], size: tuple[int, int], tmp_path: Path) -> None:
    async with running_head(size, only=(), commands=BookCommands, state_file=tmp_path / "head.json") as head:
        await head.pilot.press(*keys)
        await head.settle()
        assert front(head) == "watchlist"


async def test_a_pane_chosen_by_tab_or_mouse_is_still_chosen_when_its_view_comes_back() -> None:
    async with running_head((200, 60), only=(), commands=BookCommands) as head:
        await head.press("tab", "tab")
        chosen = front(head)
        assert chosen != "watchlist"
        await head.press("4", "5", "1")
        assert front(head) == chosen
        await head.pilot.click("#pane-news", offset=(5, 2))
        await head.settle()
        assert front(head) == "news"
        await head.press("2", "1")
        assert front(head) == "news"


async def test_positions_out_of_sight_do_not_change_the_desks_instrument() -> None:
    async with running_head((120, 40), only=(), commands=BookCommands) as head:
        shown = head.app.instrument_id
        for _ in range(3):
            await head.press("2", "1", "5", "1")
            head.link.send(head.link.market.delta(positions=tuple(head.link.market.positions())))
            await head.settle()
        assert head.app.instrument_id == shown


async def test_a_window_keeps_the_keys_and_the_paste_when_the_view_below_changes() -> None:
    async with running_head((120, 40), only=(), commands=BookCommands) as head:
        await head.press("slash")
        top = head.app.windows.top
        head.app.show_view("screen.orders")
        await head.settle()
        assert head.app.windows.top is top
        assert head.app.focused is top
