"""The equity curve as an area with a braille edge, and under it the fall from the peak, hanging."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.domain.views import EquityPoint
from stockpulse_engine.render.canvas import CANDLE, CHIP, GRID, Canvas
from stockpulse_engine.render.format import format_money, format_percent
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.scale import Scale, fit_scale
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_engine.render.strokes import draw_line

_AXIS = 12


def render_equity(points: Sequence[EquityPoint], width: int, height: int, glyphs: Glyphs = FULL) -> list[Line]:
    """Equity above, drawdown in the lower third, `height` lines of `width` cells."""
    plot = max(1, width - _AXIS)
    if not points:
        words: Line = (Span("No equity yet: the curve starts with the first mark.".center(width)[:width], "muted"),)
        return [words] + [fit((), width)] * (height - 1)
    fall_rows = max(1, height // 3)
    chosen = _thin(points, plot)
    lines = _area(chosen, plot, height - fall_rows, width, glyphs) if height > fall_rows else []
    return [fit(line, width) for line in lines + _falls(chosen, plot, fall_rows, width, glyphs)][:height]


def _thin(points: Sequence[EquityPoint], count: int) -> list[EquityPoint]:
    """One point per column: the last of each stretch."""
    if len(points) <= count:
        return list(points)
    return [points[(i + 1) * len(points) // count - 1] for i in range(count)]


def _area(points: list[EquityPoint], plot: int, rows: int, width: int, glyphs: Glyphs) -> list[Line]:
    canvas = Canvas(width, rows)
    values = [float(point.equity) for point in points]
    scale = fit_scale(min(values), max(values), (), rows)
    heights = [scale.place(values[min(len(values) - 1, x * len(values) // plot)]) for x in range(plot)]
    for x, height in enumerate(heights):
        _column(canvas, x, int(height), glyphs)
    draw_line(canvas, [(x + 0.5, height) for x, height in enumerate(heights)], "up", glyphs)
    last = points[-1].equity
    for value in scale.marks(spacing=3, smallest=0.01):
        _axis(canvas, plot, scale.row(value), format_money(Decimal(repr(value))), "muted")
    _axis(canvas, plot, min(rows - 1, max(0, scale.row(float(last)))), format_money(last), "strong", is_bold=True)
    return canvas.lines()


def _column(canvas: Canvas, x: int, edge: int, glyphs: Glyphs) -> None:
    """One column of the area, below the cell its edge is drawn in."""
    if glyphs.has_blocks:
        for y in range(edge + 1, canvas.height):
            canvas.put(x, y, " ", ("text", "up_bg", False), GRID)


def _falls(points: list[EquityPoint], plot: int, rows: int, width: int, glyphs: Glyphs) -> list[Line]:
    canvas = Canvas(width, rows)
    falls = [abs(float(point.drawdown)) for point in points]
    worst = max(falls)
    scale = Scale(0.0, worst or 1.0, rows)
    for x in range(plot):
        value = falls[min(len(falls) - 1, x * len(falls) // plot)]
        eighths = round(value / scale.high * rows * 8)
        _hanging(canvas, x, eighths, glyphs)
    _axis(canvas, plot, 0, format_percent(Decimal(0), signed=False), "muted")
    _axis(canvas, plot, rows - 1, format_percent(-Decimal(repr(worst))), "down" if worst else "muted")
    return canvas.lines()


def _hanging(canvas: Canvas, x: int, eighths: int, glyphs: Glyphs) -> None:
    full, rest = divmod(eighths, 8)
    for row in range(full):
        char, style = (" ", ("text", "down_bg2", False)) if glyphs.has_blocks else ("#", ("down", "panel", False))
        canvas.put(x, row, char, style, CANDLE)
    if rest and glyphs.has_blocks:
        canvas.put(x, full, glyphs.eighths_up[8 - rest], ("panel", "down_bg2", False), CANDLE)


def _axis(canvas: Canvas, plot: int, row: int, text: str, token: str, *, is_bold: bool = False) -> None:
    canvas.text(plot, row, text.rjust(_AXIS - 1), (token, "panel", is_bold), CHIP if is_bold else GRID)
