"""The teller's three rows: chapter and keys, and a page of at most two lines."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.line_view import LineView

ROWS = 3
MAX_PAGES = 200
KEYS_SHOWN = 10
_WAYS = (("Space", "on"), ("Backspace", "back"), ("q", "ends"))


class Strip(LineView):
    """Pages of the story; the reader may turn back, the newest one is where the story is."""

    DEFAULT_CSS = "Strip { height: 3; }"
    background = "overlay"

    def __init__(self) -> None:
        super().__init__(id="story")
        self._pages: list[tuple[str, str]] = []
        self._at = -1
        self._chapter = ""
        self._keys: list[str] = []
        self._is_text = False
        self.is_waiting = False
        """Whether the story waits for its reader."""

    def open_chapter(self, text: str) -> None:
        """A heading for the pages to come."""
        self._chapter = text
        self.clear_keys()

    def add(self, page: str) -> None:
        """A new page, in sight at once."""
        self._pages = [*self._pages, (self._chapter, page)][-MAX_PAGES:]
        self._at = len(self._pages) - 1
        self.redraw()

    def press(self, key: str, *, is_text: bool = False) -> None:
        """Show a key the teller presses; the letters of a text grow together."""
        letter = " " if key == "Space" else key
        if is_text and self._is_text:
            self._keys[-1] += letter
        else:
            self._keys = [*self._keys, letter][-KEYS_SHOWN:]
        self._is_text = is_text
        self.redraw()

    def clear_keys(self) -> None:
        """The act is done."""
        self._keys = []
        self._is_text = False

    def wait(self, is_waiting: bool) -> None:
        """Show whether it is the reader's turn."""
        self.is_waiting = is_waiting
        self.redraw()

    def turn(self, step: int) -> bool:
        """Turn a page back or forward; False where there is none."""
        wanted = self._at + step
        if not 0 <= wanted < len(self._pages):
            return False
        self._at = wanted
        self.redraw()
        return True

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Heading, then two lines."""
        chapter, page = self._pages[self._at] if self._pages else (self._chapter, "")
        is_old = self._at < len(self._pages) - 1
        lines = [cells(one) for one in wrap(clean_line(page, 400), max(20, width - 4))[: height - 1]]
        token = "muted" if is_old else "strong"
        return [self._heading(chapter, width), *((Span(f"  {one}", token, "overlay"),) for one in lines)]

    def _heading(self, chapter: str, width: int) -> Line:
        bg = "overlay"
        left: Line = (Span("▌ ", "accent", bg), Span(cells(chapter), "accent", bg, bold=True), Span("  ", "text", bg))
        right: list[Span] = []
        for key, does in _WAYS:
            is_next = key == "Space" and self.is_waiting
            colors = ("ink", "accent") if is_next else ("accent", bg)
            right += [Span(f" {key} ", *colors, bold=True), Span(f" {does} ", "muted", bg)]
        keys = "  ".join(self._keys)
        room = width - line_width(left) - line_width(tuple(right)) - 2
        if keys and room > 0:
            left = (*left, Span(cells(keys[-room:]), "warn", bg, bold=True))
        return spread(left, tuple(right), width, bg=bg)
