"""The ladder as its user meets it: cursor, lines, sizes, picks, cancels by price, queues, and no trading on a frozen book."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.market import Trade
from stockpulse_engine.domain.orders import OrderStatus, OrderType
from tests.fakes.fake_book import BookCommands, depth, prints
from tests.fakes.fake_link import T0
from tests.tui.book_head import book_head, inside
from tests.tui.harness import SIZES, Head, same_as_snapshot

AAPL = "AAPL.XNAS"


@asynccontextmanager
async def ladder_head(size: tuple[int, int] = (120, 40), **settings: str) -> AsyncIterator[tuple[Head, BookCommands]]:
    """The ladder of AAPL with a book around 232.11 and some prints."""
    async with book_head(size, **settings) as (head, desk):
        own = replace(
            desk.orders["C01AAPL"], terms=replace(desk.orders["C01AAPL"].terms, limit_price=Decimal("232.06"))
        )
        desk.orders["C01AAPL"] = own
        await head.press("6")
        market = head.link.market
        book = depth(AAPL, "232.11", "0.01", T0)
        quote = replace_quote(head, "232.11", "232.12")
        head.link.send(
            market.delta(orders=(own,), quotes=(quote,), depths=(book,), trades=prints(AAPL, "232.11", "0.01", T0))
        )
        await head.settle()
        await head.press("m")
        yield head, desk


def replace_quote(head: Head, bid: str, ask: str) -> object:
    """The quote of AAPL at other prices."""
    from msgspec import structs

    old = head.app.store.quotes[AAPL]
    return structs.replace(old, bid=Decimal(bid), ask=Decimal(ask), last=Decimal(bid), ts_event=head.clock.now_ns())


def row_of(head: Head, price: str) -> str:
    """The ladder's row of a price."""
    return next(row for row in head.rows()[4:] if price in row[:80])


def asked(desk: BookCommands, kind: str) -> list[tuple[str, ...]]:
    """Requests of a kind."""
    return [one for one in desk.asked if one[0] == kind]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_ladder_looks_as_it_did(size: tuple[int, int]) -> None:
    async with ladder_head(size) as (head, _):
        assert same_as_snapshot(f"ladder-{size[0]}x{size[1]}", inside(head))


async def test_book_and_prints_are_asked_for_only_while_shown() -> None:
    async with ladder_head() as (head, _):
        assert {f"depth:{AAPL}", f"trades:{AAPL}"} <= set(head.link.topics)
        await head.press("4")
        assert not any(topic.startswith("trades:") for topic in head.link.topics)


async def test_own_orders_stand_in_their_rows_with_what_is_ahead() -> None:
    async with ladder_head() as (head, _):
        assert "45 q400" in row_of(head, "232.06")
        gone = Trade(AAPL, Decimal("232.06"), Decimal(150), head.clock.now_ns(), "S", "sim")
        head.link.send(head.link.market.delta(trades=(gone,)))
        await head.settle()
        assert "45 q250" in row_of(head, "232.06")


async def test_three_presses_from_keys_to_a_working_order() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A")
        await head.press("j", "b", "enter")
        (command,) = desk.submitted
        assert not command.is_staged
        assert command.terms.order_type is OrderType.LIMIT
        assert command.terms.limit_price == Decimal("232.10")
        await head.press("enter", "enter")
        assert len(desk.submitted) == 1, "one intent makes one order"


async def test_safe_stages() -> None:
    async with ladder_head() as (head, desk):
        await head.press("b", "enter")
        (command,) = desk.submitted
        assert command.is_staged
        assert "STAGED" in head.text()


async def test_a_line_moves_with_the_cursor_and_esc_drops_it() -> None:
    async with ladder_head() as (head, desk):
        await head.press("b", "j", "J")
        assert "at 232.00 limit" in head.text()
        assert "line" in row_of(head, "232.00")
        await head.press("escape")
        assert "limit  Enter" not in head.text()
        assert desk.submitted == []


async def test_through_the_market_a_stop_is_proposed() -> None:
    async with ladder_head() as (head, desk):
        await head.press("j", "j", "j")
        assert "SELL   60 stop  232.08" in head.text()
        await head.press("v")
        assert "at 232.08 stop" in head.text()
        await head.press("enter")
        assert desk.submitted[0].terms.order_type is OrderType.STOP


async def test_the_size_is_typed_after_the_hash_and_digits_change_screens_otherwise() -> None:
    async with ladder_head() as (head, _):
        await head.press("number_sign", "2", "5")
        assert "size 25" in head.rows()[2]
        await head.press("enter", "b")
        assert "25 at 232.11 limit" in head.text()
        await head.press("escape", "4")
        assert head.app.view_id == "screen.positions"


async def test_market_orders_open_a_ticket() -> None:
    async with ladder_head() as (head, desk):
        await head.press("B")
        assert "buy AAPL 60 mkt" in head.text()
        assert desk.submitted == []


async def test_a_picked_order_moves_and_the_change_is_asked_for() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A", "o", "k", "k")
        assert "PICKED" in head.text()
        assert "45" in row_of(head, "232.08")
        await head.press("enter")
        ((key, body),) = desk.modified
        assert key == "C01AAPL"
        assert body.limit_price == Decimal("232.08")


async def test_a_whole_bracket_is_picked_and_moves_as_one() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A", "O", "j", "enter")
        assert {key for key, _ in desk.modified} == {"C01AAPL", "C01AAPL-T", "C01AAPL-S"}


async def test_c_cancels_at_the_cursors_price_and_capital_c_all_of_it() -> None:
    async with ladder_head() as (head, desk):
        await head.press("j", "j", "j", "j", "j", "c")
        assert [one[1] for one in asked(desk, "cancel")] == ["C01AAPL"]
        await head.press("C")
        assert asked(desk, "cancel many")[0][1] == AAPL
        assert "asked to cancel every order of AAPL" in head.text()


async def test_a_frozen_book_says_so_refuses_to_send_and_still_cancels() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A")
        await head.tick(4)
        assert "frozen: depth 4.0 s old" in head.rows()[2]
        await head.press("b", "enter")
        assert desk.submitted == []
        assert "nothing is sent from here; cancels work" in head.text()
        await head.press("escape", "j", "j", "j", "j", "j", "c")
        assert len(asked(desk, "cancel")) == 1


async def test_a_quiet_book_on_a_living_feed_is_not_frozen() -> None:
    async with ladder_head() as (head, _):
        await head.tick(4)
        head.link.send(head.link.market.move(12))
        head.link.send(head.link.market.delta(quotes=(replace_quote(head, "232.11", "232.12"),)))
        await head.settle()
        assert "frozen" not in head.rows()[2]


async def test_a_lost_link_is_said_and_nothing_is_sent() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A", "b")
        head.link.say("lost", "The engine does not answer.")
        await head.press("enter")
        assert desk.submitted == []
        assert "nothing was sent" in head.text()


async def test_pnl_if_flat_is_shown_when_something_is_held() -> None:
    async with ladder_head() as (head, _):
        assert "P&L" not in head.rows()[3]
        held = replace(
            head.link.market.positions()[0], instrument_id=AAPL, quantity=Decimal(60), average_cost=Decimal("232.00")
        )
        head.link.send(head.link.market.delta(positions=(held,)))
        await head.settle()
        assert "P&L" in head.rows()[3]
        assert "+7" in row_of(head, "232.12")


async def test_ticks_are_grouped_and_the_cursor_moves_by_rows() -> None:
    async with ladder_head() as (head, _):
        await head.press("z", "z")
        assert "group 5" in head.rows()[2]
        before = head.app.view.panes["ladder"].cursor_price()  # type: ignore[attr-defined] # the ladder
        await head.press("j")
        after = head.app.view.panes["ladder"].cursor_price()  # type: ignore[attr-defined] # the ladder
        assert before - after == Decimal("0.05")
        await head.press("Z", "Z", "Z")
        assert "group 1" in head.rows()[2]


async def test_the_tape_is_newest_first() -> None:
    async with ladder_head() as (head, _):
        tape = [row[82:] for row in head.rows()[3:20] if ":" in row[82:]]
        assert tape[0].split()[0] > tape[1].split()[0]
        assert any("2,400" in row for row in tape)


async def test_canceled_orders_leave_the_ladder() -> None:
    async with ladder_head() as (head, desk):
        gone = replace(desk.orders["C01AAPL"], status=OrderStatus.CANCELED)
        head.link.send(head.link.market.delta(orders=(gone,)))
        await head.settle()
        assert "45 q" not in row_of(head, "232.06")


async def test_another_instrument_starts_a_ladder_of_its_own() -> None:
    async with ladder_head() as (head, _):
        await head.press("b")
        head.app.pick_instrument("NVDA.XNAS")
        await head.settle()
        assert "NVDA" in head.rows()[2]
        assert "Enter stage" not in head.text()
        assert "depth:NVDA.XNAS" in head.link.topics


async def test_a_pane_that_comes_to_the_front_reads_what_it_missed() -> None:
    async with book_head((80, 24)) as (head, desk):
        assert not any(topic.startswith("depth:") for topic in head.link.topics)
        for _ in range(8):
            await head.press("tab")
            if head.app.view.panes["ladder"].has_focus:
                break
        assert f"depth:{AAPL}" in head.link.topics
        desk.fill("C04TSLA", "320.30")
        await head.settle()
        head.app.view.focus_pane("orders")
        await head.settle()
        assert "TSLA" not in head.text()


@pytest.mark.parametrize("away", ["235.00", "229.40"])
async def test_a_market_that_runs_away_leaves_the_line_one_is_about_to_send_in_sight(away: str) -> None:
    async with ladder_head() as (head, _):
        await head.press("b")
        cursor = str(head.app.view.panes["ladder"].cursor)  # type: ignore[attr-defined] # the ladder
        quote, book = replace_quote(head, away, away), depth(AAPL, away, "0.01", head.clock.now_ns())
        head.link.send(head.link.market.delta(quotes=(quote,), depths=(book,)))
        await head.settle()
        assert "line" in row_of(head, cursor), "what Enter sends is shown at its price"
