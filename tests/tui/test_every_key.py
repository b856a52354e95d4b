"""Every key that F1 lists, on every pane of every screen: it changes what is seen, or says why it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from stockpulse_engine.actions.registry import Context, default_keys
from stockpulse_tui.keymap import key_name
from stockpulse_tui.widgets.chart import Chart
from stockpulse_tui.widgets.cursor_pane import CursorPane
from stockpulse_tui.widgets.ladder import Ladder
from stockpulse_tui.widgets.list_pane import ListPane
from stockpulse_tui.widgets.overlay import Sheet
from stockpulse_tui.widgets.sql_editor import SqlEditor
from tests.fakes.fake_book import BookCommands, depth, prints
from tests.fakes.fake_link import T0
from tests.tui.book_head import book_head, rest
from tests.tui.harness import SIZES, Head

SCREENS = (
    "screen.desk",
    "screen.chart",
    "screen.positions",
    "screen.orders",
    "screen.ladder",
    "day.review",
    "history.sql",
    "screen.risk",
    "screen.jobs",
    "drill.show",
)
PANES = {
    "screen.desk": ("watchlist", "chart", "ticket", "orders", "positions", "ladder", "news"),
    "screen.chart": ("chart",),
    "screen.positions": ("positions", "lots", "equity"),
    "screen.orders": ("orders", "life"),
    "screen.ladder": ("ladder", "tape", "cursor", "mine"),
    "day.review": ("day", "dayorder"),
    "history.sql": ("sql", "result", "views"),
    "screen.risk": ("limits", "risknow", "exposure"),
    "screen.jobs": ("jobs", "today", "joblog"),
    "drill.show": ("drillscore", "drillfaults", "drillproof"),
}
EVERYWHERE = (("screen.desk", "watchlist"), ("day.review", "day"))
"""Where the keys that work everywhere are pressed as well."""
EACH_SIZE = [
    pytest.param(size, id=f"{size[0]}x{size[1]}", marks=pytest.mark.night if size == SIZES[-1] else ())
    for size in SIZES
]
"""The largest shows the most panes and is for the night."""
DRAWS_LINES = ("screen.desk", "screen.chart", "screen.orders", "screen.ladder")
STAYS = {"view.back", "app.redraw", *SCREENS}
"""May leave everything as it is: nothing was open, all is painted already, one is there."""
LEAVES = "app.quit"
ENDS = {"ticket.discard": "view.back"}
"""Esc of an empty ticket is Esc."""
AAPL, ROW = "AAPL.XNAS", "main/NVDA.XNAS"


def textual_name(key: str) -> str:
    """What the framework calls a key of the registry."""
    return _character_to_key(key) if len(key) == 1 and not key.isalnum() else key if len(key) == 1 else key.lower()


def presses(key: str) -> list[str]:
    """The events of a key: one, or two of the same."""
    is_double = len(key) == 2 and key[0] == key[1]
    return [textual_name(key[0])] * 2 if is_double else [textual_name(key)]


@pytest.mark.parametrize("context", Context, ids=lambda context: context.value)
def test_every_key_of_the_registry_is_one_a_terminal_sends(context: Context) -> None:
    for key in default_keys(context):
        for event in presses(key):
            is_letter = len(key) == 1 or presses(key) != [textual_name(key)]
            assert key_name(event, key[0] if is_letter else None) == (key[0] if is_letter else key)


@asynccontextmanager
async def head_on(screen: str, size: tuple[int, int]) -> AsyncIterator[tuple[Head, BookCommands]]:
    """A head with a whole book, on this screen."""
    async with book_head(size) as (head, desk):
        market = head.link.market
        head.app.show_view(screen)
        await head.settle()
        book, tape = depth(AAPL, "232.11", "0.01", T0), prints(AAPL, "232.11", "0.01", T0)
        head.link.send(market.delta(depths=(book,), trades=tape))
        await rest(head)
        yield head, desk


async def put_back(head: Head, screen: str, name: str) -> None:
    """Everything closed, the pane in front, its cursor in the middle of what it has."""
    app = head.app
    while app.windows.top is not None:
        app.windows.close(app.windows.top)
    if screen in DRAWS_LINES:
        for _ in range(2):  # a line that is open, and what it was about
            app.dispatch.press("Esc")
    app.show_view(screen)
    await head.settle()
    if app.view.zoomed:
        app.view.do_pane_zoom()
    app.view.focus_pane(name)
    app.pick_instrument(AAPL)
    for pane in app.view.panes.values():
        if isinstance(pane, CursorPane):
            pane.go_to(1)
        if isinstance(pane, ListPane):
            pane.select_key(ROW)
        elif isinstance(pane, Ladder):
            pane.do_ladder_center()
            pane.do_move_down()
        elif isinstance(pane, Chart):
            pane.do_move_left()
    app.shell_screen.footer.clear()
    await head.settle()


def seen(head: Head, desk: BookCommands) -> list[object]:
    """All that a key may change: cells with their styles, the view, windows, the clipboard, what was asked."""
    app = head.app
    rows = [[(segment.text, str(segment.style)) for segment in strip] for strip in app.shell_screen.painted()]
    asked = len(desk.asked) + len(desk.submitted) + len(desk.modified)
    return [rows, app.view_id, app.view.front, app.windows.top, app.clipboard, asked]


def listed(head: Head) -> Iterator[tuple[str, str]]:
    """The first key of each action that F1 lists here, with its action."""
    app = head.app
    done: set[str] = set()
    keys = {**app.keymap.bindings(app.context), **app.keymap.bindings(Context.GLOBAL)}
    for key, action_id in keys.items():
        is_own = app.keymap.action_for(key, app.context) == action_id
        if is_own and action_id not in done and app.dispatch.can(action_id):
            done.add(action_id)
            yield key, action_id


async def what_is_wrong(head: Head, desk: BookCommands, key: str, action_id: str) -> str:
    """Press it; "" when something came of it."""
    footer = head.app.shell_screen.footer
    before = seen(head, desk)
    await head.press(*presses(key))
    if seen(head, desk) == before:
        await rest(head)
    words = footer.notice.text if footer.notice else ""
    if "nothing here does that" in words:
        return f"{key} {action_id}: {words}"
    if seen(head, desk) == before and not words and ENDS.get(action_id, action_id) not in STAYS:
        return f"{key} {action_id}: nothing was seen and nothing said"
    return ""


@pytest.mark.parametrize(("screen", "pane"), [(screen, pane) for screen in SCREENS for pane in PANES[screen]])
@pytest.mark.parametrize("size", EACH_SIZE)
@pytest.mark.timeout(240)
async def test_each_key_does_something_or_says_why_not(
    screen: str, pane: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong: list[str] = []
    async with head_on(screen, size) as (head, desk):
        await put_back(head, screen, pane)
        if not head.app.view.panes[pane].display:
            return  # at this size the screen has no room for it
        own = default_keys(head.app.context)
        keys = [(key, name) for key, name in listed(head) if key in own or (screen, pane) in EVERYWHERE]
        assert keys or head.app.context is Context.GLOBAL
        for key, action_id in sorted(keys, key=lambda one: one[1] == "trading.halt"):
            if action_id == LEAVES:
                continue
            await put_back(head, screen, pane)
            wrong += filter(None, [await what_is_wrong(head, desk, key, action_id)])
            assert head.app.is_running, f"{key} ended the head"
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_question_mark_explains_a_cell_of_each_pane_or_says_that_there_is_none(screen: str) -> None:
    async with head_on(screen, (200, 60)) as (head, _):
        for name in PANES[screen]:
            await put_back(head, screen, name)
            pane = head.app.view.panes[name]
            if not pane.display or isinstance(pane, SqlEditor):  # a question mark is text there
                continue
            cell = head.app.cell()
            await head.press("w" if head.app.context is Context.TICKET else "question_mark")
            top = head.app.windows.top
            if cell is None:
                assert top is None or head.app.context is Context.TICKET
                assert head.app.shell_screen.footer.notice or head.app.context is Context.TICKET
            else:
                assert isinstance(top, Sheet), name
                assert cell.name in top.sheet_title
                assert "source" in head.text()


async def test_what_f1_does_not_list_says_that_nothing_does_it() -> None:
    async with head_on("day.review", (120, 40)) as (head, desk):
        await head.press("f1")
        assert "Open a ticket that closes the position" not in head.text()
        await head.press("escape", "x")
        assert "close: nothing here does that" in head.text()
        assert desk.submitted == []


async def test_a_key_does_not_reach_a_pane_of_another_kind() -> None:
    async with head_on("screen.desk", (80, 24)) as (head, _):
        group = head.app.watchlists.at
        head.app.view.focus_pane("positions")
        await head.settle()
        await head.press("right_square_bracket")
        assert head.app.watchlists.at == group
