"""Differences as columns from zero, and hours outside the regular ones as a band with a word."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockpulse_engine.domain.market import Hours
from stockpulse_engine.domain.views import StudyOutput, StudyView
from stockpulse_engine.render.chart import ChartData, StudyLine, render_chart
from stockpulse_engine.render.glyphs import ASCII, FULL
from stockpulse_engine.render.scale import zero_scale
from stockpulse_engine.render.span import Line, to_plain
from stockpulse_engine.render.studies import study_lines
from tests.unit.render.charts import chart, walk

ROWS = 5


def macd_chart(columns: list[float], **changes: object) -> ChartData:
    """A chart whose only study is columns, under the newest bars."""
    line = StudyLine(name="macdhist", values=columns, pane="macd 12", is_columns=True, levels=(0,))
    return chart(len(columns), studies=(line,), orders=(), fills=(), **changes)


def pane_of(lines: list[Line], rows: int = ROWS) -> list[Line]:
    """The rows of the study pane, which stands right above the time axis."""
    return lines[-1 - rows : -1]


def column_of(pane: list[Line], x: int) -> list[tuple[str, str, str]]:
    """What one column of the screen shows, from the top: letter, foreground, background."""
    found = []
    for line in pane:
        cells = [(letter, span.fg, span.bg) for span in line for letter in span.text]
        found.append(cells[x])
    return found


def filled(cells: list[tuple[str, str, str]], token: str) -> list[tuple[int, int]]:
    """Of each row the eighths from the top that a token fills: first and one past the last."""
    spans = []
    for letter, fg, bg in cells:
        size = " ▁▂▃▄▅▆▇█".find(letter)
        if bg == token:
            spans.append((0, 8 - size))
        elif fg == token and size > 0:
            spans.append((8 - size, 8))
        else:
            spans.append((0, 0))
    return spans


def test_gains_stand_on_zero_and_losses_hang_from_it() -> None:
    values = [0.0] * 40 + [2.0, -2.0]
    pane = pane_of(render_chart(macd_chart(values), 120, 36))
    last = max(x for x in range(120) if any("vol_down" in cell for cell in column_of(pane, x)))
    up, down = filled(column_of(pane, last - 2), "vol_up"), filled(column_of(pane, last), "vol_down")
    last_up = max(y for y, (top, bottom) in enumerate(up) if bottom > top)
    first_down = min(y for y, (top, bottom) in enumerate(down) if bottom > top)
    assert first_down == last_up + 1, "zero is the edge between two rows"
    assert up[last_up][1] == 8
    assert down[first_down][0] == 0
    assert sum(b - a for a, b in up) == sum(b - a for a, b in down), "as far up as down"


def test_a_column_is_exact_to_an_eighth() -> None:
    values = [4.0] * 30 + [4 * i / 16 for i in range(1, 17)]
    pane = pane_of(render_chart(macd_chart(values, zoom=1), 120, 36))
    heights = []
    for x in range(120):
        size = sum(b - a for a, b in filled(column_of(pane, x), "vol_up"))
        if size:
            heights.append(size)
    assert heights[-16:] == sorted(heights[-16:])
    assert len(set(heights[-16:])) == 16
    assert heights[0] == max(heights)


def test_lines_of_the_same_pane_pass_over_the_columns() -> None:
    bars = 60
    columns = StudyLine(name="hist", values=[1.0] * bars, pane="macd 12", is_columns=True)
    line = StudyLine(name="macd", values=[0.5] * bars, pane="macd 12", series=4)
    lines = render_chart(chart(bars, studies=(line, columns), orders=(), fills=()), 118, 36)
    crossed = [span for row in pane_of(lines) for span in row if span.fg == "series4" and span.bg == "vol_up"]
    assert crossed


def test_the_read_out_names_columns_quietly_and_the_axis_leaves_them_to_it() -> None:
    bars = 60
    columns = StudyLine(name="macdhist", values=[0.123] * bars, pane="macd 12", is_columns=True, decimals=3)
    line = StudyLine(name="macd12", values=[0.5] * bars, pane="macd 12", series=4, decimals=3)
    lines = render_chart(chart(bars, studies=(line, columns), orders=(), fills=()), 118, 36)
    assert "macdhist 0.123" in to_plain(lines[1:2])
    assert "0.500" in to_plain(pane_of(lines))
    assert "0.123" not in to_plain(pane_of(lines))
    alone = render_chart(macd_chart([0.123] * bars), 118, 36)
    assert "0.1" in to_plain(pane_of(alone)), "alone in its pane they are told there"


def test_in_ascii_up_and_down_differ_by_their_place() -> None:
    text = to_plain(pane_of(render_chart(macd_chart([0.0] * 40 + [2.0, 2.0, -2.0, -2.0]), 118, 36, ASCII)))
    assert all(ord(letter) < 128 for letter in text)
    rows = text.split("\n")
    assert any("|" in row for row in rows)
    last = [row[:108].rstrip() for row in rows]
    assert {row[-1] for row in last if row} >= {"|"}


@pytest.mark.parametrize("glyphs", [FULL, ASCII], ids=["full", "ascii"])
def test_nothing_known_draws_nothing(glyphs: object) -> None:
    lines = render_chart(macd_chart([math.nan] * 50), 118, 36, glyphs)  # type: ignore[arg-type] # a glyph set
    assert not [span for row in lines for span in row if span.fg.startswith("vol_") and row in pane_of(lines)]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(2, 12))
def test_zero_is_an_edge_and_everything_is_in_view(first: float, second: float, rows: int) -> None:
    low, high = min(first, second), max(first, second)
    scale = zero_scale(low, high, rows)
    edge = scale.place(0.0)
    assert abs(edge - round(edge)) < 1e-6
    for value in (low, high, 0.0):
        assert -1e-6 <= scale.place(value) <= rows + 1e-6


def view_of(values: tuple[float, ...], **fields: object) -> StudyView:
    """A study as the engine tells it."""
    bars = walk(len(values))
    known: dict[str, object] = {"label": "macd12", "study": "macd 12", "is_overlay": False} | fields
    return StudyView(
        instrument_id="AAPL.XNAS",
        spec="5m",
        times=tuple(bar.ts_event for bar in bars),
        outputs=(StudyOutput(name="macd", values=values), StudyOutput(name="macdhist", values=values)),
        **known,  # type: ignore[arg-type] # fields are collected by name
    )


def test_the_engine_says_which_outputs_are_columns() -> None:
    lines = study_lines(view_of((1.0, 2.0), columns=("macdhist",)), walk(2), 4)
    assert [line.is_columns for line in lines] == [False, True]


def test_small_differences_are_told_with_more_decimals() -> None:
    places = [study_lines(view_of((size, -size)), walk(2), 4)[0].decimals for size in (70.0, 3.5, 0.4, 0.03, 0.0)]
    assert places == [1, 2, 3, 4, 1]
    assert study_lines(view_of((70.0,), is_overlay=True), walk(1), 1)[0].decimals is None, "a price has its own"


# -- hours


def with_hours(count: int = 120) -> ChartData:
    """A day whose first twelve bars come before the open and whose last twelve after the close."""

    def hours(i: int) -> Hours:
        return "pre" if i % 78 < 12 else "post" if i % 78 >= 66 else ""

    bars = tuple(replace(bar, hours=hours(i)) for i, bar in enumerate(walk(count)))
    return chart(count, bars=bars, orders=(), fills=())


def test_hours_outside_the_regular_ones_lie_on_a_band() -> None:
    data = with_hours()
    lines = render_chart(data, 118, 36)
    cells = [[(letter, span.bg) for span in line for letter in span.text] for line in lines[2:-1]]
    bands = {x for x in range(118) if any(row[x][1] == "band" for row in cells)}
    assert bands
    for x in bands:
        assert not any(row[x][1] == "panel" for row in cells), "through all panes, from the top to the axis"
    rest = set(range(1, 100)) - bands
    assert any(all(row[x][1] != "band" for row in cells) for x in rest)


def test_the_band_says_its_name_on_the_axis_and_in_the_read_out() -> None:
    data = with_hours(100)
    text = to_plain(render_chart(data, 118, 36)).split("\n")
    assert " post" in text[-1]
    assert " pre" in text[-1]
    assert " open" in text[-1]
    pointed = to_plain(render_chart(replace(data, cursor=80, is_focused=True), 118, 36)).split("\n")
    assert pointed[1].split("O ")[0].endswith("pre  "), "it is told of the bar one points at"


def test_without_hours_there_is_no_band() -> None:
    lines = render_chart(chart(120), 118, 36)
    assert not [span for line in lines for span in line if span.bg == "band"]
    assert "pre" not in to_plain(lines[-1:])


def test_a_candle_on_the_band_has_no_hole() -> None:
    """Glyphs that cut the ground out of a filled cell cut the band's."""
    data = replace(with_hours(), studies=(StudyLine(name="d", values=[-1.5] * 120, pane="d", is_columns=True),))
    lines = render_chart(data, 118, 36)
    assert not [s for line in lines for s in line if s.fg == "panel" and s.bg == "band"]
    assert {s.fg for line in pane_of(lines) for s in line if s.bg == "vol_down"} & {"band", "panel"}
    assert isinstance(data.tick, Decimal)
