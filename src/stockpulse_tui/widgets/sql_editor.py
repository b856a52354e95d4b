"""The statement being typed: several lines, coloured, with those typed before behind Up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.painter import cells
from stockpulse_tui.sql_words import spans_of, tinted
from stockpulse_tui.text_edit import MAX_TEXT
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from stockpulse_tui.sql_work import SqlWork

TOO_LONG = f"a statement has {MAX_TEXT:,} characters at most; `sp sql -` reads a longer one from a file"
HINT = "select …"


def work_of(pane: Panel) -> SqlWork:
    """The work that the panes of the screen share."""
    from stockpulse_tui.screens.sql import SqlScreen

    screen = pane.parent
    assert isinstance(screen, SqlScreen)
    return screen.work


class SqlEditor(Panel):
    """Letters are text here; Enter runs, Ctrl+J breaks the line, Tab goes on to the answer."""

    context = Context.SQL
    title = "SQL"
    is_typing = True
    ticks_seconds = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._top = 0

    def title_left(self) -> Line:
        """No instrument: a statement names its own."""
        return ()

    def title_right(self) -> Line:
        """How long it has been running."""
        work, bg = work_of(self), self.title_bg
        if not work.is_running:
            return ()
        key = self.shell.keymap.key_of("sql.cancel", self.context)
        return (
            Span(f"running {work.seconds:.0f} s  ", "warn", bg, bold=True),
            Span(f"{key} ends it", "muted", bg),
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The lines, long ones on as many rows as they need, scrolled to the cursor."""
        edit = work_of(self).edit
        if not edit.text and not self.is_active:
            return [(Span(f" {self.shell.glyphs.prompt} {HINT}", "faint"),)]
        rows, at = self._rows(edit.text, edit.cursor, max(10, width - 4))
        self._top = max(min(self._top, at), at - height + 1, 0)
        return rows[self._top : self._top + height]

    def _rows(self, text: str, cursor: int, room: int) -> tuple[list[Line], int]:
        """Every row, and which one the cursor is on."""
        rows: list[Line] = []
        at = offset = 0
        for number, line in enumerate(text.split("\n")):
            tokens = [*tinted(line), "text"]
            letters = [*line, " "]  # the cursor has a place behind the last one
            for start in range(0, len(letters), room):
                part = range(start, min(start + room, len(letters)))
                if offset + part[0] <= cursor <= offset + part[-1]:
                    at = len(rows)
                mark = self.shell.glyphs.prompt if not (number or start) else " "
                drawn = [self._letter(letters[i], tokens[i], is_here=offset + i == cursor) for i in part]
                rows.append((Span(f" {mark} ", "accent"), *spans_of(drawn)))
            offset += len(line) + 1
        return rows, at

    def _letter(self, letter: str, token: str, *, is_here: bool) -> tuple[str, str, str]:
        if is_here and self.is_active:
            return cells(letter) or " ", "ink", "accent"
        return cells(letter), token, "panel"

    # -- keys

    def take_key(self, key: str) -> bool:
        """Letters are text; what edits nothing means what it means elsewhere."""
        edit = work_of(self).edit
        room = MAX_TEXT - len(edit.text)
        if not edit.take(key):
            if len(key) == 1 and key != "!" and key.isprintable() and not room:
                self.shell.notify_line(TOO_LONG, "warn")
                return True
            return False
        self.redraw()
        return True

    def take_paste(self, text: str) -> None:
        """Pasted text, its lines kept."""
        if not work_of(self).edit.insert(text):
            self.shell.notify_line(TOO_LONG, "warn")
        self.redraw()

    def do_sql_newline(self) -> None:
        """Break the line."""
        work_of(self).edit.insert("\n")
        self.redraw()

    def do_sql_earlier(self) -> None:
        """One line up, else the statement before."""
        self._walk(1)

    def do_sql_later(self) -> None:
        """One line down, else the statement after."""
        self._walk(-1)

    def _walk(self, step: int) -> None:
        work = work_of(self)
        if not work.edit.move_line(-step):
            found = work.past.walk(step, work.edit.text)
            if found is None:
                self.shell.notify_line("there is none earlier" if step > 0 else "this is the last one")
            else:
                work.edit.set(found)
        self.redraw()

    def do_view_back(self) -> None:
        """Esc: to the answer, where letters are keys."""
        self.shell.view.focus_pane("result")
