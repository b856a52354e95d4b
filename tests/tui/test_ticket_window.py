"""The ticket as its user meets it: typed, previewed, staged, sent, refused, and sent once whatever happens."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_tui.screens.ticket import TicketWindow
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import SIZES, Head, same_as_snapshot

LINE = "risk 0.1% lmt mid +2% -1%"


def window(head: Head) -> TicketWindow:
    """The ticket that is open."""
    top = head.app.windows.top
    assert isinstance(top, TicketWindow)
    return top


async def write(head: Head, text: str) -> None:
    """Put a text into the line at once, as a paste does."""
    window(head).session.paste(text)
    await head.settle()


async def previewed(head: Head) -> None:
    """Wait until the engine has spoken of the line as it stands."""
    await until(head, lambda: window(head).session.ticket.is_fresh)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_ticket_looks_as_it_did(size: tuple[int, int]) -> None:
    async with desk_head(size) as (head, _):
        await head.press("b")
        await head.type(LINE)
        await previewed(head)
        assert same_as_snapshot(f"ticket-{size[0]}x{size[1]}", head.text())


async def test_a_line_becomes_a_sentence_and_a_preview() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await head.type("100 lmt 231.40")
        await previewed(head)
        text = head.text()
        assert "100 AAPL at 231.40 limit, day order" in text
        assert "rests at its price, may not fill" in text
        assert desk.previewed[-1].terms.quantity == 100


async def test_safe_stages_and_armed_sends_it() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("enter")
        (command,) = desk.submitted
        assert command.is_staged
        assert "STAGED" in head.text()
        assert "sent by nobody" in head.text()
        await head.press("enter")
        assert len(desk.submitted) == 1, "SAFE sends nothing"
        await head.press("f2", "enter")
        assert desk.asked[-1][:2] == ("send", command.client_order_id)
        assert "WORKING" in head.text()
        assert "fsync 2.1 ms" in head.text()
        desk.fill(command.client_order_id, "231.40")
        await until(head, lambda: "fill 38 ms" in head.text())
        assert "FILLED" in head.text()
        assert "45 of 45 at 231.40" in head.text()
        await head.press("escape")
        assert "FILLED" not in head.text()


async def test_enter_twice_makes_one_order() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "45 lmt 231.40")
        await head.press("enter", "enter", "enter")
        assert len(desk.submitted) == 1
        assert len(desk.orders) == 1
        assert not desk.submitted[0].is_staged


async def test_a_lost_answer_is_asked_again_under_the_same_id() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "45 lmt 231.40")
        desk.is_silent = True
        await head.press("enter")
        assert "NO ANSWER" in head.text()
        assert "Enter asks again under the same id" in head.text()
        await head.type("00")
        desk.is_silent = False
        await head.press("enter")
        assert [c.client_order_id for c in desk.submitted] == [desk.submitted[0].client_order_id] * 2
        assert desk.submitted[0] == desk.submitted[1], "the very same request"
        assert len(desk.orders) == 1
        assert "WORKING" in head.text()


async def test_a_lost_answer_is_found_in_the_stream() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "45 lmt 231.40")
        desk.is_silent = True
        await head.press("enter")
        head.link.send(head.link.market.delta(orders=tuple(desk.orders.values())))
        await until(head, lambda: "WORKING" in head.text())


async def test_a_denied_order_has_no_send_bar_but_the_way_out() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        text = head.text()
        assert "BUYING_POWER" in text
        assert "306, the most that would pass" in text
        assert "SEND" not in text
        await head.press("enter")
        assert desk.submitted == []
        await head.press("ctrl+n")
        assert "buy AAPL 306 lmt 231.40" in head.text()
        await previewed(head)
        await head.press("enter")
        assert desk.submitted[0].terms.quantity == 306


async def test_a_refusal_ends_the_intent_and_the_next_one_has_another_id() -> None:
    async with desk_head() as (head, desk):
        desk.is_lenient = True
        await head.press("b")
        await write(head, "5000 lmt 231.40")
        await head.press("enter")
        assert "DENIED" in head.text()
        assert "Send 306 or fewer." in head.text()
        await head.press("ctrl+u")
        await write(head, "buy AAPL 10 lmt 231.40")
        await head.press("enter")
        first, second = desk.submitted
        assert first.client_order_id != second.client_order_id
        assert desk.orders[second.client_order_id].status is OrderStatus.INITIALIZED


async def test_fields_and_line_mirror_each_other() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("down", "right")
        assert "sell AAPL 45 lmt 231.40" in head.text()
        await head.press("tab")
        await head.type("60")
        assert "sell AAPL 60 lmt 231.40" in head.text()
        await head.press("tab", "right")
        assert "sell AAPL 60 stp" in head.text()
        await head.press("tab")
        await head.type("229")
        assert "sell AAPL 60 stp 229" in head.text()
        assert "60 AAPL at 229.00 stop" in head.text()


async def test_rows_are_explained_and_letters_act_there() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await previewed(head)
        await head.press("down", "down", "w")
        assert "Spread is quantity × (touch - mid)." in head.text()
        await head.press("escape", "j", "j", "w")
        assert "|position| / equity." in head.text()
        await head.press("escape", "A")
        assert "ARMED" in head.rows()[0]
        assert "SEND on paper" in head.text()


async def test_duplicate_is_a_new_intent() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("enter", "d")
        assert "STAGED" not in head.text()
        await head.press("enter")
        assert len({c.client_order_id for c in desk.submitted}) == 2


async def test_what_was_typed_for_another_order_gets_no_old_preview() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        assert "BUYING_POWER" in head.text()
        await head.press("ctrl+u")
        await write(head, "buy AAPL 10 lmt 231.40")
        assert "BUYING_POWER" not in head.text()


async def test_halting_works_while_a_line_is_open() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 2")
        await head.press("!", "!")
        assert ("halt", "") in desk.asked
        assert "HALTED" in head.rows()[0]


async def test_an_error_is_said_in_words_with_its_cure() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "45 lmt 231.40 gcc ")
        assert "Did you mean gtc?" in head.text()


async def test_the_line_is_a_shell_line() -> None:
    async with desk_head() as (head, _):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("ctrl+y")
        assert head.app.clipboard == "sp buy AAPL 45 lmt 231.40"


async def test_ascii_has_no_byte_above_127() -> None:
    async with desk_head(glyphs="ascii") as (head, _):
        await head.press("b")
        await write(head, LINE)
        await previewed(head)
        assert all(row.isascii() for row in head.rows())


async def test_text_of_the_engine_can_not_drive_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J[bold]\u202eevil\u202c[/bold]\r\n\x9b31m"
    async with desk_head() as (head, desk):
        desk.denial_text = hostile
        await head.press("b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        text = head.text()
        assert "[bold]evil[/bold]" in text, "markup is text"
        assert not set("\x1b\x07\x9b\u202e\r") & set(text)
