"""A line through plain numbers, with its highest and lowest written beside it: for answers of SQL and reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stockpulse_engine.render.canvas import CHIP, Canvas
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.scale import Scale
from stockpulse_engine.render.span import Line
from stockpulse_engine.render.strokes import draw_line

MIN_WIDTH, MIN_HEIGHT = 20, 3


def render_plot(
    values: Sequence[float],
    width: int,
    height: int,
    *,
    first: str = "",
    last: str = "",
    places: Sequence[float] | None = None,
    glyphs: Glyphs = FULL,
) -> list[Line]:
    """Draw `values` left to right; `first` and `last` name the ends of the axis.

    `places` say where each lies, from 0 at the left to 1; without them all steps are equal. NaN breaks the line. Fewer
    than two finite values give an empty list.
    """
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2 or width < MIN_WIDTH or height < MIN_HEIGHT:
        return []
    low, high = min(finite), max(finite)
    labels = (f"{high:,.6g}", f"{low:,.6g}")
    plot = width - max(map(len, labels)) - 1
    rows = height - 1
    canvas = Canvas(width, height)
    margin = (high - low) * 0.02 or abs(high) * 0.02 or 1.0
    scale = Scale(low - margin, high + margin, rows)
    where = places or [index / max(1, len(values) - 1) for index in range(len(values))]
    points = [
        (where[index] * (plot - 1) + 0.5, scale.place(value) if math.isfinite(value) else math.nan)
        for index, value in enumerate(values)
    ]
    draw_line(canvas, points, "series1", glyphs)
    for label, row in zip(labels, (0, rows - 1), strict=True):
        canvas.text(width - len(label), row, label, ("muted", "panel", False), CHIP)
    canvas.text(0, rows, first[:plot], ("muted", "panel", False), CHIP)
    end = last[: max(0, plot - len(first) - 1)]
    canvas.text(plot - len(end), rows, end, ("muted", "panel", False), CHIP)
    return [tuple(canvas.row(y)) for y in range(height)]
