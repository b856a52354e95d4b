"""Windows above the body: they open and close in one frame, own the keyboard, and dim what is under them.

A window is a `LineView` mounted on the screen's `overlay` layer. `region_for(size)` says where it lies;
`take_key` gets every key first. The application keeps the stack: `open_overlay`, `close_overlay`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.span import Line, Span, fit, line_width, spread, wrap_line
from stockpulse_tui.line_edit import TOO_LONG, LineEdit
from stockpulse_tui.messages import LineEntered
from stockpulse_tui.painter import cells
from stockpulse_tui.screens.slots import Box
from stockpulse_tui.widgets.line_view import LineView

MARGIN = 4
"""Cells at both sides of a sheet's text, the thumb's among them."""
MOST_ROWS = 20


class Overlay(LineView, can_focus=True, inherit_bindings=False):
    """Base of all windows."""

    DEFAULT_CSS = "Overlay { layer: overlay; }"
    context = Context.GLOBAL
    dims_body = True
    is_entry = False
    """Whether it types: then only its own keys and the safety keys work; else another key closes it and acts."""

    def region_for(self, width: int, height: int) -> Box:
        """Where it lies on a screen of this size."""
        raise AssertionError(f"{type(self).__name__} lies nowhere")

    def take_key(self, key: str) -> bool:
        """First refusal of every key, in people's notation; True when it was used."""
        return False

    def do_view_back(self) -> None:
        """Esc closes it."""
        self.shell.windows.close(self)

    def on_store(self) -> None:
        """Frames were applied; most windows do not care."""


class Sheet(Overlay):
    """A window of prose: title row, body, closed by Esc; `j`/`k` scroll. What is wider than it goes on below."""

    wide = 88
    background = "panel"

    def __init__(self, title: str, lines: Sequence[Line], hint: str = "Esc closes") -> None:
        super().__init__()
        self.sheet_title = title
        self.lines = list(lines)
        self.hint = hint
        self.top = 0

    def region_for(self, width: int, height: int) -> Box:
        """Centred, as high as its text needs."""
        own = min(self.wide, width - 4)
        tall = min(len(self._rows(own)) + 3, height - 6)
        return Box((width - own) // 2, max(2, min(3, (height - tall) // 2)), own, tall)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title row, a blank one, the text, a thumb where there is more."""
        bg = "overlay"
        left = (Span("  ", "text", bg), Span(self.sheet_title, "strong", bg, bold=True))
        title = spread(left, (Span(f"{self.hint}  ", "muted", bg),), width, bg=bg)
        rows, room = self._rows(width), height - 3
        self.top = max(0, min(self.top, len(rows) - room))
        shown = rows[self.top : self.top + room]
        body = [(*fit((Span("  "), *line), width - 1), Span(" ")) for line in shown]
        if len(rows) > room:
            thumb = round(self.top / (len(rows) - room) * (room - 1))
            body = [(*fit(line, width - 1), _thumb(i == thumb)) for i, line in enumerate(body)]
        return [title, (), *body]

    def _rows(self, width: int) -> list[Line]:
        return [row for line in self.lines for row in hanging(line, width - MARGIN)]

    def take_key(self, key: str) -> bool:
        """Scrolling; other keys but the global ones stay here."""
        steps = {"j": 1, "Down": 1, "k": -1, "Up": -1, "PageDown": 10, "PageUp": -10, "Space": 10}
        if key in steps:
            self.top += steps[key]
            self.redraw()
            return True
        return False

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        event.stop()
        self.take_key("j")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        event.stop()
        self.take_key("k")


def hanging(line: Line, width: int) -> list[Line]:
    """The line on as many rows as it needs; what goes on begins below its last part."""
    left = line_width(line[:-1])
    if left + len(line[-1].text if line else "") <= width:
        return [line]
    if left > width // 2:
        return wrap_line(line, width, most=MOST_ROWS)
    first, *more = wrap_line(line[-1:], width - left, most=MOST_ROWS)
    return [(*line[:-1], *first), *((Span(" " * left), *row) for row in more)]


def _thumb(is_here: bool) -> Span:
    return Span(" ", "text", "line" if is_here else "panel")


class Prompt(Overlay):
    """One line asked for in the footer's place; the answer comes to the asker as `LineEntered`."""

    dims_body = False
    is_entry = True
    background = "overlay"

    def __init__(self, purpose: str, label: str, asker: LineView | None, initial: str = "") -> None:
        super().__init__()
        self.purpose = purpose
        self.label = label
        self.asker = asker
        self.edit = LineEdit(initial)
        self.on_change: Callable[[str], None] | None = None
        self.is_hidden = False
        """Nobody sees what is typed, how long it is aside."""

    def region_for(self, width: int, height: int) -> Box:
        """Over the footer."""
        return Box(0, height - 2, width, 1)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Label, text, cursor."""
        bg = self.background
        shown = LineEdit("*" * len(self.edit.text)) if self.is_hidden else self.edit
        left = (Span(f" {self.label} ", "accent", bg, bold=True), *edit_spans(shown, bg))
        right = (
            Span("Enter", "accent", bg, bold=True),
            Span(" ok  ", "muted", bg),
            Span("Esc", "accent", bg, bold=True),
        )
        return [spread(left, (*right, Span(" drop ", "muted", bg)), width, bg=bg)]

    def take_key(self, key: str) -> bool:
        """Editing, Enter, Esc; everything typed stays here."""
        if key == "Enter":
            self.shell.windows.close(self)
            target = self.asker if self.asker is not None and self.asker.is_mounted else self.app
            target.post_message(LineEntered(self.purpose, self.edit.text))
            return True
        if self.edit.take(key):
            if self.on_change is not None:
                self.on_change(self.edit.text)
            self.redraw()
            return True
        return False

    def take_paste(self, text: str) -> None:
        """Pasted text, cleaned to one line."""
        if not self.edit.insert(text):
            self.shell.notify_line(TOO_LONG, "warn")
        if self.on_change is not None:
            self.on_change(self.edit.text)
        self.redraw()


def edit_spans(edit: LineEdit, bg: str, ghost: str = "") -> Line:
    """A line being typed, its cursor a bar of `accent`, what would complete it in `faint`."""
    head, tail = cells(edit.text[: edit.cursor]), edit.text[edit.cursor :]
    under = cells((tail or ghost or " ")[0]) or " "
    rest = cells(tail[1:]) + (ghost if tail else ghost[1:])
    token = "strong" if tail else "faint"
    return (
        Span(head, "strong", bg, bold=True),
        Span(under, "ink", "accent"),
        Span(rest, token, bg, bold=bool(tail)),
    )
