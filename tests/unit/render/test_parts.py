"""The small drawn things: sparklines, bars, the bracket ruler, tables, the ladder, depth, equity, studies."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockpulse_engine.domain.market import Depth, Level
from stockpulse_engine.domain.views import EquityPoint, StudyOutput, StudyView
from stockpulse_engine.render.bar import before_after_bar, range_bar, signed_bar, thin_bar
from stockpulse_engine.render.bracket import bracket_ruler
from stockpulse_engine.render.depth import render_depth
from stockpulse_engine.render.equity import render_equity
from stockpulse_engine.render.glyphs import ASCII, FULL
from stockpulse_engine.render.ladder import LadderData, LadderOrder, ladder_prices, render_ladder
from stockpulse_engine.render.span import Line, Span, line_width, to_plain
from stockpulse_engine.render.sparkline import sparkline
from stockpulse_engine.render.studies import study_lines
from stockpulse_engine.render.table import Cell, Column, Row, TableView, render_table
from tests.unit.render.charts import walk

D = Decimal
TICK = D("0.25")
BEST = D("5904.00")
BOOK = Depth(
    "ES.XCME",
    tuple(Level(BEST - TICK * i, D(50 + 20 * i)) for i in range(10)),
    tuple(Level(BEST + TICK * (i + 1), D(60 + 10 * i)) for i in range(10)),
    1,
)


def plain(line: Line) -> str:
    return to_plain([line])


def test_sparkline_stays_apart_from_the_row_above() -> None:
    span = sparkline([1, 2, 3, 9, 4, 5, 6, 2], is_up=True)
    assert len(span.text) == 8
    assert max("▁▂▃▄▅▆▇█".index(c) for c in span.text) == 5
    assert span.fg == "wick_up"


def test_sparkline_of_nothing_is_a_point_not_a_blank() -> None:
    assert sparkline([math.nan]).text.strip() == "·"
    assert sparkline([5, 5, 5]).text.strip() != ""


@given(st.lists(st.floats(allow_nan=True), max_size=50), st.integers(1, 20))
def test_sparkline_width_is_exact(values: list[float], width: int) -> None:
    assert len(sparkline(values, width).text) == width


def test_sparkline_of_what_is_beyond_numbers_is_a_point() -> None:
    assert sparkline([1.7e308, -1.7e308], 4).text.strip() == "·"


def test_thin_bar_turns_from_calm_to_warning_to_broken() -> None:
    assert plain(thin_bar(0.525, 10)) == "━━━━━" + "─────"
    assert plain(thin_bar(0.56, 10)) == "━━━━━╸────"
    assert [thin_bar(share, 10)[0].fg for share in (0.5, 0.85, 1.2)] == ["accent", "warn", "danger"]
    assert plain(thin_bar(0.5, 4, glyphs=ASCII)) == "==--"


def test_before_and_after_with_the_limit_marked() -> None:
    line = before_after_bar((0.4, 0.7, 0.9), 10, is_buy=True)
    assert plain(line) == "━━━━━━━──│"
    assert [span.fg for span in line] == ["strong", "buy", "line", "danger"]


def test_signed_bar_grows_from_the_middle() -> None:
    assert plain(signed_bar(0.5, 9)) == "────│━━──"
    assert plain(signed_bar(-1, 9)) == "━━━━│────"
    assert plain(range_bar(10, 20, 20, 5)) == "────│"


def test_ruler_is_in_true_proportion() -> None:
    top, below = bracket_ruler((D("229.79"), D("232.11"), D("236.75")), (D("104.40"), D("208.80")), D("0.01"), 84)
    assert line_width(top) == line_width(below) == 84
    risk = next(s for s in top if s.bg == "down_bg2")
    assert len(risk.text) == pytest.approx(84 / 3, abs=1)
    assert "risk 104.40" in plain(top)
    assert "reward 208.80   2.0 R" in plain(top)
    assert plain(below).startswith("229.79 stop")
    assert plain(below).endswith("take 236.75")
    assert "232.11 entry" in plain(below)


@given(st.integers(20, 120), st.booleans(), st.booleans())
def test_ruler_fits_any_width(width: int, has_stop: bool, has_take: bool) -> None:
    prices = (D(99) if has_stop else None, D(100), D(103) if has_take else None)
    lines = bracket_ruler(prices, (D(10) if has_stop else None, D(30) if has_take else None), D("0.01"), width)
    assert {line_width(line) for line in lines} == {width}


COLUMNS = (
    Column(title="side", width=4, is_right=False),
    Column(title="qty", width=6),
    Column(title="instrument", width=10, is_right=False, grow=True),
    Column(title="price", width=9),
    Column(title="age", width=6, drop=1),
    Column(title="lives at", width=8, drop=2, is_right=False),
)


def row(symbol: str) -> Row:
    return Row(
        cells=(Cell("BUY", "buy"), Cell("45"), Cell(symbol, "strong"), Cell("231.40"), Cell("0:42"), Cell("venue"))
    )


def test_table_aligns_numbers_right_and_headings_with_them() -> None:
    lines = render_table(TableView(columns=COLUMNS, rows=[row("AAPL"), row("MSFT")], selected=1), 70, 5)
    heading, first, second = (plain(line) for line in lines[:3])
    assert heading.index("price") + 5 == first.index("231.40") + 6
    assert second.startswith("▌")
    assert {span.bg for span in lines[2]} == {"select"}


def test_columns_drop_in_their_order_and_the_rest_stays() -> None:
    def titles(width: int) -> str:
        return plain(render_table(TableView(columns=COLUMNS, rows=[]), width, 1)[0])

    assert "age" in titles(70)
    assert "age" not in titles(52)
    assert "lives at" in titles(52)
    assert "lives at" not in titles(40)
    assert "price" in titles(40)


def test_selection_stays_in_view_and_totals_at_the_bottom() -> None:
    rows = [row(f"S{i}") for i in range(30)]
    total = Row(cells=(Cell(""), Cell("1,350"), Cell("total"), Cell(""), Cell(""), Cell("")), bg="raised")
    lines = render_table(TableView(columns=COLUMNS, rows=rows, selected=25, totals=total), 70, 8)
    assert len(lines) == 8
    assert any("S25" in plain(line) for line in lines)
    assert "1,350" in plain(lines[-1])


def test_empty_table_says_why() -> None:
    view = TableView(columns=COLUMNS, rows=[], empty=("No working orders.", "Matches the venue 2 s ago."))
    text = to_plain(render_table(view, 70, 8))
    assert "No working orders." in text
    assert "Matches" in text


def ladder(**changes: object) -> LadderData:
    fields: dict[str, object] = {
        "tick": TICK,
        "center": BEST,
        "depth": BOOK,
        "orders": (
            LadderOrder(is_buy=True, price=BEST - 3 * TICK, quantity=D(2), text="q84"),
            LadderOrder(is_buy=False, price=BEST + 8 * TICK, quantity=D(2), text="take"),
        ),
        "cursor": BEST - 6 * TICK,
        "last": BEST + TICK,
        "position": D(2),
        "average_cost": D("5902.50"),
        "multiplier": D(50),
        "traded": {BEST + TICK * i: D(1000 + 10 * i) for i in range(-20, 20)},
    }
    fields.update(changes)
    return LadderData(**fields)  # type: ignore[arg-type]  # fields are collected by name


def ladder_row(price: str, lines: list[Line]) -> Line:
    return next(line for line in lines if price in plain(line))


def test_ladder_shows_queue_profit_sizes_and_cursor() -> None:
    lines = render_ladder(ladder(), 80, 24)
    assert "2 q84" in plain(ladder_row("5,903.25", lines))
    assert "2 take" in plain(ladder_row("5,906.00", lines))
    assert "+150" in plain(ladder_row("5,904.00", lines))
    cursor = ladder_row("5,902.50", lines)
    assert plain(cursor).startswith("▌avg")
    assert any(span.bg == "select" for span in cursor)
    best = ladder_row("5,904.00", lines)
    assert any(span.fg == "buy" and span.bold and "50" in span.text for span in best)
    assert any(span.bg == "bid_bg" for span in best)


def test_ladder_groups_ticks_and_adds_their_sizes() -> None:
    lines = render_ladder(ladder(group=4, traded={}), 70, 12)
    assert ladder_prices(ladder(group=4), 3) == [D(5905), D(5904), D(5903)]
    assert str(70 + 90 + 110 + 130) in plain(ladder_row("5,903.00", lines))


def test_ladder_drops_traded_then_profit_and_greys_a_frozen_book() -> None:
    assert "traded" not in plain(render_ladder(ladder(), 66, 5)[0])
    assert "P&L" not in plain(render_ladder(ladder(), 58, 5)[0])
    frozen = render_ladder(ladder(is_frozen=True), 80, 24)
    assert not [s for line in frozen for s in line if s.fg == "buy" and s.text.strip().isdigit()]


@given(st.integers(20, 120), st.integers(1, 50))
def test_ladder_size_is_exact(width: int, height: int) -> None:
    lines = render_ladder(ladder(), width, height)
    assert len(lines) == height
    assert {line_width(line) for line in lines} == {width}


def test_depth_has_bids_left_and_asks_right() -> None:
    lines = render_depth(BOOK, TICK, 60, 12)
    assert len(lines) == 12
    assert "50 5,904.00  5,904.25 60" in plain(lines[0])


def curve(count: int) -> list[EquityPoint]:
    values = [D(100_000) + D(round(2000 * math.sin(i / 9))) + 20 * i for i in range(count)]
    peak, points = D(0), []
    for i, value in enumerate(values):
        peak = max(peak, value)
        points.append(EquityPoint(i, value, value / peak - 1))
    return points


def test_equity_shows_the_last_value_and_the_deepest_fall() -> None:
    lines = render_equity(curve(300), 80, 15)
    text = to_plain(lines)
    assert f"{curve(300)[-1].equity:,.2f}" in text
    assert "−" in text
    assert any(span.bg == "up_bg" for line in lines for span in line)
    assert any(span.bg == "down_bg2" for line in lines for span in line)


@pytest.mark.parametrize("count", [0, 1, 5, 500])
@pytest.mark.parametrize("size", [(80, 15), (20, 3), (13, 1)])
def test_equity_size_is_exact(count: int, size: tuple[int, int]) -> None:
    for glyphs in (FULL, ASCII):
        lines = render_equity(curve(count), *size, glyphs)
        assert len(lines) == size[1]
        assert {line_width(line) for line in lines} == {size[0]}


def test_study_values_stand_under_their_bars() -> None:
    bars = walk(6)
    view = StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        study="macd 12 26 9",
        label="macd",
        is_overlay=False,
        times=tuple(bar.ts_event for bar in bars[2:5]),
        outputs=(StudyOutput(name="macd", values=(None, 1.5, 2.5)), StudyOutput(name="signal", values=(0.0, 0.5, 1.0))),
    )
    first, second = study_lines(view, bars, 3)
    assert [v for v in first.values if not math.isnan(v)] == [1.5, 2.5]
    assert math.isnan(first.values[5])
    assert second.values[2] == 0.0
    assert (first.series, second.series) == (3, 4)
    assert first.pane == second.pane == "macd 12 26 9"


def test_what_is_told_and_not_drawn_has_no_line_and_a_cloud_lies_between_two() -> None:
    bars = walk(3)
    view = StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        study="ichimoku 9",
        label="ichimoku9",
        is_overlay=True,
        times=tuple(bar.ts_event for bar in bars),
        outputs=tuple(StudyOutput(name=name, values=(1.0, 2.0, None)) for name in ("a", "b", "trend")),
        hidden=("trend",),
        cloud=("a", "b"),
        tones=(0, 3, 0),
    )
    first, second = study_lines(view, bars, 2)
    assert (first.name, second.name) == ("ichimoku9 a", "b")
    assert (first.series, second.series) == (2, 1)
    assert list(first.fill_to)[:2] == [1.0, 2.0]
    assert not second.fill_to


def test_what_is_known_of_bars_to_come_stands_ahead_of_the_newest_bar_of_the_chart() -> None:
    bars = walk(5)
    outputs = tuple(StudyOutput(name=name, values=(1.0, 2.0, 3.0), ahead=(4.0, None, 6.0)) for name in ("a", "b"))
    view = StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        study="ichimoku 9",
        label="ichimoku9",
        is_overlay=True,
        times=tuple(bar.ts_event for bar in bars[:3]),
        outputs=outputs,
        cloud=("a", "b"),
    )
    first, second = study_lines(view, bars[:3], 1)
    assert first.ahead[0] == first.fill_ahead[0] == second.ahead[0] == 4.0
    assert math.isnan(first.ahead[1])
    assert not second.fill_ahead
    later, _ = study_lines(view, bars, 1)
    assert list(later.ahead) == [6.0], "two bars began since the study was reckoned"


def test_an_output_without_any_value_is_not_named_unless_none_has_one() -> None:
    bars = walk(2)
    view = StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        study="pivots session",
        label="pivots session",
        is_overlay=True,
        times=tuple(bar.ts_event for bar in bars),
        outputs=(StudyOutput(name="pp", values=(1.0, 2.0)), StudyOutput(name="s4", values=(None, None))),
    )
    assert [line.name for line in study_lines(view, bars, 1)] == ["pivots session"]
    early = replace(view, outputs=tuple(StudyOutput(name=name, values=(None, None)) for name in ("pp", "s4")))
    assert [line.name for line in study_lines(early, bars, 1)] == ["pivots session pp", "s4"]


def test_a_line_that_changes_sides_is_two_lines_that_break_off() -> None:
    bars = walk(4)
    view = StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        study="supertrend 10",
        label="supertrend10",
        is_overlay=True,
        times=tuple(bar.ts_event for bar in bars),
        outputs=(
            StudyOutput(name="supertrend", values=(None, 1.0, 9.0, 8.0)),
            StudyOutput(name="trend", values=(None, 1.0, -1.0, -1.0)),
        ),
        hidden=("trend",),
        split="trend",
    )
    long, short = study_lines(view, bars, 4)
    assert [value for value in long.values if not math.isnan(value)] == [1.0]
    assert [value for value in short.values if not math.isnan(value)] == [9.0, 8.0]
    assert (long.name, short.name, long.series, short.series) == ("supertrend10 long", "short", 4, 1)


def test_spans_carry_tokens_only() -> None:
    for line in render_ladder(ladder(), 80, 24):
        for span in line:
            assert isinstance(span, Span)
            assert not span.fg.startswith("#")
