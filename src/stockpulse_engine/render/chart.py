"""A whole chart panel for any size: title, read-out, price, volume, studies, time axis.

What does not fit is dropped in this order: study panes, volume, the time axis, the read-out. The result is
always exactly `height` lines of `width` cells.
"""

from __future__ import annotations

import math
from decimal import Decimal

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.render.canvas import Canvas
from stockpulse_engine.render.chartdata import ChartData, ChartFill, ChartOrder, StudyLine, TradeLine
from stockpulse_engine.render.chartview import ChartView, chart_view
from stockpulse_engine.render.format import (
    MINUS,
    format_clock,
    format_date,
    format_day,
    format_minute,
    format_number,
    format_percent,
    format_price,
    format_size,
    price_change,
)
from stockpulse_engine.render.glyphs import FULL, Glyphs, ascii_only
from stockpulse_engine.render.pricepane import axis_width, draw_price_pane
from stockpulse_engine.render.span import Line, Span, fit, line_width, spread, with_text
from stockpulse_engine.render.subpanes import draw_study_pane, draw_volume
from stockpulse_engine.render.timeaxis import draw_time_axis

__all__ = ["ChartData", "ChartFill", "ChartOrder", "StudyLine", "TradeLine", "render_chart", "visible_range"]

_TALL = 26
_LOW_PRICE = 8
"""Rows the price pane keeps before anything is drawn under it."""
_MAX_STUDY_PANES = 4
_TITLE_GAP = 3
"""Least cells between the parts of the title."""
_SHORTEST_NAME = 6


def render_chart(
    data: ChartData, width: int, height: int, glyphs: Glyphs = FULL, *, has_title: bool = True
) -> list[Line]:
    """The chart as `height` lines of `width` cells."""
    head = [_title(data, width, glyphs)] if has_title else []
    if not data.bars:
        lines = head + _empty(data, width, height - len(head))
    else:
        lines = head + _body(data, width, height - len(head), glyphs)
    lines = [fit(line, width) for line in lines[:height]]
    lines += [(Span(" " * width),)] * (height - len(lines))
    return lines if glyphs.has_blocks else [_in_ascii(line) for line in lines]


def visible_range(data: ChartData, width: int) -> tuple[int, int]:
    """First and one past the last index of the bars a chart of that width shows."""
    view = chart_view(data, _plot_width(data, width), width)
    return view.start, view.start + len(view.bars)


def columns_ahead(data: ChartData, width: int) -> int:
    """Columns left for bars to come between the newest bar and the price axis."""
    view = chart_view(data, _plot_width(data, width), width)
    return view.ahead * view.step


def _body(data: ChartData, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    view = chart_view(data, _plot_width(data, width), width)
    panes = _study_panes(data)
    has_readout = height > 3
    has_axis = height >= 6
    rows = height - has_readout - has_axis
    under = 5 if rows >= _TALL else 3
    has_volume = rows - under >= _LOW_PRICE
    count = 0
    while count < len(panes) and rows - under * (count + 2) >= max(_LOW_PRICE, rows * 2 // 5):
        count += 1
    price_rows = rows - under * (count + has_volume)
    inner = width - 1
    lines: list[Line] = [_readout(data, view, width)] if has_readout else []
    drawn = [draw_price_pane(data, view, max(1, price_rows), inner, glyphs)]
    if has_volume:
        drawn.append(draw_volume(data, view, under, inner, glyphs))
    drawn += [draw_study_pane(data, view, pane, (under, inner), glyphs) for pane in panes[:count]]
    outside = view.outside_hours()
    for canvas in drawn:
        canvas.band(outside, "band")
        lines += _inset(canvas)
    if has_axis:
        lines += _inset(draw_time_axis(data, view, inner))
    return lines


def _plot_width(data: ChartData, width: int) -> int:
    return max(1, width - 1 - axis_width(data))


def _study_panes(data: ChartData) -> list[tuple[StudyLine, ...]]:
    names = dict.fromkeys(line.pane for line in data.studies if line.pane != "price")
    return [tuple(line for line in data.studies if line.pane == name) for name in list(names)[:_MAX_STUDY_PANES]]


def _inset(canvas: Canvas) -> list[Line]:
    return [(Span(" "), *canvas.row(y)) for y in range(canvas.height)]


def _in_ascii(line: Line) -> Line:
    return tuple(with_text(span, ascii_only(span.text)) for span in line)


def _title(data: ChartData, width: int, glyphs: Glyphs) -> Line:
    bg = "select" if data.is_focused else "raised"
    right = _state(data, bg)
    lead = (
        Span(glyphs.focus if data.is_focused else " ", "accent", bg),
        Span(" ", "text", bg),
        Span(data.symbol, "strong", bg, bold=True),
    )
    room = width - line_width(lead) - line_width(tuple(right)) - _TITLE_GAP
    specs = list(data.specs) or [str(data.spec)]
    if sum(len(spec) + 1 for spec in specs) + _TITLE_GAP > room:
        specs = [str(data.spec)]
    room -= sum(len(spec) + 1 for spec in specs) + _TITLE_GAP
    words = [Span(f"  {text}", "muted", bg) for text in _name_in(data, room, glyphs)]
    made = [Span(f"{s} ", *(("strong", bg, True) if s == str(data.spec) else ("muted", bg))) for s in specs]
    line = spread((*lead, *words, Span(" " * _TITLE_GAP, "muted", bg), *made), right, width, bg=bg)
    return fit(line, width, bg=bg)


def _name_in(data: ChartData, room: int, glyphs: Glyphs) -> list[str]:
    """Name and venue, the name alone, or its beginning: what fits with two cells before each."""
    name, venue = data.name, data.venue
    if len(name) + len(venue) + 2 * (bool(name) + bool(venue)) <= room:
        return [text for text in (name, venue) if text]
    if name and len(name) + 2 <= room:
        return [name]
    if name and room >= _SHORTEST_NAME + 2:
        mark = "…" if glyphs.has_blocks else ".."
        return [name[: room - 2 - len(mark)].rstrip() + mark]
    return []


def _state(data: ChartData, bg: str) -> list[Span]:
    if data.last is None:
        return []
    if data.stale_for:
        return [Span(format_price(data.last, data.tick), "faint", bg), Span(f"  {data.stale_for} old ", "warn", bg)]
    token = "down" if data.change is not None and data.change < 0 else "up"
    parts = [Span(format_price(data.last, data.tick), token, bg, bold=True)]
    if data.change is not None:
        parts.append(Span(f"  {price_change(data.change, data.tick)}", token, bg))
    if data.change_ratio is not None:
        parts.append(Span(f"  {format_percent(data.change_ratio)}", token, bg))
    return [*parts, Span(" ", "text", bg)]


def _readout(data: ChartData, view: ChartView, width: int) -> Line:
    """Every series' value at the cross-hair bar, else at the last bar in view; what does not fit is dropped whole."""
    index = data.cursor if data.cursor is not None and view.contains(data.cursor) else view.start + len(view.bars) - 1
    bar = data.bars[index]
    groups = [_bar_values(data, bar, data.bars[index - 1] if index else None)]
    groups.append([Span("  V ", "faint"), Span(format_size(bar.volume), "text")])
    groups += [_study_value(line, index, data) for line in data.studies]
    moment: list[Span] = []
    if data.cursor is not None:
        moment = [Span(f"{_when(data, bar)}  ", "muted")]
    line: list[Span] = [Span(" "), *moment]
    if line_width((*line, *groups[0])) > width:
        groups[0] = groups[0][-3:]
    for group in groups:
        if line_width(tuple(line)) + line_width(tuple(group)) <= width:
            line += group
    return tuple(line)


def _when(data: ChartData, bar: Bar) -> str:
    if not data.spec.is_intraday:
        return format_date(bar.ts_event, data.zone)
    clock = format_clock(bar.ts_event, data.zone) if data.spec.unit == "s" else format_minute(bar.ts_event, data.zone)
    return f"{format_day(bar.ts_event, data.zone)} {clock} {bar.hours}".rstrip()


def _bar_values(data: ChartData, bar: Bar, before: Bar | None) -> list[Span]:
    spans = []
    for letter, value in (("O", bar.open), ("H", bar.high), ("L", bar.low)):
        spans += [Span(f"{letter} ", "faint"), Span(format_price(value, data.tick) + "  ", "text")]
    spans += [Span("C ", "faint"), Span(format_price(bar.close, data.tick), "strong", bold=True)]
    base = before.close if before is not None else bar.open
    change = bar.close / base - 1 if base else Decimal(0)
    text = format_percent(change)
    token = {"+": "up", MINUS: "down"}.get(text[0], "muted")
    spans.append(Span(f" {text}", token))
    return spans


def _study_value(line: StudyLine, index: int, data: ChartData) -> list[Span]:
    value = line.values[index] if index < len(line.values) else math.nan
    places = line.decimals if line.decimals is not None else decimals_of(data.tick) if line.pane == "price" else 1
    text = format_number(Decimal(repr(value)), places) if math.isfinite(value) else "·"
    token = "muted" if line.is_columns else f"series{line.series}"
    return [Span(f"  {line.name} ", token), Span(text, "text")]


def _empty(data: ChartData, width: int, height: int) -> list[Line]:
    blank: Line = (Span(" " * width),)
    words: Line = (Span(data.empty_text.center(width)[:width], "muted"),)
    above = max(0, height // 2 - 1)
    return [blank] * above + [words] + [blank] * max(0, height - above - 1)
