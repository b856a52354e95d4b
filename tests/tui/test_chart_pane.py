"""The chart as its user meets it: looked around in, studied, and traded from by keys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_tui.widgets.chart import Chart
from tests.fakes.fake_desk import DeskCommands, make_bars
from tests.fakes.fake_link import T0
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import SIZES, Head, same_as_snapshot

PANES = ("watchlist", "chart")


async def on_chart(head: Head) -> None:
    """Open the chart's own screen and wait for its bars and studies."""
    await head.press("2")
    await until(head, lambda: has_studies(head))


def has_studies(head: Head) -> bool:
    """Whether every study of the chart has its values."""
    chart = head.app.view.panes["chart"]
    assert isinstance(chart, Chart)
    studies = (chart.feed.study(chart.instrument_id, chart.state.spec, text) for text in chart.state.studies)
    return bool(chart.instrument_id) and all(study.view is not None for study in studies)


def working(
    order_id: str, price: str, *, side: Side = Side.BUY, role: OrderRole = OrderRole.SINGLE, parent: str = ""
) -> Order:
    """An order that rests at the venue."""
    is_stop = role is OrderRole.STOP
    terms = OrderTerms(
        account_id="main", instrument_id="AAPL.XNAS", side=side, quantity=Decimal(45),
        order_type=OrderType.STOP if is_stop else OrderType.LIMIT,
        limit_price=None if is_stop else Decimal(price), stop_price=Decimal(price) if is_stop else None,
    )  # fmt: skip
    return Order(
        client_order_id=order_id, terms=terms, status=OrderStatus.ACCEPTED, role=role, parent_id=parent, created_at=T0
    )


def give(head: Head, desk: DeskCommands, *orders: Order) -> None:
    """The stream tells of orders."""
    desk.orders |= {order.client_order_id: order for order in orders}
    head.link.send(head.link.market.delta(orders=orders))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_chart_looks_as_it_did(size: tuple[int, int]) -> None:
    async with desk_head(size, only=PANES) as (head, _):
        await on_chart(head)
        assert same_as_snapshot(f"chart-{size[0]}x{size[1]}", head.text())


async def test_three_presses_make_a_working_order() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        await head.press("A")
        await head.press("b", "j", "enter")
        (command,) = desk.submitted
        assert command.terms.order_type is OrderType.LIMIT
        assert command.terms.limit_price == Decimal("232.11")
        assert not command.is_staged
        assert desk.orders[command.client_order_id].status is OrderStatus.ACCEPTED
        await until(head, lambda: "fsync 2.1 ms" in head.text())
        assert "WORKING" in head.text()
        assert "buy 40 LMT" in head.text(), "it is drawn as an order now"


async def test_safe_stages_and_enter_twice_makes_one() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        await head.press("v", "k", "enter", "enter", "enter")
        (command,) = desk.submitted
        assert command.is_staged
        assert command.terms.side is Side.SELL
        assert "sent by nobody" in head.text()


async def test_digits_set_the_quantity_and_screens_stay() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        await head.press("b", "2", "5", "0", "backspace", "J", "enter")
        assert head.app.view_id == "screen.chart"
        assert desk.submitted[0].terms.quantity == 25
        assert desk.submitted[0].terms.limit_price == Decimal("232.02")
        await head.press("escape", "1")
        assert head.app.view_id == "screen.desk"


async def test_risk_and_reward_follow_the_line() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        await head.press("b")
        assert "no stop" in head.text()
        await head.press("tab")
        assert "risk 93.20" in head.text()
        await head.press("j")
        assert "risk 93.60" in head.text()
        await head.press("tab")
        assert "reward 185.60  2.0 R" in head.text()
        await head.press("tab", "j", "enter")
        assert desk.submitted[0].terms.limit_price == Decimal("232.11")
        assert desk.submitted[0].stop_price == Decimal("229.77")
        assert desk.submitted[0].take_price == Decimal("236.75")


async def test_a_price_the_market_has_passed_is_a_stop() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        await head.press("b", "K", "K")
        assert "232.32 stop" in head.text()
        await head.press("enter")
        assert desk.submitted[0].terms.order_type is OrderType.STOP
        assert desk.submitted[0].terms.stop_price == Decimal("232.32")


async def test_a_line_after_silence_is_the_same_order() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        desk.is_silent = True
        await head.press("A", "b", "enter")
        assert "NO ANSWER" in head.text()
        desk.is_silent = False
        await head.press("j", "enter")
        assert desk.submitted[0] == desk.submitted[1]
        assert len(desk.orders) == 1


async def test_a_picked_order_moves_and_comes_back() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        give(head, desk, working("W1", "231.40"))
        await head.press("A", "o", "k", "k")
        assert "231.40 → 231.42" in head.text()
        await head.press("escape")
        assert desk.modified == []
        await head.press("o", "K", "enter")
        ((order_id, body),) = desk.modified
        assert (order_id, body.limit_price) == ("W1", Decimal("231.50"))
        assert "PICKED" not in head.text()


async def test_safe_moves_no_working_order() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        give(head, desk, working("W1", "231.40"))
        await head.press("o", "k", "enter")
        assert desk.modified == []
        assert "nothing is sent" in head.text()


async def test_a_bracket_moves_as_one() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        give(
            head, desk, working("W1", "231.40", role=OrderRole.ENTRY),
            working("T1", "236.00", side=Side.SELL, role=OrderRole.TAKE, parent="W1"),
            working("S1", "229.00", side=Side.SELL, role=OrderRole.STOP, parent="W1"),
            working("X1", "230.00"),
        )  # fmt: skip
        await head.press("A", "O", "j", "enter")
        asked = {order_id: body.limit_price or body.stop_price for order_id, body in desk.modified}
        assert asked == {"W1": Decimal("231.39"), "T1": Decimal("235.99"), "S1": Decimal("228.99")}


async def test_history_is_fetched_before_the_edge_is_reached() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await on_chart(head)
        asked = len(desk.bars_asked)
        for _ in range(12):
            await head.press("H")
        await until(head, lambda: len(desk.bars_asked) > asked)
        older = [call for call in desk.bars_asked if call[3] is not None]
        assert older[0][1] == "5m"
        assert older[0][3] == make_bars("AAPL.XNAS", "5m")[-600].ts_event


async def test_bar_length_and_topics_change_together() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        assert {"bars:AAPL.XNAS:5m", "study:AAPL.XNAS:5m:rsi 14"} <= set(head.link.topics)
        await head.press("t")
        await until(head, lambda: "bars:AAPL.XNAS:15m" in head.link.topics)
        await head.press("T", "T")
        await until(head, lambda: "bars:AAPL.XNAS:1m" in head.link.topics)
        await head.press("1")
        await head.settle()


async def test_live_bars_join_the_history() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        last = make_bars("AAPL.XNAS", "5m")[-1]
        newer = replace(
            last, ts_event=last.ts_event + last.spec.duration_ns, close=Decimal("233.33"), high=Decimal("233.40")
        )
        head.link.send(head.link.market.delta(bars=(newer,)))
        await until(head, lambda: "C 233.33" in head.text())


async def test_a_study_is_added_by_name_and_a_wrong_one_is_said_in_words() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        await head.press("i")
        await head.type("sma 9")
        await head.press("enter")
        await until(head, lambda: "sma9" in head.text())
        await head.press("i")
        await head.type("smaa 9")
        await head.press("enter")
        await until(head, lambda: "Did you mean sma?" in head.text())
        await head.press("I")
        assert "sma9" not in head.text()


async def test_a_study_is_found_by_what_it_is_and_its_name_completed() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        await head.press("i")
        assert "like rsi 14" in head.text()
        assert "Acceleration Bands" in head.text(), "before anything is typed all of them are there, by name"
        await head.type("cloud")
        assert "Ichimoku Cloud" in head.text()
        await head.press("tab")
        assert "study ichimoku" in head.text()
        await head.press("ctrl+u")
        await head.type("qqq")
        assert "no study is called so" in head.text()
        await head.press("ctrl+u")
        await head.type("sm")
        await head.press("down", "down", "up")
        await head.press("enter")
        await until(head, lambda: head.app.view.panes["chart"].state.studies[-1].startswith("sma"))  # type: ignore[attr-defined]  # the chart


async def test_a_line_of_closes_and_back() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        assert "▇" in "".join(head.rows()[4:20])
        await head.press("m")
        assert "▇" not in "".join(head.rows()[4:20])
        await head.press("m")
        assert "▇" in "".join(head.rows()[4:20])


async def test_the_cross_hair_reads_the_bar_under_it() -> None:
    async with desk_head(only=PANES) as (head, _):
        await on_chart(head)
        await head.press("h", "h")
        bar = make_bars("AAPL.XNAS", "5m")[-3]
        assert f"C {bar.close}" in head.rows()[3]
        await head.press("G")
        assert f"C {make_bars('AAPL.XNAS', '5m')[-1].close}" in head.rows()[3]


def _no_bars(desk: DeskCommands) -> None:
    desk.has_bars = False


def _failing(desk: DeskCommands) -> None:
    desk.fails_bars = True


async def test_nothing_and_failed_look_different() -> None:
    async with desk_head(only=PANES, prepare=_no_bars) as (head, _):
        await head.press("2")
        await until(head, lambda: "There are no 5m bars" in head.text())
    async with desk_head(only=PANES, prepare=_failing) as (head, _):
        await head.press("2")
        await until(head, lambda: "The bars could not be had" in head.text())
        assert "The venue does not answer." in head.text()


async def test_bars_that_nobody_answered_for_come_without_a_key_when_the_market_is_back() -> None:
    async with desk_head(only=PANES, prepare=_failing) as (head, desk):
        await head.press("2")
        await until(head, lambda: "The bars could not be had" in head.text())
        await head.tick(1)
        desk.fails_bars = False
        asked = len(desk.bars_asked)
        await head.tick(2)
        assert len(desk.bars_asked) == asked, "not every second"
        await head.tick(3)
        await until(head, lambda: "could not be had" not in head.text())


async def test_ascii_has_no_byte_above_127() -> None:
    async with desk_head(only=PANES, glyphs="ascii") as (head, _):
        await head.press("2")
        await until(head, lambda: "rsi 14" in head.text())
        await head.press("b", "tab", "h")
        assert all(row.isascii() for row in head.rows())
