"""The orders screen as its user meets it: tabs, canceling, moving, changing, repeating, sending, and the life."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.orders import OrderStatus
from tests.fakes.fake_book import BookCommands
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot


def row_of(head: Head, text: str) -> str:
    """The first row under the headings that holds a text."""
    return next(row for row in head.rows()[4:] if text in row)


async def to_row(head: Head, key: str) -> None:
    """Put the cursor on an order."""
    head.app.view.panes["orders"].select_key(key)  # type: ignore[attr-defined] # the blotter
    await rest(head)


def asked(desk: BookCommands, kind: str) -> list[tuple[str, ...]]:
    """Requests of a kind."""
    return [one for one in desk.asked if one[0] == kind]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_orders_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    async with book_head(size, screen="5") as (head, _):
        await to_row(head, "C02NVDA")
        assert same_as_snapshot(f"orders-{size[0]}x{size[1]}", inside(head))


async def test_a_row_tells_the_order_and_its_legs_are_indented() -> None:
    async with book_head(screen="5") as (head, _):
        text = head.text()
        assert "Working 6   UNKNOWN 1" in text
        assert "└ take" in text
        assert "└ stop" in text
        assert "70 t" in row_of(head, "149.60")
        assert "32/80" in row_of(head, "149.60")
        assert "partial" in row_of(head, "149.60")
        assert "waits" in row_of(head, "└ take")
        assert "staged" in row_of(head, "GOOGL")


async def test_unknown_is_spelled_out_in_one_sentence() -> None:
    async with book_head(screen="5") as (head, _):
        assert "! UNKNOWN" in row_of(head, "PLTR")
        assert "PLTR buy 100" in head.text()
        assert "unknown since 10:31:59" in head.text()
        assert "never resent" in head.text().replace("\n", " ").replace("  ", " ")
        await head.press("u")
        assert "GOOGL" not in head.text()
        await head.press("u")
        assert "GOOGL" in head.text()


async def test_tabs_go_round_and_the_past_is_read_when_wanted() -> None:
    async with book_head(screen="5") as (head, desk):
        await head.press("right_square_bracket", "right_square_bracket")
        assert "MSFT" in head.text()
        assert "denied" in row_of(head, "10.980")
        await head.press("right_square_bracket")
        await rest(head)
        assert "KO" in head.text()
        desk.orders.is_lost = True  # type: ignore[attr-defined] # the fake's dict
        await head.press("right_square_bracket")
        assert "GOOGL" in head.text()


async def test_a_cancel_is_pending_until_the_venue_proves_it() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        await head.press("c")
        (one,) = asked(desk, "cancel")
        assert one[1] == "C04TSLA"
        assert "canceling" in row_of(head, "TSLA")
        proven = replace(desk.orders["C04TSLA"], status=OrderStatus.CANCELED)
        head.link.send(head.link.market.delta(orders=(proven,)))
        await head.settle()
        assert "TSLA" not in "".join(head.rows()[4:16])


async def test_a_lost_answer_is_asked_again_under_the_same_key() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        desk.is_lost = True
        await head.press("c")
        assert "no answer" in head.text()
        desk.is_lost = False
        await head.press("c")
        first, second = asked(desk, "cancel")
        assert first == second


async def test_canceling_a_staged_order_throws_it_away() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C07GOOGL")
        await head.press("c")
        assert asked(desk, "discard")[0][1] == "C07GOOGL"
        assert "nothing was sent" in head.text()


async def test_many_are_canceled_by_a_pattern_that_is_asked_for() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C03AAPL")
        await head.press("C")
        assert "cancel every working order of AAPL" in head.text()
        assert asked(desk, "cancel many") == []
        await head.press("enter")
        assert asked(desk, "cancel many")[0][1] == "AAPL"
        assert "asked to cancel 4 orders of AAPL" in head.text()


async def test_a_price_moves_only_after_it_was_picked_and_is_asked_for_by_enter() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        await head.press("o", "k", "k", "J")
        assert "320.22" in row_of(head, "TSLA")
        assert "moving to 320.22  -8 t" in head.text()
        await head.press("escape")
        assert "320.30" in row_of(head, "TSLA")
        await head.press("o", "k", "enter")
        assert "SAFE: nothing is sent" in head.text()
        assert desk.modified == []
        await head.press("A", "enter")
        ((key, body),) = desk.modified
        assert key == "C04TSLA"
        assert str(body.limit_price) == "320.31"
        assert body.quantity is None


async def test_a_picked_order_that_fills_is_let_go() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        await head.press("o", "k")
        desk.fill("C04TSLA", "320.30")
        await head.settle()
        assert "nothing was moved" in head.text()
        await head.press("enter")
        assert desk.modified == []


async def test_what_can_not_be_moved_says_why() -> None:
    async with book_head(screen="5") as (head, _):
        await to_row(head, "C06XOM")
        await head.press("o")
        assert "its price can not be moved: it is canceling" in head.text()


async def test_terms_are_changed_in_one_line() -> None:
    async with book_head(screen="5") as (head, desk):
        await head.press("A")
        await to_row(head, "C04TSLA")
        await head.press("m")
        assert "20 @ 320.30" in head.text()
        await head.press(*["backspace"] * 6)
        await head.type("319.905")
        await head.press("enter")
        assert "not on the tick" in head.text()
        assert desk.modified == []
        await head.press("m", *["backspace"] * 11)
        await head.type("15 @ 319.90")
        await head.press("enter")
        ((_, body),) = desk.modified
        assert (str(body.quantity), str(body.limit_price)) == ("15", "319.90")


async def test_an_order_is_repeated_in_a_ticket() -> None:
    async with book_head(screen="5") as (head, _):
        await to_row(head, "C04TSLA")
        await head.press("d")
        assert "buy TSLA 20 lmt 320.30" in head.text()


async def test_a_staged_order_is_sent_only_when_armed() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C07GOOGL")
        await head.press("enter")
        assert "staged and safe" in head.text()
        assert asked(desk, "send") == []
        await head.press("escape", "A")
        await to_row(head, "C07GOOGL")
        await head.press("enter", "enter")
        (one,) = asked(desk, "send")
        assert one[1] == "C07GOOGL"


async def test_a_refusal_is_told_in_words_with_its_fix() -> None:
    async with book_head(screen="5") as (head, _):
        await head.press("right_square_bracket", "right_square_bracket")
        await to_row(head, "C09F")
        await head.press("w")
        text = head.text()
        assert "Our own gate refused it (BUYING_POWER)." in text
        assert "fix  Send 6,484 or fewer." in text


async def test_the_life_follows_the_cursor_and_tells_every_step() -> None:
    async with book_head(screen="5") as (head, _):
        await to_row(head, "C02NVDA")
        text = head.text()
        assert "Life  of NVDA sell 80 limit 149.60" in text
        assert "journal verified" in text
        assert "10:27:57.412.000" in text
        assert "+47.6 ms" in text
        assert "Sold 20 at 149.60" in text
        assert "48 left, 70 ticks away" in text
        assert "wire and broker 47.6" in text
        await to_row(head, "C04TSLA")
        assert "Life  of TSLA buy 20 limit 320.30" in head.text()


async def test_a_price_moved_from_the_life_is_seen_there_and_goes_with_its_order() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        life = head.app.view.panes["life"]
        head.app.view.focus_pane("life")
        await head.press("A", "o", "j", "j")
        assert "Life  moving to 320.28  -2 t" in head.text()
        await head.press("enter")
        assert [key for key, _ in desk.modified] == ["C04TSLA"]
        await head.press("o", "j")
        ended = replace(desk.orders["C04TSLA"], status=OrderStatus.FILLED)
        head.link.send(head.link.market.delta(orders=(ended,)))
        await head.settle()
        assert "nothing was moved: buy 20 TSLA is filled" in head.text()
        head.app.view.focus_pane("orders")
        await to_row(head, "C02NVDA")
        assert not life.lost_pick  # type: ignore[attr-defined] # the life
        assert "Life  of NVDA" in head.text()


async def test_the_life_is_told_while_the_market_gives_no_bars() -> None:
    async with book_head(screen="5") as (head, desk):
        desk.fails_bars = True
        await to_row(head, "C02NVDA")
        assert "Sold 20 at 149.60" in head.text()
        assert "could not be read" not in head.text()


async def test_a_life_that_can_not_be_read_says_so() -> None:
    async with book_head(screen="5") as (head, desk):
        desk.is_lost = True
        await to_row(head, "C04TSLA")
        assert "Its life could not be read" in head.text()


async def test_in_a_small_terminal_enter_opens_the_life_and_esc_comes_back() -> None:
    async with book_head((80, 24), screen="5") as (head, _):
        await to_row(head, "C02NVDA")
        assert "Sold 20" not in head.text()
        await head.press("enter")
        await rest(head)
        assert "Sold 20" in head.text()
        await head.press("escape")
        assert "Working 6" in head.text()


async def test_on_the_desk_enter_leads_to_the_life_on_the_orders_screen() -> None:
    async with book_head() as (head, _):
        head.app.view.focus_pane("orders")
        await to_row(head, "C04TSLA")
        await head.press("enter")
        await rest(head)
        assert head.app.view_id == "screen.orders"
        assert "Life  of TSLA" in head.text()


async def test_a_lost_engine_moves_nothing_and_says_so() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        await head.press("o", "k")
        head.link.say("lost", "The engine does not answer.")
        await head.press("enter")
        assert "nothing was sent" in head.text()
        assert desk.modified == []


async def test_the_cell_under_the_cursor_is_copied_and_explained() -> None:
    async with book_head(screen="5") as (head, _):
        await to_row(head, "C02NVDA")
        cell = head.app.cell()
        assert cell is not None
        assert cell.value == "C02NVDA"
        await head.press("l", "l", "l", "l", "l", "l")
        cell = head.app.cell()
        assert cell is not None
        assert (cell.name, cell.value) == ("away", "70 t")


async def test_exits_whose_entry_is_over_say_what_they_are() -> None:
    async with book_head(screen="5") as (head, desk):
        done = replace(desk.orders["C01AAPL"], status=OrderStatus.FILLED)
        head.link.send(head.link.market.delta(orders=(done,)))
        await head.settle()
        assert "AAPL take" in row_of(head, "236.75")
        assert "AAPL stop" in row_of(head, "AAPL stop")


@pytest.mark.parametrize(("screen", "pane"), [("5", "orders"), ("4", "positions"), ("6", "mine"), ("2", "chart")])
async def test_what_a_lost_engine_said_is_grey_with_its_age_and_comes_back(screen: str, pane: str) -> None:
    async with book_head(screen=screen) as (head, _):
        own = head.app.view.panes[pane]
        head.link.say("lost", "The engine does not answer.")
        await head.tick(5)
        title = own.text_rows()[0]
        assert "as it was 5.0 s ago" in title or "5.0 s old" in title
        if pane != "chart":
            rows = [line for line in own._drawn[1:] if any(span.text.strip() for span in line)]
            assert any(all(span.fg == "faint" for span in row if span.text.strip()) for row in rows)
        head.link.say("live", "")
        head.link.send(head.link.market.move(3))
        await head.tick(1)
        title = own.text_rows()[0]
        assert "ago" not in title or "matched broker" in title
        assert "5.0 s old" not in title
