"""A whole chart panel: what is on it, what is dropped when it is small, and that its size is always exact."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.render.chart import (
    ChartData,
    ChartOrder,
    StudyLine,
    TradeLine,
    columns_ahead,
    render_chart,
    visible_range,
)
from stockpulse_engine.render.chartview import chart_view
from stockpulse_engine.render.glyphs import ASCII, BLOCKS, FULL, GLYPHS, Glyphs
from stockpulse_engine.render.scale import Scale, fit_scale, round_step
from stockpulse_engine.render.span import Line, Span, line_width, to_plain
from stockpulse_engine.render.tags import REACH, Tag, place_tags
from tests.unit.render.charts import chart, walk

D = Decimal


def spans_with(lines: list[Line], **wanted: object) -> list[Span]:
    return [s for line in lines for s in line if all(getattr(s, key) == value for key, value in wanted.items())]


def test_desk_panel_carries_everything() -> None:
    data = chart()
    lines = render_chart(data, 70, 22)
    text = to_plain(lines)
    for part in (
        "AAPL",
        "Apple Inc",
        "+1.02",
        "+0.44%",
        "buy 45 LMT",
        "stop 60",
        "▲60",
        "▼20",
        "vol",
        "rsi 14",
        "sma20",
    ):
        assert part in text, part
    (last,) = [s for s in spans_with(lines, bg="up", bold=True) if s.fg == "ink"]
    assert data.last is not None
    assert D(last.text) == data.last
    assert any("229.00" in s.text for s in spans_with(lines, bg="bid_bg", bold=True))


def test_studies_pass_behind_candles() -> None:
    lines = render_chart(chart(), 70, 22)
    assert spans_with(lines, fg="series1", bg="panel")
    assert not [s for s in spans_with(lines, fg="series1") if s.bg != "panel"]


def test_cross_hair_reads_out_its_bar() -> None:
    data = chart(cursor=150, is_focused=True)
    lines = render_chart(data, 118, 36)
    bar = data.bars[150]
    readout = to_plain([lines[1]])
    assert f"C {bar.close}" in readout
    assert "rsi14" in readout
    assert "Fri 20" in readout
    assert spans_with(lines, fg="ink", bg="muted", bold=True)
    column = to_plain(lines[2:-1]).count("│")
    assert column > 10


def test_new_day_is_named_on_the_axis() -> None:
    assert "Fri 20" in to_plain(render_chart(chart(cursor=None, offset=60), 70, 22)[-1:])
    assert "2027" in to_plain(render_chart(chart(spec_text="1d"), 70, 22)[-1:])


def test_line_being_traded_shows_side_and_distance() -> None:
    data = chart()
    assert data.last is not None
    trade = TradeLine(is_buy=True, price=data.last - D("0.50"), label="45 LMT", note="risk 104.40", stop=data.last - 1)
    lines = render_chart(chart(trade=trade), 118, 36)
    chips = spans_with(lines, fg="ink", bg="buy", bold=True)
    assert any("BUY 45 LMT  −50 t  −0." in s.text for s in chips)
    assert "risk 104.40" in to_plain(lines)
    assert "stop 45" in to_plain(lines)
    assert "━" in to_plain(lines)


def test_picked_order_is_filled_and_tells_its_distance() -> None:
    order = ChartOrder(is_buy=True, price=D("229.00"), label="buy 45 LMT", is_picked=True)
    text = to_plain(render_chart(chart(orders=(order,)), 118, 36))
    assert " t  " in text


def test_far_order_does_not_squash_the_bars() -> None:
    far = ChartOrder(is_buy=True, price=D("100.00"), label="buy 1 LMT")
    assert render_chart(chart(orders=(far,)), 70, 22)[6] == render_chart(chart(orders=()), 70, 22)[6]


def test_stale_price_is_faint_with_its_age() -> None:
    lines = render_chart(chart(stale_for="47 s"), 70, 22)
    assert spans_with(lines, fg="warn")[0].text.strip() == "47 s old"
    assert not spans_with(lines, fg="ink", bg="up")


def test_small_panels_drop_studies_then_volume_then_the_axis() -> None:
    def parts(height: int) -> tuple[bool, bool]:
        text = to_plain(render_chart(chart(), 70, height))
        return "rsi 14" in text, "vol" in text

    assert parts(22) == (True, True)
    assert parts(15) == (False, True)
    assert parts(10) == (False, False)


def test_zooms_and_pans() -> None:
    assert visible_range(chart(zoom=1), 70) == (100, 160)
    assert visible_range(chart(zoom=2), 70) == (130, 160)
    assert visible_range(chart(zoom=4), 70) == (145, 160)
    assert visible_range(chart(zoom=1, offset=30), 70) == (70, 130)
    assert visible_range(chart(zoom=1, cursor=20), 70) == (20, 80)
    assert chart_view(chart(), 110, 120).step == 2


def test_empty_chart_says_why() -> None:
    text = to_plain(render_chart(chart(0, bars=(), studies=(), last=None, empty_text="No bars for XYZ yet."), 60, 10))
    assert "No bars for XYZ yet." in text


@pytest.mark.parametrize("size", [(70, 22), (118, 36), (40, 10)])
def test_ascii_holds_no_byte_above_127(size: tuple[int, int]) -> None:
    assert to_plain(render_chart(chart(cursor=150), *size, ASCII)).isascii()


def test_blocks_set_has_no_braille() -> None:
    assert not any(0x2800 <= ord(c) <= 0x28FF for c in to_plain(render_chart(chart(), 70, 22, BLOCKS)))
    assert any(0x2800 <= ord(c) <= 0x28FF for c in to_plain(render_chart(chart(), 70, 22, FULL)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 140),
    st.integers(1, 45),
    st.sampled_from([1, 2, 5, 40, 160]),
    st.sampled_from(sorted(GLYPHS)),
    st.sampled_from([0, 1, 2, 4]),
    st.one_of(st.none(), st.integers(0, 159)),
)
def test_size_is_always_exact(width: int, height: int, count: int, glyphs: str, zoom: int, cursor: int | None) -> None:
    at = None if cursor is None else min(cursor, count - 1)
    data: ChartData = chart(count, zoom=zoom, cursor=at, is_log=zoom == 1)
    lines = render_chart(data, width, height, GLYPHS[glyphs])
    assert len(lines) == height
    assert {line_width(line) for line in lines} == {width}


@given(st.floats(1, 1e5), st.floats(0, 1e3), st.integers(4, 60), st.booleans())
def test_scale_places_every_price_in_view_and_in_order(low: float, span: float, rows: int, is_log: bool) -> None:
    scale = fit_scale(low, low + span, (), rows, is_log=is_log)
    top, bottom = scale.place(low + span), scale.place(low)
    assert 0 <= top <= bottom <= rows
    assert all(scale.contains(mark) for mark in scale.marks(spacing=3, smallest=0.01))


def test_axis_steps_are_round_and_on_the_tick() -> None:
    assert round_step(0.3, 0.01) == pytest.approx(0.5)
    assert round_step(0.3, 0.25) == pytest.approx(0.5)
    assert round_step(0.02, 0.25) == pytest.approx(0.25)
    assert Scale(0, 10, 10).marks(spacing=3, smallest=0.01) == [10, 5, 0]


def test_same_data_draws_the_same_chart() -> None:
    assert render_chart(chart(), 70, 22) == render_chart(chart(), 70, 22)


def test_prices_on_the_axis_stand_in_their_order_however_near_they_are() -> None:
    last = chart().bars[-1].close
    near = tuple(
        ChartOrder(is_buy=True, price=last + D(cents) / 100, label=f"buy {cents} LMT") for cents in (-5, 2, -1, 7, 4)
    )
    lines = to_plain(render_chart(chart(orders=near, studies=(), fills=()), 120, 40)).splitlines()
    found = (re.search(r"(\d{3}\.\d\d)\s*$", line) for line in lines[2:])
    tags = [D(match.group(1)) for match in found if match]
    assert tags == sorted(tags, reverse=True)
    assert last in tags


def test_many_orders_at_one_price_are_counted_and_no_chip_touches_another() -> None:
    price = chart().bars[-1].close - D("0.40")
    many = tuple(ChartOrder(is_buy=True, price=price, label=f"staged buy {n} LMT") for n in range(10, 40))
    lines = render_chart(chart(orders=many, studies=(), fills=()), 120, 40)
    chips = [
        [span.text.strip() for span in line if span.bg == "bid_bg"]
        for line in lines
        if any("staged" in span.text for span in line)
    ]
    (row,) = chips
    labels = [text for text in row if text.startswith("staged")]
    counts = [text for text in row if text.startswith("+")]
    assert all(text.count("staged") == 1 for text in labels), "each chip is a span of its own"
    assert counts == [f"+{30 - len(labels)}"]


def test_a_long_name_keeps_its_distance_from_the_bar_lengths() -> None:
    specs = ("1m", "5m", "15m", "1h", "1d", "1w")
    name = "Vanguard International Semiconductor Fund"
    for width in range(30, 140):
        title = to_plain(render_chart(chart(name=name, venue="XNAS", specs=specs), width, 20)).splitlines()[0]
        before, _, _ = title.partition(" 5m " if " 5m " in title else "5m")
        assert before.endswith("  ") or " 1m" in before, title
        assert "  1m" in title or "1m" not in title, title
        assert len(title) == width


@given(
    st.lists(st.floats(0, 20), min_size=1, max_size=12, unique=True),
    st.integers(1, 20),
)
def test_tags_keep_their_order_and_their_rows(prices: list[float], height: int) -> None:
    wanted = [Tag(price, min(height - 1, int((20 - price) / 20 * height))) for price in prices]
    rows = place_tags(wanted, height)
    placed = sorted(rows, key=lambda index: -wanted[index].price)
    assert [rows[index] for index in placed] == sorted({rows[index] for index in placed})
    assert rows[0] == wanted[0].row, "the first one stands exactly"
    assert all(abs(row - wanted[index].row) <= REACH and 0 <= row < height for index, row in rows.items())


def test_a_cloud_shades_the_cells_between_its_lines_and_leaves_the_candles() -> None:
    bars = walk(60)
    rising = [float(bar.close) + 1.5 for bar in bars]
    falling = [value - 0.8 for value in rising]
    for first, second, tint in ((rising, falling, "bid_bg"), (falling, rising, "ask_bg")):
        cloud = StudyLine(name="ichimoku", values=first, fill_to=second)
        spans = [span for line in render_chart(chart(60, studies=(cloud,), orders=()), 80, 30) for span in line]
        assert any(span.bg == tint for span in spans)
        assert not any(set(span.text) & set("█▀▄│") for span in spans if span.bg == tint), "no candle lies in it"
    nothing = StudyLine(name="ichimoku", values=[math.nan] * 60, fill_to=falling)
    spans = [span for line in render_chart(chart(60, studies=(nothing,), orders=()), 80, 30) for span in line]
    assert not any(span.bg in {"bid_bg", "ask_bg"} for span in spans)


def a_cloud(count: int, ahead: int) -> StudyLine:
    """A cloud above the bars that goes on over the bars to come."""
    top = [float(bar.close) + 1.5 for bar in walk(count + ahead)]
    low = [value - 0.8 for value in top]
    return StudyLine(
        name="ichimoku", values=top[:count], fill_to=low[:count], ahead=top[count:], fill_ahead=low[count:]
    )


@pytest.mark.parametrize("glyphs", [FULL, ASCII], ids=["full", "ascii"])
def test_a_cloud_goes_on_ahead_of_the_last_bar(glyphs: Glyphs) -> None:
    data = chart(60, studies=(a_cloud(60, 26),), orders=(), fills=())
    view = chart_view(data, 100, 110)
    assert view.ahead == 12, "a quarter of the columns at most"
    assert view.column(59) == 99 - 12 * view.step - (view.step - 1), "the newest bar stands left of them"
    lines = render_chart(data, 110, 30, glyphs)
    right_of_it = [cells(line)[-9 - 12 * view.step : -9] for line in lines]
    assert any(bg == "bid_bg" for row in right_of_it for _, bg in row)
    shaded = {char for row in right_of_it for char, bg in row if bg == "bid_bg"}
    assert (":" in shaded) == (glyphs is ASCII), "letters alone show it without a background as well"


def test_scrolled_back_nothing_is_left_free_for_bars_to_come() -> None:
    cloud = a_cloud(160, 26)
    newest, back = chart(160, studies=(cloud,)), chart(160, studies=(cloud,), offset=3)
    assert chart_view(newest, 60, 70).ahead == 15
    assert chart_view(back, 60, 70).ahead == 0
    assert visible_range(back, 70)[1] == 157
    assert columns_ahead(newest, 70) == 15 * chart_view(newest, 60, 70).step
    pointed = chart(160, studies=(cloud,), cursor=20)
    assert chart_view(pointed, 60, 70).contains(20)
    assert chart_view(pointed, 60, 70).ahead == 0


def cells(line: Line) -> list[tuple[str, str]]:
    """Each cell's sign and background."""
    return [(char, span.bg) for span in line for char in span.text]
