"""The chart of an order shows the time of its fills, however long it worked and however narrow the pane is."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import DayOrder
from stockpulse_engine.render.span import line_width
from stockpulse_tui.day_lines import detail_lines
from stockpulse_tui.day_window import in_room, window_of
from stockpulse_tui.life_lines import HOPS
from tests.fakes.fake_book import nvda_fills

T0 = 1_795_188_720_000_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def day_order(*fill_seconds: int) -> DayOrder:
    """An order sent at T0, filled so many seconds later."""
    terms = OrderTerms(
        account_id="main",
        instrument_id="NVDA.XNAS",
        side=Side.SELL,
        quantity=Decimal(80),
        order_type=OrderType.MARKET,
    )
    order = Order(client_order_id="C1", terms=terms, status=OrderStatus.FILLED, created_at=T0, updated_at=T0)
    return DayOrder(
        order=order,
        fills=tuple(at(nvda_fills()[0], T0 + seconds * SECOND) for seconds in fill_seconds),
        arrival_mid=None,
        spread_cost=None,
        slippage=None,
        fees=Decimal(0),
        best_excursion=None,
        worst_excursion=None,
        hops={},
    )


def at(fill: Fill, ts_event: int) -> Fill:
    """The fill at another time."""
    from msgspec.structs import replace

    return replace(fill, ts_event=ts_event)


def bars_of(spec_ns: int, end_ns: int, count: int, day: DayOrder) -> list[Bar]:
    """Bars without a gap up to an end."""
    window = window_of(day, count)
    last = end_ns - end_ns % spec_ns
    one = Decimal(1)
    return [
        Bar("NVDA.XNAS", window.spec, last - i * spec_ns, one, one, one, one, one, last - (i - 1) * spec_ns)
        for i in range(count)
    ][::-1]


@given(st.lists(st.integers(0, 20_000), max_size=5), st.integers(30, 180), st.integers(0, 300))
def test_arrival_and_fills_are_in_view(seconds: list[int], room: int, minutes_since: int) -> None:
    day = day_order(*seconds)
    window = window_of(day, room)
    now = max([T0, *(fill.ts_event for fill in day.fills)]) + minutes_since * MINUTE + window.spec.duration_ns
    bars = bars_of(window.spec.duration_ns, min(window.end_ns, now), window.count, day)
    shown = in_room(bars, window, room - 4)
    assert len(shown) <= room - 4
    for moment in (T0, *(fill.ts_event for fill in day.fills)):
        assert shown[0].ts_event <= moment < shown[-1].ts_event + window.spec.duration_ns


def test_a_short_one_is_shown_by_the_minute_and_a_long_one_by_the_hour() -> None:
    assert str(window_of(day_order(5), 60).spec) == "1m"
    assert str(window_of(day_order(4 * 3_600), 60).spec) == "15m"
    assert str(window_of(day_order(40 * 3_600), 60).spec) == "1h"


def test_where_not_all_of_it_fits_the_end_is_shown() -> None:
    day = day_order(50 * MINUTE // SECOND)
    window = window_of(day, 100)
    bars = bars_of(MINUTE, window.end_ns, 100, day)
    shown = in_room(bars, window, 20)
    assert shown[-1].ts_event <= day.fills[0].ts_event < shown[-1].ts_event + MINUTE


@given(st.integers(54, 80), st.integers(0, 10**10))
def test_the_milliseconds_of_an_order_keep_their_unit(width: int, hop: int) -> None:
    """What each hop took stands closer together before anything is cut."""
    from msgspec.structs import replace

    day = replace(day_order(30), hops=dict.fromkeys(HOPS, hop))
    line = next(line for line in detail_lines(day, Decimal("0.01"), width) if any("gate" in span.text for span in line))
    assert line[-1].text == "ms"
    assert line_width(line) <= width or hop >= 10**9
