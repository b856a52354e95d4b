"""Lines of values: braille dots, half blocks or full stops, drawn only where nothing more important is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from stockpulse_engine.render.canvas import STUDY, Canvas
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.scale import Scale

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE = 0x2800
_HALVES = {1: "▀", 2: "▄", 3: "█"}
_LONGEST_RISE = 400
"""Most dots of one vertical stroke."""

Point = tuple[float, float]
"""Column and row, both from the top left with fractions; a NaN row breaks the line."""


def draw_line(canvas: Canvas, points: Sequence[Point], token: str, glyphs: Glyphs, *, below: int = STUDY) -> None:
    """Join the points, in the finest dots the glyph set has, in cells that hold nothing of layer `below` or more."""
    across, down = (2, 4) if glyphs.has_braille else (1, 2) if glyphs.has_blocks else (1, 1)
    cells: dict[tuple[int, int], int] = {}
    for x, y in _dots(points, across, down):
        bit = _bit(x % across, y % down, down)
        key = (x // across, y // down)
        cells[key] = cells.get(key, 0) | bit
    for (x, y), bits in cells.items():
        if canvas.is_free(x, y, below=below):
            canvas.put(x, y, _glyph(bits, down), (token, canvas.styles[y][x][1], False), STUDY)


def study_points(values: Sequence[float], scale: Scale, *, step: int, shift: int) -> list[Point]:
    """One point per bar at the middle of its column."""
    middle = shift + (0.5 if step < 4 else 1.5)
    return [
        (middle + i * step, scale.place(value) if math.isfinite(value) else math.nan) for i, value in enumerate(values)
    ]


def _dots(points: Sequence[Point], across: int, down: int) -> Iterator[tuple[int, int]]:
    """Whole dot positions along the line, vertical gaps filled."""
    last: tuple[int, int] | None = None
    for (x0, y0), (x1, y1) in pairwise(points):
        if not (math.isfinite(y0) and math.isfinite(y1)):
            last = None
            continue
        first, end = math.floor(x0 * across), math.floor(x1 * across)
        for x in range(first, end + 1):
            share = 0.0 if end == first else (x - first) / (end - first)
            y = math.floor((y0 + (y1 - y0) * share) * down)
            yield from _rise(last, x, y)
            last = (x, y)


def _rise(last: tuple[int, int] | None, x: int, y: int) -> Iterator[tuple[int, int]]:
    if last is not None and abs(y - last[1]) > 1:
        direction = 1 if y > last[1] else -1
        start = (
            max(last[1] + direction, y - _LONGEST_RISE)
            if direction > 0
            else min(last[1] + direction, y + _LONGEST_RISE)
        )
        for between in range(start, y, direction):
            yield x, between
    yield x, y


def _bit(x: int, y: int, down: int) -> int:
    return _BITS[y][x] if down == 4 else 1 << y


def _glyph(bits: int, down: int) -> str:
    if down == 4:
        return chr(_BRAILLE + bits)
    return _HALVES[bits] if down == 2 else "."
