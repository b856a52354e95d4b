"""A small window that asks before something large: what will happen, Enter does it, Esc leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap

from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.widgets.overlay import Sheet

WIDE = 72


class Confirm(Sheet):
    """Title, sentences, and what Enter does."""

    wide = WIDE

    def __init__(self, title: str, sentences: Sequence[str], verb: str, work: Callable[[], None]) -> None:
        lines: list[Line] = []
        for sentence in sentences:
            lines += [(Span(row, "text"),) for row in wrap(sentence, WIDE - 6)]
            lines.append(())
        keys = (Span("Enter", "accent", bold=True), Span(f" {verb}   ", "text"))
        lines.append((*keys, Span("Esc", "accent", bold=True), Span(" leaves everything as it is", "text")))
        super().__init__(title, lines, "")
        self._work = work

    def take_key(self, key: str) -> bool:
        """Enter does it, once."""
        if key == "Enter":
            self.shell.windows.close(self)
            self._work()
            return True
        return super().take_key(key)
