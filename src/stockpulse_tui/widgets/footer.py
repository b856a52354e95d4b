"""The footer: the keys of the focused pane in order of use and the shell twin; or one notice, for a moment.

A notice takes as many rows as it needs: a reason or a fix that is cut off helps nobody. `notices` keeps the last ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.actions.registry import BY_ID, Context, footer_actions
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.keymap import Keymap
from stockpulse_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from asyncio import TimerHandle

NOTICE_S = 4.0
READ_PER_S = 20
"""Letters read in a second: a long notice stays as long as it takes."""
MOST_ROWS = 8
MAX_KEPT = 50
NOTICE_TOKENS = {"info": "accent", "warn": "warn", "danger": "danger"}


class Notice(msgspec.Struct, frozen=True):
    """A sentence shown in the footer: `level` info, warn or danger, `at_ns` wall time."""

    text: str
    level: str = "info"
    at_ns: int = 0

    @property
    def seconds(self) -> float:
        """How long it stays."""
        return max(NOTICE_S, len(self.text) / READ_PER_S)


def footer_line(
    keymap: Keymap, context: Context, can: Callable[[str], bool], cli: str, width: int, *, is_typing: bool = False
) -> Line:
    """Keys that work now from the left, what does not fit dropped whole; the shell twin while there is room."""
    left: list[Span] = []
    for action in footer_actions(context):
        key = keymap.key_of(action.id, context, is_typing=is_typing)
        if not key or not can(action.id):
            continue
        entry = (Span(key, "accent", "ground", bold=True), Span(f" {action.title}  ", "muted", "ground"))
        if line_width((*left, *entry)) > width:
            break
        left += entry
    right = (Span(cli, "faint", "ground", italic=True), Span(" ", "text", "ground")) if cli else ()
    return spread(left, right, width, bg="ground")


class Footer(LineView):
    """The last row but one, and for a long notice rows above it, over the view."""

    DEFAULT_CSS = "Footer { height: 1; }"
    background = "ground"

    def __init__(self) -> None:
        super().__init__()
        self.notice: Notice | None = None
        self.notices: deque[Notice] = deque(maxlen=MAX_KEPT)
        """What was said, newest first."""
        self._handle: TimerHandle | None = None

    def say(self, text: str, level: str) -> None:
        """Show one sentence for a moment, in place of the keys."""
        self.notice = Notice(text, level, self.shell.clock.now_ns())
        self.notices.appendleft(self.notice)
        self._show()
        self._handle = self.shell.call_after(self.notice.seconds, self.clear)

    def clear(self) -> None:
        """Back to the keys."""
        self.notice = None
        self._show()

    def _show(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        is_tall = self.rows_for(self.size.width) > 1
        if is_tall or self.is_tall:
            self.styles.layer = "notice" if is_tall else "default"
            self.refresh(layout=True)  # a child's request is what makes the framework ask the screen for its boxes
        self.redraw()

    @property
    def is_tall(self) -> bool:
        """Whether it lies over the view now."""
        return self.size.height > 1

    def rows_for(self, width: int) -> int:
        """How many rows it needs."""
        return len(self._wrapped(width)) if self.notice is not None else 1

    def _wrapped(self, width: int) -> list[str]:
        return wrap(self.notice.text if self.notice is not None else "", max(20, width))[:MOST_ROWS] or [""]

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The notice, else one row of keys."""
        if self.notice is not None:
            token = NOTICE_TOKENS[self.notice.level]
            return [(Span(row, token, "ground", bold=token != "accent"),) for row in self._wrapped(width)]
        shell = self.shell
        owner = shell.dispatch.owner
        is_typing = bool(getattr(owner, "is_typing", False))
        symbol = symbol_of(shell.instrument_id) if shell.instrument_id else ""
        cli = getattr(owner, "cli_line", "") or BY_ID[shell.view_id].cli_line(symbol)
        return [footer_line(shell.keymap, shell.context, shell.dispatch.can, cli, width, is_typing=is_typing)]
