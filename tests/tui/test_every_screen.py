"""Every screen and window with a whole book behind it: how the desk looks, what mono and ASCII keep, what nothing cuts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator

import pytest

from stockpulse_engine.render.span import Line, Span
from tests.fakes.fake_book import BookCommands
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot

Way = Callable[[Head], Awaitable[None]]


async def _keys(head: Head, *keys: str) -> None:
    await head.press(*keys)
    await rest(head)


def way(*keys: str) -> Way:
    """Press these keys one after the other."""

    async def go(head: Head) -> None:
        for key in keys:
            await _keys(head, key)

    return go


PLACES: dict[str, Way] = {
    "desk": way("1"),
    "chart": way("2"),
    "chart with a line": way("2", "b", "tab", "tab"),
    "positions": way("4", "l"),
    "orders": way("5"),
    "orders of today": way("5", "right_square_bracket", "right_square_bracket"),
    "ladder": way("6"),
    "day": way("4", "D"),
    "risk": way("7", "j"),
    "jobs": way("0", "j"),
    "a job's log": way("0", "j", "L"),
    "sql": way("f6"),
    "drill": way("f7"),
    "sql with an answer": way("f6", "f", "enter", "tab", "l"),
    "sql with a drawing": way("f6", "f", "enter", "tab", "p"),
    "ticket": way("b"),
    "ticket with an order": way("b", "4", "0", "space", "l", "m", "t", "space", "m", "i", "d"),
    "palette": way("colon", "a"),
    "keys": way("f1"),
    "an explanation": way("question_mark"),
    "an instrument": way("colon", "d", "e", "s", "enter"),
    "a question": way("5", "m"),
    "armed": way("A"),
    "halted": way("exclamation_mark", "exclamation_mark"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_whole_desk_looks_as_it_did(size: tuple[int, int]) -> None:
    async with book_head(size) as (head, _):
        await rest(head)
        assert same_as_snapshot(f"desk-{size[0]}x{size[1]}", inside(head))


@pytest.mark.parametrize("place", PLACES)
async def test_ascii_holds_no_byte_above_127(place: str) -> None:
    async with book_head(glyphs="ascii") as (head, _):
        await PLACES[place](head)
        for row in head.rows():
            assert row.isascii(), f"{place}: {[c for c in row if not c.isascii()]} in {row!r}"


SIGNS = re.compile(r"[+\-−▲▼]|[A-Za-z]{2}")
"""What tells up from down without a colour: a sign, an arrow, a word."""


def untold(lines: list[Line]) -> Iterator[str]:
    """Numbers in `up` or `down` whose row says their direction by nothing but the hue."""
    for line in lines:
        for place, span in enumerate(line):
            if span.fg not in ("up", "down") or not any(letter.isdigit() for letter in span.text):
                continue
            near = [other for other in line[max(0, place - 2) : place + 4] if other.fg == span.fg]
            if not any(SIGNS.search(other.text) for other in near):
                yield f"{span.text!r} in {_plain(line)!r}"


def _plain(line: Line) -> str:
    return "".join(span.text for span in line)


@pytest.mark.parametrize("place", PLACES)
async def test_up_and_down_differ_by_a_character_in_mono(place: str) -> None:
    async with book_head((200, 60), theme="mono") as (head, _):
        await PLACES[place](head)
        for view in head.app.shell_screen.lines():
            if view.display and view.size:
                found = list(untold(view._drawn))
                assert not found, f"{place}, {type(view).__name__}: {found}"


def test_a_number_told_by_its_hue_alone_is_found() -> None:
    assert list(untold([(Span("12.40", "up"), Span("  "), Span("3", "text"))]))
    assert not list(untold([(Span("222.63", "up"), Span("  +2.91", "up"))]))


WIDE = [(place, size) for place in PLACES for size in (*SIZES, (110, 32), (100, 30))]
TINY = [(place, (60, 20)) for place in ("desk", "orders", "ladder", "ticket", "halted")]


@pytest.mark.parametrize(("place", "size"), [*WIDE, *TINY])
async def test_each_row_is_exactly_as_wide_as_the_terminal(place: str, size: tuple[int, int]) -> None:
    async with book_head(size) as (head, _):
        await PLACES[place](head)
        assert {len(row) for row in head.rows()} == {size[0]}
        assert len(head.rows()) == size[1]


async def resized(head: Head, width: int, height: int) -> None:
    """The terminal gets another size."""
    await head.pilot.resize_terminal(width, height)
    await rest(head)


@pytest.mark.parametrize("place", ["ticket with an order", "palette", "an explanation", "a question", "keys"])
async def test_a_window_stays_open_through_every_size_and_keeps_what_was_typed(place: str) -> None:
    async with book_head() as (head, _):
        await PLACES[place](head)
        top = head.app.windows.top
        assert top is not None
        before = getattr(getattr(top, "edit", None), "text", "")
        for width, height in ((80, 24), (60, 20), (200, 60), (120, 40)):
            await resized(head, width, height)
        assert head.app.windows.top is top
        assert getattr(getattr(top, "edit", None), "text", "") == before


@pytest.mark.parametrize("place", PLACES)
async def test_escape_never_quits(place: str) -> None:
    async with book_head() as (head, desk):
        await PLACES[place](head)
        for _ in range(6):
            await head.press("escape")
        assert head.app.is_running
        assert head.app.windows.top is None
        assert not _sent(desk)


def _sent(desk: BookCommands) -> list[object]:
    return [*desk.submitted, *desk.modified]
