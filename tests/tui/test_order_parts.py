"""The pure parts under the order screens: queue, age of a book, prints, lines of change, words, requests made once."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import Depth, Level, Quote, Trade
from stockpulse_engine.domain.orders import OrderRole, OrderStatus, OrderType
from stockpulse_tui.blotter_rows import TABS, Tab, in_families, orders_of
from stockpulse_tui.depth_age import depth_age_ns
from stockpulse_tui.modify_line import modify_text, parse_modify
from stockpulse_tui.order_pick import movable
from stockpulse_tui.order_words import is_waiting, lives_at, slip_ratio, state_of, unknown_words
from stockpulse_tui.print_log import PrintLog, rate_of, usual_size
from stockpulse_tui.queue_watch import QueueWatch, short_size
from tests.fakes.fake_book import SECOND, book, depth, prints
from tests.fakes.fake_link import T0

ORDERS = {order.client_order_id: order for order in book()}
AAPL = ORDERS["C01AAPL"]
TICK = Decimal("0.01")


def book_at(price: str, size: int) -> Depth:
    """A book with one bid level."""
    level = Level(Decimal(price), Decimal(size))
    return Depth("AAPL.XNAS", (level,), (Level(Decimal(999), Decimal(1)),), T0, "sim")


@given(st.lists(st.one_of(st.integers(0, 5_000), st.integers(-5_000, -1)), max_size=40))
def test_what_is_ahead_of_a_resting_order_never_grows(steps: list[int]) -> None:
    watch = QueueWatch()
    watch.see_depth(AAPL, book_at("231.40", 3_000))
    before = watch.ahead(AAPL)
    assert before == 3_000
    for step in steps:
        if step >= 0:
            watch.see_depth(AAPL, book_at("231.40", step))
        else:
            watch.see_trade(AAPL, Trade("AAPL.XNAS", Decimal("231.40"), Decimal(-step), T0))
        ahead = watch.ahead(AAPL)
        assert ahead is not None
        assert 0 <= ahead <= before
        before = ahead


def test_a_queue_out_of_sight_is_not_guessed_and_a_moved_order_starts_again() -> None:
    watch = QueueWatch()
    watch.see_depth(AAPL, book_at("232.00", 500))
    assert watch.ahead(AAPL) is None, "its price is below what is displayed"
    watch.see_depth(AAPL, book_at("231.40", 200))
    assert watch.ahead(AAPL) == 200
    moved = replace(AAPL, terms=replace(AAPL.terms, limit_price=Decimal("231.50")))
    assert watch.ahead(moved) is None
    watch.see_depth(moved, book_at("231.40", 700))
    assert watch.ahead(moved) == 0, "inside the spread nobody is ahead"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (312, "312"), (2_000, "2k"), (2_400, "2.4k"), (24_300, "24k"), (1_200_000, "1.2m")]
)
def test_chip_sizes_are_four_characters_at_most(value: int, text: str) -> None:
    assert short_size(Decimal(value)) == text


def quote(bid: str, ts: int, name: str = "AAPL.XNAS") -> Quote:
    """A quote one tick wide."""
    return Quote(name, Decimal(bid), Decimal(bid) + TICK, Decimal(1), Decimal(1), ts, "sim")


def test_a_book_is_as_fresh_as_the_feed_that_would_have_changed_it() -> None:
    known = depth("AAPL.XNAS", "232.11", "0.01", T0)
    now = T0 + 9 * SECOND
    own, other = quote("232.11", T0), quote("10.00", T0 + 8 * SECOND, "F.XNYS")
    assert depth_age_ns(known, own, [own, other], now) == SECOND
    assert depth_age_ns(known, own, [own], now) == 9 * SECOND
    moved = quote("232.20", T0 + 8 * SECOND)
    assert depth_age_ns(known, moved, [moved, other], now) == 9 * SECOND, "its own quote contradicts the book"
    assert depth_age_ns(known, own, [own], now, speed=60.0) == 9 * SECOND // 60


def test_prints_are_counted_once_however_often_one_looks() -> None:
    log, tape = PrintLog(), deque(prints("AAPL.XNAS", "232.11", "0.01", T0))
    assert len(log.take(tape)) == 8
    assert log.take(tape) == []
    assert log.traded[Decimal("232.11")] == 2_700
    assert log.delta == 100 + 300 + 200 + 100 - 100 - 2_400 - 100 - 100
    tape.append(Trade("AAPL.XNAS", Decimal("232.10"), Decimal(5), T0, "S"))
    assert [trade.size for trade in log.take(tape)] == [5]
    assert not log.is_up
    assert usual_size(list(tape)) == 100
    assert rate_of(list(tape), T0) == pytest.approx(0.9)


def test_a_change_is_only_what_differs() -> None:
    assert modify_text(AAPL, TICK) == "45 @ 231.40"
    body = parse_modify("45 @ 231.45", AAPL, TICK)
    assert (body.quantity, body.limit_price, body.stop_price) == (None, Decimal("231.45"), None)
    body = parse_modify("lmt 231.40 qty 30", AAPL, TICK)
    assert (body.quantity, body.limit_price) == (Decimal(30), None)
    stop = ORDERS["C03AAPL"]
    assert parse_modify("stp 229", stop, TICK).stop_price == Decimal(229)


@pytest.mark.parametrize(
    "text", ["45 @ 231.40", "", "0", "45 45", "@ 231.405", "@ -1", "stp 229", "@ 1e9", "qty NaN", "@ 231_40"]
)
def test_a_change_that_says_nothing_or_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_modify(text, AAPL, TICK)


@given(st.permutations(book()))
def test_families_stay_together_whatever_order_they_came_in(orders: list[object]) -> None:
    found = [order.client_order_id for order in in_families(orders)]  # type: ignore[arg-type] # orders
    at = found.index("C01AAPL")
    assert found[at : at + 3] == ["C01AAPL", "C01AAPL-T", "C01AAPL-S"]
    assert sorted(found) == sorted(ORDERS)


def test_every_order_is_under_a_tab() -> None:
    shown = {order.client_order_id for tab in TABS for order in orders_of(tab, ORDERS.values(), 0)}
    assert shown == set(ORDERS)
    working = [order.client_order_id for order in orders_of(Tab.WORKING, ORDERS.values(), T0)]
    assert "C07GOOGL" in working
    assert "C05PLTR" in working
    assert "C08MSFT" not in working


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_has_a_word(status: OrderStatus) -> None:
    word, token = state_of(replace(ORDERS["C04TSLA"], status=status), ORDERS)
    assert word
    assert token
    assert state_of(replace(ORDERS["C04TSLA"], status=status, is_unknown=True), ORDERS)[0] == "! UNKNOWN"


def test_words_about_orders() -> None:
    assert is_waiting(ORDERS["C01AAPL-T"], ORDERS)
    assert not is_waiting(ORDERS["C03AAPL"], ORDERS)
    slip = slip_ratio(ORDERS["C02NVDA"])
    assert slip is not None
    assert slip < 0, "sold above the middle at arrival"
    what, told = unknown_words(ORDERS["C05PLTR"], T0, "America/New_York")
    assert what == "PLTR buy 100"
    assert told.startswith("unknown since 10:31:59, 8.0 s ago: no definite answer.")
    silent = replace(ORDERS["C05PLTR"], reason="no answer within 5 s")
    assert "8.0 s ago: no answer within 5 s." in unknown_words(silent, T0, "America/New_York")[1]


def test_the_distance_of_a_trailing_stop_is_changed_in_one_line() -> None:
    terms = replace(
        AAPL.terms,
        order_type=OrderType.TRAILING_STOP,
        limit_price=None,
        stop_price=Decimal("229.10"),
        trail_fraction=Decimal("0.02"),
    )
    order = replace(AAPL, terms=terms)
    assert modify_text(order, TICK) == "45 trail 2%"
    assert parse_modify("45 trail 1.5%", order, TICK).trail_fraction == Decimal("0.015")
    body = parse_modify("30 trail 0.50", order, TICK)
    assert (body.quantity, body.trail_amount, body.trail_fraction) == (Decimal(30), Decimal("0.50"), None)
    assert parse_modify("qty 30", order, TICK).quantity == Decimal(30)
    for text in ("45 trail 2%", "45", "45 trail 0", "45 trail 0.505", "45 trail x"):
        with pytest.raises(InvalidValueError):
            parse_modify(text, order, TICK)
    assert movable([order], order.terms.instrument_id) == []


def test_the_stop_of_a_pair_works_beside_its_take_and_a_held_order_lives_at_the_engine() -> None:
    take = replace(AAPL, role=OrderRole.TAKE)
    stop = replace(AAPL, client_order_id="stop", role=OrderRole.STOP, parent_id=AAPL.client_order_id)
    orders = {one.client_order_id: one for one in (take, stop)}
    assert state_of(stop, orders)[0] == state_of(take, orders)[0] == "working"
    held = replace(AAPL, status=OrderStatus.INITIALIZED, is_held=True)
    assert (state_of(held, {})[0], lives_at(held)[0]) == ("held", "engine")
