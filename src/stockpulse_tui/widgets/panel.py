"""The base of every pane: a title row, a body of lines, focus, and the names others find it by.

A new pane is one class and one line:

1. Subclass `Panel`; set `context` (its keys), `title`, `kinds` (what in the store concerns it) and write
   `body(width, height)`, rows of spans; `title_left` and `title_right` add to the title row. Call `redraw()` when
   something changed: only rows that came out different are painted. Act on keys by methods named after the action:
   `do_order_cancel` hears `order.cancel`. `take_key(key)`, where a pane has one, gets every key first (digits of a
   quantity). `topics()` names the streams it needs while in sight; `cell()` what `?`, `y` and `Y` speak of.
2. Add a `PaneSpec` line to `screens/panes.py`: the desk gives it its slot and the neighbours make room; a screen
   digit of its own appears as soon as the spec names one (`VIEWS` for a screen of several panes).
3. Actions that no pane takes go into a handler, one line in `handlers/__init__.py`; windows are `Overlay`s opened
   by `shell.windows.open(...)`; one line of text is asked for by `shell.windows.ask(purpose, label)`, the answer
   comes as `LineEntered` to the pane that had the focus, else to `entered_PURPOSE` of a handler.
   Requests go through `shell.link.commands` inside `shell.in_background(...)`; a sentence in the footer is
   `shell.notify_line(text, level)`; every number says more in `store`, `shell.status` (market time, armed, lost).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.render.span import Line, Span, spread
from stockpulse_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from stockpulse_tui.cell import Cell
    from stockpulse_tui.store import Changes


class Panel(LineView, can_focus=True, inherit_bindings=False):
    """A pane with a title row on `raised`; with the focus the row is `select` and starts with `▌`."""

    context: ClassVar[Context] = Context.GLOBAL
    title: ClassVar[str] = ""
    kinds: ClassVar[frozenset[str]] = frozenset()
    """Kinds of `Changes` after which it is drawn again."""
    follows_quotes: ClassVar[bool] = False
    """Whether a new quote of its own instrument draws it again."""
    ticks_seconds: ClassVar[bool] = False
    """Whether it shows ages or countdowns and is drawn again every second."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.instrument_id = ""
        self.name_in_view = ""
        """The slot it fills."""
        self.is_shut_out = False
        """Whether an open window owns the keyboard."""

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The rows under the title."""
        raise AssertionError(f"{type(self).__name__} has no body")

    def title_left(self) -> Line:
        """What follows the name in the title row, `muted` by habit."""
        return (Span(symbol_of(self.instrument_id), "muted", self.title_bg),) if self.instrument_id else ()

    def title_right(self) -> Line:
        """The state at the right of the title row."""
        return ()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title row, then the body; the body first, as only then the title knows how much of a list is in sight."""
        body = self.body(width, height - 1)
        return [self.title_line(width), *body]

    @property
    def is_front(self) -> bool:
        """Whether it is the pane of its view that hears keys; the framework's focus follows a moment later."""
        return self.shell.view.front_pane is self

    @property
    def is_active(self) -> bool:
        """Whether it hears keys now: no window is open above it."""
        return self.is_front and not self.is_shut_out

    @property
    def title_bg(self) -> str:
        """Token behind the title row now."""
        return "select" if self.is_active else "raised"

    @property
    def select_bg(self) -> str:
        """Token behind the selected row now."""
        return "select" if self.is_active else "select2"

    def select_mark(self, bg: str) -> Span:
        """The mark before the selected row."""
        return Span("▌", "accent" if self.is_active else "faint", bg)

    def title_line(self, width: int) -> Line:
        """The title row."""
        bg = self.title_bg
        mark = Span("▌ ", "accent", bg) if self.is_active else Span("  ", "text", bg)
        left = (
            mark,
            Span(self.title, "text" if not self.is_active else "strong", bg, bold=True),
            Span("  ", "text", bg),
        )
        right = self.title_right()
        tail = (*right, Span(" ", "text", bg)) if right else ()
        return spread((*left, *self.title_left()), tail, width, bg=bg)

    def on_store(self, changes: Changes) -> None:
        """Frames were applied: draw again when they concern this pane."""
        own_quote = self.follows_quotes and self.instrument_id in changes.quotes
        if changes.touches(*self.kinds) or own_quote:
            self.redraw()

    def on_second(self) -> None:
        """A second has passed."""
        if self.ticks_seconds:
            self.redraw()

    def show_instrument(self, instrument_id: str) -> None:
        """Follow the desk's instrument."""
        if instrument_id != self.instrument_id:
            self.instrument_id = instrument_id
            self.redraw()

    def topics(self) -> frozenset[str]:
        """Stream topics it needs beyond the shell's own, while it is shown (`depth:AAPL.XNAS`)."""
        return frozenset()

    def cell(self) -> Cell | None:
        """The cell under the cursor, for `?`, `y` and `Y`."""
        return None

    def on_mouse_down(self) -> None:
        """A click chooses the pane."""
        self.shell.view.heed_focus(self)

    def watch_has_focus(self, has_focus: bool) -> None:
        """The title row and the selection show it; the footer lists the keys of who has it."""
        super().watch_has_focus(has_focus)
        self.redraw()
        if has_focus:
            self.shell.shell_screen.footer.redraw()
