"""The mouse in the ticket: it points, it never sends; and what is typed behind a click goes to where it pointed."""

from __future__ import annotations

from textual import events

from stockpulse_tui.ticket import Zone
from stockpulse_tui.ticket_form import FIELDS
from stockpulse_tui.widgets.overlay import Sheet
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import SIZES, Head
from tests.tui.test_ticket_pane import PANES, pane
from tests.tui.test_ticket_window import previewed, window, write


async def click_on(head: Head, text: str, *, times: int = 1, shift: int = 0) -> None:
    """Click the first place where the screen says that."""
    y, row = next((y, row) for y, row in enumerate(head.rows()) if text in row)
    await head.pilot.click(offset=(row.index(text) + shift, y), times=times)
    await head.settle()


async def test_a_click_puts_the_cursor_into_the_line() -> None:
    for size in SIZES:
        async with desk_head(size) as (head, _):
            await head.press("b")
            await write(head, "45 lmt 231.40")
            await click_on(head, "231.40")
            await head.press("1")
            assert window(head).session.ticket.edit.text == "buy AAPL 45 lmt 1231.40", size
            await click_on(head, "lmt 1231.40", shift=30)
            await head.press("5")
            assert window(head).session.ticket.edit.text == "buy AAPL 45 lmt 1231.405", size


async def test_a_click_behind_wide_letters_hits_the_letter_it_is_on() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "東京 45 lmt")
        await click_on(head, "45 lmt", shift=2)  # two letters before it have two cells
        await head.press("1")
        assert window(head).session.ticket.edit.text == "buy AAPL 東京 145 lmt"


async def test_a_click_takes_a_field_and_a_row_and_a_second_one_explains_it() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await previewed(head)
        ticket = window(head).session.ticket
        await click_on(head, "DAY")
        assert (ticket.zone, FIELDS[ticket.field]) == (Zone.FORM, "tif")
        await head.press("right")
        assert ticket.edit.text == "buy AAPL 45 lmt 231.40 gtc"
        await previewed(head)
        await click_on(head, "weight")
        assert (ticket.zone, ticket.row) == (Zone.ROWS, 2)
        await click_on(head, "weight", times=2)
        assert isinstance(head.app.windows.top, Sheet)
        assert "|position| / equity." in head.text()
        assert desk.submitted == []


async def test_no_click_anywhere_in_the_window_sends() -> None:
    for size in SIZES:
        async with desk_head(size) as (head, desk):
            await head.press("A", "b")
            await write(head, "45 lmt 231.40 +2% -1%")
            await previewed(head)
            region = window(head).region
            for y in range(region.y, region.bottom):
                await head.pilot.click(offset=(region.x + 6, y))
            await head.settle()
            assert desk.submitted == [], size
            await head.press("enter")
            assert len(desk.submitted) == 1, size


def point(head: Head, x: int, y: int) -> None:
    """A click as the terminal tells it: between the keys, with nothing settling around it."""
    for event in (events.MouseDown, events.MouseUp):
        head.app.post_message(event(None, x, y, 0, 0, 1, False, False, False, x, y))


async def test_a_ticket_right_behind_a_click_on_a_row_is_for_that_row() -> None:
    async with desk_head() as (head, _):
        point(head, 6, next(y for y, row in enumerate(head.rows()) if "NVDA" in row))
        for key in "b5":
            head.app.post_message(events.Key(key, key))
        await until(head, lambda: "5 NVDA at market" in head.text())


async def test_what_is_typed_right_behind_a_click_on_the_pane_is_its_text() -> None:
    async with desk_head(only=PANES) as (head, _):
        assert head.app.view.front == "watchlist"
        x, y = pane(head).region.offset
        point(head, x + 4, y + 1)
        for key in "sell 5":
            head.app.post_message(events.Key("space" if key == " " else key, key))
        await until(head, lambda: "5 AAPL at market" in head.text())
        assert pane(head).session.ticket.edit.text == "sell 5"
