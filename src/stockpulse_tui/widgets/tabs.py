"""The row of screens: digit and name; only screens that exist are named."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from stockpulse_engine.actions.registry import SCREENS, Context
from stockpulse_engine.render.span import Line, Span, spread
from stockpulse_tui.screens.panes import screens_there
from stockpulse_tui.widgets.line_view import LineView

SHORT_BELOW = 100
_SHORT = {"Positions": "Pos"}


class Tabs(LineView):
    """The second row of the screen."""

    DEFAULT_CSS = "Tabs { height: 1; }"
    background = "ground"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One row; the active screen on `raised`."""
        left: list[Span] = []
        for _, spans in self._entries(width):
            left += spans
        key = self.shell.keymap.key_of("line.open", Context.GLOBAL)
        right = (Span(key, "accent", "ground"), Span(" command ", "faint", "ground"))
        return [spread(left, right, width, bg="ground")]

    def _entries(self, width: int) -> list[tuple[str, Line]]:
        made: list[tuple[str, Line]] = []
        there = screens_there()
        for action in SCREENS:
            if action.id not in there:
                continue
            name = _SHORT.get(action.title, action.title) if width < SHORT_BELOW else action.title
            key = self.shell.keymap.key_of(action.id, Context.GLOBAL)
            is_active = action.id == self.shell.view_id
            bg = "raised" if is_active else "ground"
            digit = Span(f" {key} ", "accent" if is_active else "faint", bg, bold=is_active)
            made.append((action.id, (digit, Span(f"{name} ", "strong" if is_active else "muted", bg, bold=is_active))))
        return made

    def on_click(self, event: events.Click) -> None:
        """The mouse switches screens too."""
        x = 0
        for action_id, spans in self._entries(self.size.width):
            x += sum(len(span.text) for span in spans)
            if event.x < x:
                self.shell.run_action_id(action_id)
                return
