"""The panes under the price: volume, and studies on a scale of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.render.canvas import CANDLE, CHIP, CROSS, GRID, ORDER, STUDY, Canvas, Style
from stockpulse_engine.render.chartdata import ChartData, StudyLine
from stockpulse_engine.render.chartview import ChartView
from stockpulse_engine.render.format import format_number, format_size
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.pricepane import AXIS_EXTRA, draw_vertical
from stockpulse_engine.render.scale import Scale, fit_scale, zero_scale
from stockpulse_engine.render.strokes import draw_line, study_points

_LEVEL_EVERY = 2


def draw_volume(data: ChartData, view: ChartView, rows: int, width: int, glyphs: Glyphs) -> Canvas:
    """Volume as columns of eighth blocks, its largest named on the axis."""
    canvas = Canvas(width, rows)
    volumes = [float(bar.volume) for bar in view.bars]
    largest = max(volumes, default=0.0)
    for i, bar in enumerate(view.bars):
        eighths = round(volumes[i] / largest * rows * 8) if largest > 0 else 0
        token = "vol_up" if bar.close >= bar.open else "vol_down"
        x = view.shift + i * view.step
        for column in range(x, x + view.body_width):
            _column(canvas, column, eighths, token, glyphs)
    _label(canvas, view, "vol")
    _axis_text(canvas, view, 0, format_size(Decimal(round(largest))), "muted")
    _cross(canvas, data, view, glyphs)
    return canvas


def _column(canvas: Canvas, x: int, eighths: int, token: str, glyphs: Glyphs) -> None:
    full, rest = divmod(eighths, 8)
    for row in range(full):
        if glyphs.has_blocks:
            canvas.put(x, canvas.height - 1 - row, " ", (token, token, False), CANDLE)
        else:
            canvas.put(x, canvas.height - 1 - row, glyphs.eighths_up[8], (token, "panel", False), CANDLE)
    if rest:
        canvas.put(x, canvas.height - 1 - full, glyphs.eighths_up[rest], (token, "panel", False), CANDLE)


def draw_study_pane(
    data: ChartData, view: ChartView, lines: tuple[StudyLine, ...], size: tuple[int, int], glyphs: Glyphs
) -> Canvas:
    """One pane of studies on one scale, `size` rows × columns: lines, dotted levels, values at the axis."""
    rows, width = size
    canvas = Canvas(width, rows)
    shown = [line.values[view.start : view.start + len(view.bars)] for line in lines]
    finite = [value for values in shown for value in values if math.isfinite(value)]
    levels = [level for line in lines for level in line.levels]
    known = finite + levels
    low, high = min(known, default=0.0), max(known, default=1.0)
    has_columns = any(line.is_columns for line in lines)
    scale = zero_scale(low, high, rows) if has_columns and rows > 1 else fit_scale(low, high, (), rows)
    for line, values in zip(lines, shown, strict=True):
        if line.is_columns:
            _draw_columns(canvas, view, values, scale, glyphs)
    for line, values in zip(lines, shown, strict=True):
        if not line.is_columns:
            points = study_points(values, scale, step=view.step, shift=view.shift)
            draw_line(canvas, points, f"series{line.series}", glyphs)
    told = tuple(line for line in lines if not line.is_columns) or lines
    taken = _values_on_axis(canvas, data, view, told, [scale.row(_value(line, data, view)) for line in told])
    for level in levels:
        row = scale.row(level)
        for x in range(0, view.width, _LEVEL_EVERY):
            canvas.put(x, row, "·" if glyphs.has_blocks else ".", ("line", "panel", False), GRID)
        if row not in taken:
            _axis_text(canvas, view, row, f"{level:g}", "muted")
    _label(canvas, view, lines[0].pane)
    _cross(canvas, data, view, glyphs)
    return canvas


def _draw_columns(canvas: Canvas, view: ChartView, values: Sequence[float], scale: Scale, glyphs: Glyphs) -> None:
    """Columns from zero to each value, exact to an eighth of a row; lines of the same pane are drawn over them."""
    zero = round(scale.place(0.0) * 8)
    for i, value in enumerate(values):
        if not math.isfinite(value) or not value:
            continue
        end = round(scale.place(value) * 8)
        top, bottom = (min(end, zero - 1), zero) if value > 0 else (zero, max(end, zero + 1))
        token = "vol_up" if value > 0 else "vol_down"
        x = view.shift + i * view.step
        for row in range(top // 8, (bottom - 1) // 8 + 1):
            char, style = _part(max(0, top - row * 8), min(8, bottom - row * 8), token, glyphs)
            for column in range(x, x + view.body_width):
                canvas.put(column, row, char, style, ORDER)


def _part(top: int, bottom: int, token: str, glyphs: Glyphs) -> tuple[str, Style]:
    """How to fill a cell from one eighth to another: from below, or as ground from below where the top is filled."""
    if not glyphs.has_blocks:
        return glyphs.eighths_up[bottom - top], (token, "panel", False)
    if bottom == 8:
        return (" ", (token, token, False)) if top == 0 else (glyphs.eighths_up[8 - top], (token, "panel", False))
    return glyphs.eighths_up[8 - bottom], ("panel", token, False)


def _label(canvas: Canvas, view: ChartView, title: str) -> None:
    """The pane's title in the first place of its top rows that nothing is drawn in."""
    places = ((x, y) for y in (0, 1) for x in range(0, view.width - len(title), 2))
    found = next(((x, y) for x, y in places if canvas.is_free(x, y, len(title), below=STUDY)), None)
    if found is not None:
        canvas.text(*found, title, ("faint", "panel", False), CROSS)


def _value(line: StudyLine, data: ChartData, view: ChartView) -> float:
    """The line's value at the cross-hair, else at the last bar in view; 0 where it has none."""
    at = data.cursor if data.cursor is not None else view.start + len(view.bars) - 1
    value = line.values[at] if 0 <= at < len(line.values) else math.nan
    return value if math.isfinite(value) else 0.0


def _values_on_axis(
    canvas: Canvas, data: ChartData, view: ChartView, lines: tuple[StudyLine, ...], rows: list[int]
) -> set[int]:
    taken: set[int] = set()
    for line, wanted in zip(lines, rows, strict=True):
        at = data.cursor if data.cursor is not None else view.start + len(view.bars) - 1
        if not (0 <= at < len(line.values) and math.isfinite(line.values[at])):
            continue
        row = next((r for r in (wanted, wanted + 1, wanted - 1) if 0 <= r < canvas.height and r not in taken), None)
        if row is not None:
            taken.add(row)
            places = 1 if line.decimals is None else line.decimals
            _axis_text(canvas, view, row, format_number(Decimal(repr(line.values[at])), places), f"series{line.series}")
    return taken


def _axis_text(canvas: Canvas, view: ChartView, row: int, text: str, token: str) -> None:
    digits = canvas.width - view.width - AXIS_EXTRA
    canvas.text(view.width + 1, row, text.rjust(digits)[: digits + 2], (token, "panel", False), CHIP)


def _cross(canvas: Canvas, data: ChartData, view: ChartView, glyphs: Glyphs) -> None:
    if data.cursor is not None and view.contains(data.cursor):
        draw_vertical(canvas, view.column(data.cursor), glyphs)
