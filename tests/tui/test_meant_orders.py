"""A key acts on the order it was meant for: one that fills just before is not replaced by its neighbour."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.domain.orders import Order, OrderStatus
from tests.fakes.fake_book import BookCommands
from tests.tui.book_head import book_head, rest
from tests.tui.harness import Head
from tests.tui.test_ladder import ladder_head
from tests.tui.test_orders import asked, row_of, to_row

FILLED = {"status": OrderStatus.FILLED, "filled_quantity": Decimal(45), "average_price": Decimal("231.40")}


async def fills(head: Head, desk: BookCommands, key: str) -> Order:
    """The venue fills an order."""
    filled = replace(desk.orders[key], **FILLED)
    desk.orders[key] = filled
    head.link.send(head.link.market.delta(orders=(filled,)))
    await head.settle()
    return filled


async def test_a_cancel_meant_for_an_entry_that_fills_does_not_reach_its_stop() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C01AAPL")
        await fills(head, desk, "C01AAPL")
        await head.press("c")
        assert asked(desk, "cancel") == []
        assert "nothing was done: buy 45 AAPL is filled. j or k puts the cursor on a row" in head.text()
        await head.press("c")
        assert asked(desk, "cancel") == [], "until the cursor is moved there is no order under it"


async def test_after_a_row_went_the_cursor_goes_to_where_it_was() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C01AAPL")
        pane = head.app.view.panes["orders"]
        at = pane.keys.index("C01AAPL")  # type: ignore[attr-defined] # the blotter
        await fills(head, desk, "C01AAPL")
        await head.press("j")
        assert pane.key == pane.keys[at]  # type: ignore[attr-defined] # the blotter
        await head.press("c")
        assert len(asked(desk, "cancel")) == 1


async def test_no_other_key_reaches_the_neighbour_of_a_vanished_row() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C07GOOGL")
        await head.press("A")
        gone = replace(desk.orders["C07GOOGL"], status=OrderStatus.CANCELED)
        head.link.send(head.link.market.delta(orders=(gone,)))
        await head.settle()
        for key in ("enter", "o", "m", "w", "d"):
            await head.press(key)
            assert "nothing was done: buy 10 GOOGL is canceled" in head.text(), key
            assert head.app.windows.top is None, key
        assert desk.modified == []
        assert asked(desk, "send") == []


async def test_the_desk_pane_holds_to_the_order_too() -> None:
    async with book_head() as (head, desk):
        head.app.view.focus_pane("orders")
        await rest(head)
        await to_row(head, "C01AAPL")
        await fills(head, desk, "C01AAPL")
        await head.press("c")
        assert asked(desk, "cancel") == []
        assert "buy 45 AAPL is filled" in head.text()


async def test_another_tab_asked_for_is_not_a_vanished_row() -> None:
    async with book_head(screen="5") as (head, _):
        await to_row(head, "C01AAPL")
        await head.press("right_square_bracket")
        pane = head.app.view.panes["orders"]
        assert pane.key == "C05PLTR"  # type: ignore[attr-defined] # the blotter


async def test_keys_of_a_picked_order_that_fills_move_and_send_nothing_else() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        await head.press("A", "o", "k")
        await fills(head, desk, "C04TSLA")
        await head.press("k", "k", "enter", "c")
        assert desk.modified == []
        assert asked(desk, "cancel") == []
        assert "nothing was moved: buy 20 TSLA is filled" in head.text()
        await head.press("escape", "j", "c")
        assert len(asked(desk, "cancel")) == 1, "after Esc the keys are those of the list again"


async def test_a_picked_order_of_the_ladder_that_fills_cancels_nothing_at_the_cursor() -> None:
    async with ladder_head() as (head, desk):
        stop = desk.orders["C01AAPL-S"]
        near = replace(stop, terms=replace(stop.terms, stop_price=Decimal("232.05")))
        desk.orders["C01AAPL-S"] = near
        head.link.send(head.link.market.delta(orders=(near,)))
        await head.press("A", "j", "o", "j")
        picked = head.app.view.panes["ladder"].pick  # type: ignore[attr-defined] # the ladder
        assert picked is not None
        (key,) = picked.ids
        await fills(head, desk, key)
        await head.press("c", "j", "enter")
        assert asked(desk, "cancel") == []
        assert desk.modified == []
        assert "GONE" in head.text()
        await head.press("escape")
        assert "GONE" not in head.text()


async def test_a_cancel_at_a_price_whose_order_filled_reaches_no_other_order() -> None:
    async with ladder_head() as (head, desk):
        await head.press("z", "z")  # five ticks a row: entry and stop share one
        stop = desk.orders["C01AAPL-S"]
        near = replace(stop, terms=replace(stop.terms, stop_price=Decimal("232.07")))
        head.link.send(head.link.market.delta(orders=(near,)))
        await head.settle()
        ladder = head.app.view.panes["ladder"]
        ladder.put_cursor(Decimal("232.10"))  # type: ignore[attr-defined] # the ladder
        ladder.put_cursor(Decimal("232.05"))  # type: ignore[attr-defined] # the ladder
        head.link.send(head.link.market.delta(orders=(replace(near, status=OrderStatus.CANCELED),)))
        await head.settle()
        await fills(head, desk, "C01AAPL")
        another = replace(near, client_order_id="C01AAPL-T")  # an ended order never comes back; its successor does
        head.link.send(head.link.market.delta(orders=(another,)))
        await head.settle()
        await head.press("c")
        assert asked(desk, "cancel") == []
        assert "nothing was canceled" in head.text()


async def test_a_row_of_the_ladder_without_orders_cancels_nothing() -> None:
    async with ladder_head() as (head, desk):
        await head.press("A", "b", "enter", "escape", "k", "k", "c")
        assert asked(desk, "cancel") == []
        assert "nothing of yours is in this row" in head.text()


async def test_a_picked_order_of_the_chart_that_fills_is_said_and_nothing_moves() -> None:
    async with book_head(screen="2") as (head, desk):
        head.app.pick_instrument("TSLA.XNAS")
        await rest(head)
        await head.press("A", "o", "k")
        assert "PICKED" in head.text()
        await fills(head, desk, "C04TSLA")
        await head.press("c", "enter")
        assert asked(desk, "cancel") == []
        assert desk.modified == []
        assert "nothing was moved: buy 20 TSLA is filled" in head.text()


async def test_a_position_that_closes_does_not_hand_its_keys_to_the_next() -> None:
    async with book_head(screen="4") as (head, _):
        pane = head.app.view.panes["positions"]
        gone = pane.current  # type: ignore[attr-defined] # the positions
        head.link.send(head.link.market.delta(positions=(replace(gone, quantity=Decimal(0)),)))
        await head.settle()
        await head.press("x")
        assert head.app.windows.top is None
        assert "is flat: nothing was done" in head.text()
        await head.press("F")
        assert head.app.windows.top is None


async def test_a_row_that_comes_back_is_the_cursors_again() -> None:
    async with book_head(screen="5") as (head, desk):
        await to_row(head, "C04TSLA")
        before = desk.orders["C04TSLA"]
        await fills(head, desk, "C04TSLA")
        head.link.send(head.link.market.delta(orders=(before,)))
        await head.settle()
        assert "320.30" in row_of(head, "TSLA")
        assert head.app.view.panes["orders"].key == "C04TSLA"  # type: ignore[attr-defined] # the blotter
