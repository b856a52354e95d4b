"""The day's review: costs that add up to the shortfall, excursions, refusals, and a page that can not be broken."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import replace

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.review import (
    ReviewSources,
    costs_of,
    excursions,
    opened_span,
    to_markdown,
)
from stockpulse_engine.portfolio.service import PortfolioService
from tests.fakes.portfolio_build import AAPL, D, fill, filled, moved, opened, order, quote, terms

TODAY = "2024-03-08"


def bar(start: int, low: str, high: str) -> Bar:
    return Bar(AAPL, BarSpec(1, "m"), start, D(low), D(high), D(low), D(high), D(1), start + 60)


class Day:
    """One session with its orders, fills and bars."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.orders: list[Order] = []
        self.fills: dict[str, list[Fill]] = {}
        self.bars: list[Bar] = []
        self.now = 1000
        self.service = PortfolioService(
            self.ledger,
            orders=list,
            quote=lambda _: quote("103.99", "104.01"),
            clock=lambda: self.now,
            review=ReviewSources(
                orders=lambda _: self.orders,
                fills=lambda key: self.fills.get(key, []),
                hops=lambda _: {"gate": 200_000, "journal": 4_100_000},
                bars=self.find_bars,
                session_of=lambda ts: TODAY if ts < 2000 else "2024-03-11",
                kill_times=lambda: (300, 2400, 2500),
            ),
        )
        self.ledger.apply(opened())
        self.begin(TODAY)

    def find_bars(self, instrument_id: str, start: int, end: int) -> Sequence[Bar]:
        return [each for each in self.bars if each.ts_event < end and each.known_at > start]

    def begin(self, date: str) -> None:
        for event in self.service.begin_session(date, 1):
            self.ledger.apply(event)

    def trade(self, made: Fill, sent: Order) -> None:
        self.orders.append(sent)
        self.fills.setdefault(sent.client_order_id, []).append(made)
        self.ledger.apply(filled(made))


def bought(order_id: str, signed: str, price: str, *, at: int, fee: str = "0.35") -> tuple[Fill, Order]:
    made = fill(f"f-{order_id}", signed, price, fee=fee, order_id=order_id, at=at)
    sent = order(
        order_id,
        terms(signed),
        status=OrderStatus.FILLED,
        created_at=at,
        filled_quantity=made.quantity,
        average_price=made.price,
    )
    return made, sent


def test_cost_is_split_into_spread_slippage_and_fees() -> None:
    made, sent = bought("a", "100", "100.03", at=10)
    costs = costs_of(sent, [made])
    assert (costs.arrival_mid, costs.spread, costs.slippage, costs.fees) == (D(100), D("1.00"), D("2.00"), D("0.35"))
    assert costs.shortfall == D("3.35")


def test_a_passive_fill_earns_the_spread_back() -> None:
    made, sent = bought("a", "-100", "100.01", at=10, fee="0")
    costs = costs_of(sent, [made])
    assert (costs.spread, costs.slippage, costs.shortfall) == (D("1.00"), D("-2.00"), D("-1.00"))


def test_without_an_arrival_quote_only_fees_are_known() -> None:
    made, sent = bought("a", "100", "100", at=10)
    blind = order("a", sent.terms, arrival_bid=None, arrival_ask=None)
    costs = costs_of(blind, [made])
    assert (costs.spread, costs.shortfall, costs.fees) == (None, None, D("0.35"))


prices = st.decimals("90", "110", places=2)


@given(st.booleans(), prices, prices, st.lists(st.tuples(st.integers(1, 500), prices, prices), max_size=6))
def test_spread_slippage_and_fees_are_the_whole_shortfall(
    is_buy: bool, bid: object, ask: object, pieces: list[tuple[int, object, object]]
) -> None:
    sign = 1 if is_buy else -1
    sent = order("a", terms(str(sign)), arrival_bid=bid, arrival_ask=ask)
    fills = [
        fill(f"f{number}", str(sign * size), str(price), fee=str(fee))
        for number, (size, price, fee) in enumerate(pieces)
    ]
    costs = costs_of(sent, fills)
    assert costs.arrival_mid is not None
    paid = sum((each.fee + (each.price - costs.arrival_mid) * each.signed_quantity for each in fills), D(0))
    assert costs.shortfall == paid


def test_excursions_are_measured_from_the_entry_while_the_position_was_open() -> None:
    made, sent = bought("a", "100", "100", at=10)
    sale, _ = bought("b", "-100", "102", at=130)
    span = opened_span(sent, [made], [made, sale], 999)
    assert span is not None
    assert (span.start, span.end) == (10, 130)
    assert excursions(span, [bar(0, "99", "101"), bar(60, "98.5", "103")]) == (D(300), D(-150))
    assert excursions(span, []) == (None, None)


def test_an_open_position_is_measured_until_now_and_a_short_the_other_way() -> None:
    made, sent = bought("a", "-100", "100", at=10)
    span = opened_span(sent, [made], [made], 999)
    assert span is not None
    assert span.end == 999
    assert excursions(span, [bar(0, "99", "101.5")]) == (D(100), D(-150))


def test_orders_that_only_close_opened_nothing() -> None:
    entry, _ = bought("a", "100", "100", at=10)
    sale, sold = bought("b", "-100", "102", at=130)
    child = order("s", terms("-100"), role=OrderRole.STOP, parent_id="a")
    assert opened_span(sold, [sale], [entry, sale], 999) is None
    assert opened_span(child, [sale], [sale], 999) is None
    assert opened_span(order("n", terms("1")), [], [], 999) is None


def full_day() -> Day:
    day = Day()
    day.trade(*bought("a", "100", "100.03", at=10))
    day.trade(*bought("b", "-40", "103", at=130))
    day.bars = [bar(0, "99", "101"), bar(60, "98.5", "103"), bar(120, "100", "104")]
    day.orders += [
        order(
            "d",
            terms("9999"),
            status=OrderStatus.DENIED,
            code="MAX_NOTIONAL",
            reason="1,000,000 is over | the `limit`.\nNext",
            created_at=200,
        ),
        order("staged", terms("1"), status=OrderStatus.INITIALIZED, created_at=210),
        order("old", terms("1"), status=OrderStatus.CANCELED, created_at=5000),
        order("c", terms("1"), status=OrderStatus.CANCELED, created_at=300),
    ]
    return day


def test_the_review_has_orders_in_time_refusals_totals_and_kills() -> None:
    review = full_day().service.day()
    assert [each.order.client_order_id for each in review.orders] == ["a", "b", "c"]
    assert (review.equity_open, review.equity_now) == (D(100_000), D("100356.30"))
    assert (review.realized, review.fees) == (D("118.80"), D("0.70"))
    assert (review.spread_cost, review.slippage) == (D("1.40"), D("2.00") - D("120.40"))
    (refused,) = review.refusals
    assert (refused.code, refused.client_order_id, refused.ts_event) == ("MAX_NOTIONAL", "d", 200)
    assert review.kills_survived == 1
    first = review.orders[0]
    assert first.hops["journal"] == 4_100_000
    assert (first.best_excursion, first.worst_excursion) == (D("397.00"), D("-153.00"))
    assert review.orders[1].best_excursion is None


def test_yesterday_can_still_be_reviewed_after_the_next_session_began() -> None:
    day = full_day()
    day.now = 3000
    day.begin("2024-03-11")
    day.ledger.apply(moved("77"))
    review = day.service.day("main", TODAY)
    assert (review.session_date, review.equity_now, review.realized) == (TODAY, D("100356.30"), D("118.80"))
    assert day.service.day().session_date == "2024-03-11"
    assert (review.kills_survived, day.service.day().kills_survived) == (1, 2), "each day has its own"
    assert [each.order.client_order_id for each in day.service.day().orders] == ["old"]


def test_an_order_that_works_for_days_has_in_each_review_what_it_did_that_day() -> None:
    """Half of it fills on the day it was sent, half in the next session."""
    day = Day()
    day.trade(*bought("a", "100", "100.03", at=10))
    late = fill("f-late", "60", "101", fee="0.20", order_id="a", at=2500)
    day.fills["a"].append(late)
    day.ledger.apply(filled(late))
    day.orders[0] = replace(day.orders[0], filled_quantity=D(160), updated_at=2500)
    day.now = 3000
    day.begin("2024-03-11")
    for date, executed, fees in ((TODAY, "100", "0.35"), ("2024-03-11", "60", "0.20")):
        (reviewed,) = day.service.day("main", date).orders
        assert reviewed.order.client_order_id == "a"
        assert [each.quantity for each in reviewed.fills] == [D(executed)]
        assert reviewed.fees == D(fees)


def test_a_session_not_kept_is_named() -> None:
    with pytest.raises(NotFoundError, match=TODAY):
        Day().service.day("main", "1999-01-04")


def test_the_page_holds_every_order_and_can_not_be_broken_by_text() -> None:
    page = to_markdown(full_day().service.day(), lambda ts: f"t{ts}")
    lines = page.splitlines()
    assert lines[0] == "# 2024-03-08, account main"
    table = [line for line in lines if line.startswith(("| t1", "| t3"))]
    assert len(table) == 3
    assert {line.count("|") for line in table} == {13}
    assert "| t10 | BUY 100 AAPL.XNAS 100.00 | FILLED | 100 | 100.0300 | 100.0000 | 1.00 | 2.00 | 0.35 |" in page
    assert "- t200 AAPL.XNAS `MAX_NOTIONAL` 1,000,000 is over / the 'limit'. Next" in lines


def test_times_are_read_on_the_exchanges_clock() -> None:
    day = full_day()
    day.orders = [order("a", terms("1"), status=OrderStatus.CANCELED, created_at=1)]
    assert "| 19:00:00.000 | BUY 1 AAPL.XNAS" in to_markdown(day.service.day())


def test_an_empty_day_says_so() -> None:
    page = to_markdown(Day().service.day())
    assert "No order was sent." in page
    assert "Nothing was refused." in page
