"""A grid of cells to draw on, with layers: what matters more is never painted over by what matters less."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from stockpulse_engine.render.span import Line, Span

Style = tuple[str, str, bool]
"""Foreground token, background token, bold."""

EMPTY, GRID, CROSS, ORDER, STUDY, CANDLE, MARK, CHIP = range(8)
"""Layers of a chart, lowest first."""


class Canvas:
    """`width` × `height` cells on one background; drawing outside is cut off."""

    def __init__(self, width: int, height: int, bg: str = "panel") -> None:
        self.width = width
        self.height = height
        self._base: Style = ("text", bg, False)
        self.chars = [[" "] * width for _ in range(height)]
        self.styles = [[self._base] * width for _ in range(height)]
        self.layers = [[EMPTY] * width for _ in range(height)]

    def put(self, x: int, y: int, char: str, style: Style, layer: int) -> None:
        """Set one cell unless something of a higher layer is there."""
        if 0 <= x < self.width and 0 <= y < self.height and self.layers[y][x] <= layer:
            self.chars[y][x] = char
            self.styles[y][x] = style
            self.layers[y][x] = layer

    def shade(self, x: int, y: int, bg: str) -> None:
        """Give a cell another background where nothing but the grid is."""
        if 0 <= x < self.width and 0 <= y < self.height and self.layers[y][x] <= GRID:
            fg, _, bold = self.styles[y][x]
            self.styles[y][x] = (fg, bg, bold)

    def band(self, columns: Iterable[int], bg: str) -> None:
        """What lies on the canvas's own background in these columns lies on another one."""
        own = self._base[1]
        for x in columns:
            for y in range(self.height):
                fg, back, bold = self.styles[y][x]
                self.styles[y][x] = (bg if fg == own else fg, bg if back == own else back, bold)

    def text(self, x: int, y: int, text: str, style: Style, layer: int = CHIP) -> None:
        """Set a run of cells."""
        for i, char in enumerate(text):
            self.put(x + i, y, char, style, layer)

    def is_free(self, x: int, y: int, length: int = 1, *, below: int = CANDLE) -> bool:
        """Whether `length` cells from `x` lie inside and hold nothing of layer `below` or higher."""
        if not (0 <= y < self.height and x >= 0 and x + length <= self.width):
            return False
        return max(self.layers[y][x : x + length], default=EMPTY) < below

    def row(self, y: int) -> list[Span]:
        """One row as spans, neighbours of one style joined."""
        spans = []
        chars, at = self.chars[y], 0
        for (fg, bg, bold), run in groupby(self.styles[y]):
            end = at + len(list(run))
            spans.append(Span("".join(chars[at:end]), fg, bg, bold))
            at = end
        return spans

    def lines(self) -> list[Line]:
        """All rows."""
        return [tuple(self.row(y)) for y in range(self.height)]
