"""Keys typed faster than windows close: none is lost, none goes to what was there before, Esc with a key is both."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events

from stockpulse_engine.base.text import clean_line
from stockpulse_tui.keymap import key_name
from stockpulse_tui.line_edit import LineEdit
from stockpulse_tui.terminal_keys import PASTE_END, PASTE_START, KeyReader, pressed
from stockpulse_tui.widgets.overlay import Prompt
from stockpulse_tui.widgets.palette import Palette
from tests.tui.book_head import book_head
from tests.tui.desk_head import desk_head
from tests.tui.harness import running_head
from tests.tui.test_orders import to_row

FAST = (*"0123456789abfghjkqvxyABDFM:/?!-+=.,<>", " ", "é", "§")


def read(text: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str | None]]:
    """Keys the reader makes of what a terminal sent, the silence after it included."""
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.0)
    reader = KeyReader()
    for event in [*reader.feed(text), *(time.sleep(0.001) or reader.tick())]:  # type: ignore[func-returns-value] # nothing
        assert isinstance(event, events.Key)
        yield event.key, event.character


@pytest.mark.parametrize("letter", FAST)
def test_esc_and_a_key_in_one_sequence_are_both(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [key for told in read(f"\x1b{letter}", monkeypatch) for key in pressed(*told)]
    wanted = "Space" if letter == " " else letter
    assert keys == ["Esc", wanted]


@pytest.mark.parametrize("letter", "[OP")
def test_esc_and_what_could_open_a_sequence_are_both_after_a_silence(
    letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [key for told in read(f"\x1b{letter}", monkeypatch) for key in pressed(*told)] == ["Esc", letter]


def test_whole_sequences_are_read_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"\x1b[A": "Up", "\x1bOP": "F1", "\x1b": "Esc", "\r": "Enter", "\x1b[Z": "Shift+Tab", "\x10": "Ctrl+P"}
    for text, name in told.items():
        assert [key for one in read(text, monkeypatch) for key in pressed(*one)] == [name]
    assert [key for one in read("\x1b\r", monkeypatch) for key in pressed(*one)] == ["Esc", "Enter"]
    assert [key for one in read("\x1b\x1b[B", monkeypatch) for key in pressed(*one)] == ["Esc", "Down"]


PIECES = st.text(alphabet="\x1b[201~]A!\r 東\x00", max_size=60)


@given(PIECES.filter(lambda text: PASTE_END not in text), st.integers(1, 7))
def test_nothing_in_a_pasted_text_is_a_key(text: str, size: int) -> None:
    reader, sent = KeyReader(), f"{PASTE_START}{text}{PASTE_END}a"
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    told = [event for piece in pieces for event in reader.feed(piece)]
    assert [event.key for event in told if isinstance(event, events.Key)] == ["a"]
    pasted = "".join(event.text for event in told if isinstance(event, events.Paste))
    assert "\x1b" not in pasted
    if "\x1b" not in text:
        assert pasted == text.replace("\x00", "")


def test_what_is_pasted_with_an_escape_in_it_presses_no_enter() -> None:
    reader = KeyReader()
    told = list(reader.feed(f"{PASTE_START}100 \x1b[31mlmt\x1bq\r\x1b!!\r{PASTE_END}\x1bb"))
    assert [type(event) for event in told] == [events.Paste, events.Key, events.Key]
    assert isinstance(told[0], events.Paste)
    assert clean_line(told[0].text) == "100 lmtq !!"


def test_alt_as_newer_terminals_tell_it_is_esc_too() -> None:
    assert pressed("alt+2", None) == ("Esc", "2")
    assert pressed("alt+shift+b", "B") == ("Esc", "B")
    assert pressed("alt+slash", None) == ("Esc", "/")
    assert pressed("alt+up", None) == ("Alt+Up",)


@pytest.mark.parametrize("key", ["ctrl+2", "alt+2", "ctrl+alt+x", "super+v", "meta+b"])
def test_no_line_takes_a_character_of_a_key_with_a_modifier(key: str) -> None:
    line = LineEdit("buy ")
    line.take(key_name(key, key[-1]))
    assert line.text == "buy "


async def test_alt_and_a_digit_closes_the_ticket_and_goes_there() -> None:
    async with desk_head(only=("watchlist", "chart", "ticket")) as (head, _):
        await head.press("b")
        ticket = head.app.windows.top
        await head.press("alt+2")
        assert ticket is not None
        assert head.app.windows.top is None
        assert head.app.view_id == "screen.chart"
        await head.press("alt+1")
        assert head.app.view_id == "screen.desk"


async def test_a_key_right_behind_esc_is_not_lost_with_the_window() -> None:
    async with running_head() as head:
        for _ in range(5):
            await head.press("colon")
            assert isinstance(head.app.windows.top, Palette)
            head.app.post_message(events.Key("escape", "\x1b"))
            head.app.post_message(events.Key("slash", "/"))
            await head.settle()
            assert isinstance(head.app.windows.top, Prompt), "the watchlist's own key, heard by the watchlist"
            await head.press("escape")
            assert head.app.windows.top is None


async def test_what_is_typed_right_behind_a_window_s_key_is_its_text() -> None:
    async with running_head() as head:
        for key in (events.Key("colon", ":"), *(events.Key(c, c) for c in "theme")):
            head.app.post_message(key)
        await head.settle()
        top = head.app.windows.top
        assert isinstance(top, Palette)
        assert top.edit.text == "theme"


async def test_keys_wait_for_the_view_they_are_meant_for() -> None:
    async with desk_head(only=("watchlist", "chart")) as (head, _):
        for letter in "2b":
            head.app.post_message(events.Key(letter, letter))
        await head.settle()
        await head.settle()
        assert head.app.view_id == "screen.chart"
        assert head.app.windows.top is None, "b drew the chart's own line, not a ticket over the desk"


async def test_two_fast_tabs_come_back_to_where_they_began() -> None:
    async with running_head((200, 60), only=("watchlist", "news")) as head:
        for _ in range(2):
            head.app.post_message(events.Key("tab", "\t"))
        await head.settle()
        assert head.app.view.front == "watchlist"


async def test_a_ticket_right_behind_a_cursor_key_is_for_the_row_the_cursor_went_to() -> None:
    async with desk_head() as (head, _):
        for letter in "jb5":
            head.app.post_message(events.Key(letter, letter))
        await head.settle()
        assert "5 MSFT at market" in head.text()
        assert "buy MSFT 5" in head.text()


async def test_a_key_right_behind_enter_on_a_row_is_heard_by_the_chart_it_opens() -> None:
    async with desk_head(only=("watchlist", "chart")) as (head, _):
        for key in (events.Key("enter", "\r"), events.Key("b", "b")):
            head.app.post_message(key)
        await head.settle()
        await head.settle()
        assert head.app.view_id == "screen.chart"
        assert head.app.windows.top is None, "b drew the chart's own line, not a ticket over the desk"


async def test_a_line_is_about_the_order_it_was_opened_on_whatever_is_typed_right_behind_it() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C01AAPL")
        await head.press("A", "m", "ctrl+u")
        keys = [*((letter, letter) for letter in "45 lmt 231.55"), ("enter", "\r"), ("j", "j"), ("m", "m")]
        for name, character in keys:
            head.app.post_message(events.Key("space" if name == " " else name, character))
        await head.settle()
        await head.settle()
        assert [order_id for order_id, _ in desk.modified] == ["C01AAPL"]
