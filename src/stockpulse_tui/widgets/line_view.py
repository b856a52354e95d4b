"""The base of everything drawn: a widget that turns lines of spans into baked strips and repaints only changed rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from stockpulse_engine.render.span import Line, Span, fit

if TYPE_CHECKING:
    from textual import events

    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.painter import Baked, Painter
    from stockpulse_tui.store import Store


class LineView(Widget, can_focus=False, inherit_bindings=False):
    """Draws `draw(width, height)`; call `redraw()` when its inputs changed.

    Rows equal to what is on screen already are not painted again. While a window is open above it, `is_dimmed`
    paints it towards the ground instead of hiding it.
    """

    background = "panel"
    """Token behind what `draw` leaves empty."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: list[Line] = []
        self._strips: list[Baked | None] = []
        self._is_dimmed = False
        self._shell: StockPulseApp | None = None

    @property
    def shell(self) -> StockPulseApp:
        """The application, with its own type."""
        if self._shell is None:
            from stockpulse_tui.app import StockPulseApp

            app = self.app
            assert isinstance(app, StockPulseApp)
            self._shell = app
        return self._shell

    @property
    def store(self) -> Store:
        """What this head knows."""
        return self.shell.store

    @property
    def painter(self) -> Painter:
        """Bakes for the running theme."""
        return self.shell.painter_for(self._is_dimmed)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The rows to show, at most `height`, each at most `width` cells wide. Pure but for the store it reads."""
        raise AssertionError(f"{type(self).__name__} draws nothing")

    def redraw(self) -> None:
        """Draw again and repaint the rows that came out different."""
        width, height = self.size
        if not width or not height or not self.is_mounted:
            return
        lines = self._full(self.draw(width, height), width, height)
        old = self._drawn
        if len(old) != len(lines) or len(self._strips) != len(lines):
            self._drawn, self._strips = lines, [None] * len(lines)
            self.refresh()
            return
        changed = [y for y, line in enumerate(lines) if line != old[y]]
        for y in changed:
            old[y] = lines[y]
            self._strips[y] = None
        self.refresh_rows(changed)

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Ask for a repaint of these rows only, neighbours joined."""
        regions: list[Region] = []
        width = self.size.width
        start = previous = -2
        for y in rows:
            if y != previous + 1:
                if start >= 0:
                    regions.append(Region(0, start, width, previous - start + 1))
                start = y
            previous = y
        if start >= 0:
            regions.append(Region(0, start, width, previous - start + 1))
            self.refresh(*regions)

    def rebake(self) -> None:
        """Forget every baked row: the theme, the glyphs or the dimming changed."""
        self._strips = [None] * len(self._drawn)
        self._drawn = []
        self.redraw()

    def set_dimmed(self, is_dimmed: bool) -> None:
        """Paint towards the ground, or normally again."""
        if is_dimmed != self._is_dimmed:
            self._is_dimmed = is_dimmed
            self.rebake()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Baked strips, skipping Textual's style machinery, which would take each of them apart again."""
        width, height = self.size
        if len(self._drawn) != height:
            self._drawn = self._full(self.draw(width, height), width, height)
            self._strips = [None] * height
        strips = [self._strip(y, width) for y in crop.line_range]
        start, end = crop.column_span
        return strips if start == 0 and end >= width else [strip.crop(start, end) for strip in strips]

    def _strip(self, y: int, width: int) -> Strip:
        if y >= len(self._strips):
            return Strip.blank(width)
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self.painter.bake(self._drawn[y], width)
        return strip

    def _full(self, lines: Sequence[Line], width: int, height: int) -> list[Line]:
        token = self.background
        blank: Line = (Span(" " * width, "text", token),)
        rows = [fit(line, width, bg=token) for line in lines[:height]]
        rows += [blank] * (height - len(rows))
        return rows

    def on_resize(self, event: events.Resize) -> None:
        """A new size: everything is drawn again."""
        self._drawn = []
        self._strips = []
        self.refresh()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as there is room."""
        return container.width

    def text_rows(self) -> list[str]:
        """The rows as plain text, for tests and for the saved frame."""
        return ["".join(span.text for span in line) for line in self._drawn]
