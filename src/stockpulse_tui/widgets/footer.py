"""The footer: the keys of the focused pane in order of use and the shell twin; or one notice, for a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
NOTICE_TOKENS = {"info": "accent", "warn": "warn", "danger": "danger"}


class Notice(msgspec.Struct, frozen=True):
    """A sentence shown in the footer: `level` info, warn or danger."""

    text: str
    level: str = "info"


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
    """The last row but one."""

    DEFAULT_CSS = "Footer { height: 1; }"
    background = "ground"

    def __init__(self) -> None:
        super().__init__()
        self.notice: Notice | None = None
        self._handle: TimerHandle | None = None

    def say(self, text: str, level: str) -> None:
        """Show one sentence for a moment, in place of the keys."""
        self.notice = Notice(text, level)
        self.redraw()
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self.shell.call_after(NOTICE_S, self._end)

    def _end(self) -> None:
        self._handle = None
        self.notice = None
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One row."""
        if self.notice is not None:
            token = NOTICE_TOKENS[self.notice.level]
            return [(Span(self.notice.text, token, "ground", bold=token != "accent"),)]
        shell = self.shell
        owner = shell.dispatch.owner
        is_typing = bool(getattr(owner, "is_typing", False))
        symbol = symbol_of(shell.instrument_id) if shell.instrument_id else ""
        cli = getattr(owner, "cli_line", "") or BY_ID[shell.view_id].cli_line(symbol)
        return [footer_line(shell.keymap, shell.context, shell.dispatch.can, cli, width, is_typing=is_typing)]
