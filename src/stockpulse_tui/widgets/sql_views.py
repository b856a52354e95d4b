"""What a statement can select from: views, and under each its columns; Enter puts the name into the statement."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.render.span import Line, Span, fit, spread
from stockpulse_engine.wire.sql import SqlColumn, SqlView
from stockpulse_tui.cell import Cell
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.cursor_pane import CursorPane
from stockpulse_tui.widgets.sql_editor import TOO_LONG, work_of
from stockpulse_tui.widgets.states import empty_state

Entry = tuple[SqlView, SqlColumn | None]


class SqlViews(CursorPane):
    """Names as a list; what the one under the cursor holds is told at the bottom."""

    context = Context.RESULT
    title = "Views"

    def title_left(self) -> Line:
        """Nothing but its name."""
        return ()

    @property
    def entries(self) -> list[Entry]:
        """Views, each followed by its columns; of `…_versions` only the name, they have the columns of their table."""
        found: list[Entry] = []
        for view in work_of(self).views:
            found.append((view, None))
            if not view.name.endswith("_versions"):
                found += [(view, column) for column in view.columns]
        return found

    @property
    def count(self) -> int:
        """All names."""
        return len(self.entries)

    def text_at(self, place: int) -> str:
        """The name."""
        view, column = self.entries[place]
        return column.name if column is not None else view.name

    def go_to(self, place: int) -> None:
        """Move the cursor."""
        self.at = max(0, min(self.count - 1, place))
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The names with their types, and what the view holds."""
        work, entries = work_of(self), self.entries
        if not entries:
            if work.views_problem is not None:
                return empty_state("!", "The views could not be read", str(work.views_problem), (width, height))
            return empty_state("…", "Reading the views", "The store is asked what it holds.", (width, height))
        self.at = min(self.at, len(entries) - 1)
        view, _ = entries[self.at]
        told = wrap(cells(clean_line(view.about, 200)), max(10, width - 2))[:3]
        self.list_y = 1
        self.keep_in_sight(height - len(told) - 1)
        rows = [
            self._row(entries[y], y == self.at, width) for y in range(self.top, min(len(entries), self.top + self.room))
        ]
        blank: list[Line] = [()] * (self.room - len(rows))
        return [*rows, *blank, (), *((Span(f" {row}", "muted"),) for row in told)]

    def _row(self, entry: Entry, is_here: bool, width: int) -> Line:
        view, column = entry
        bg = self.select_bg if is_here else "panel"
        mark = self.select_mark(bg) if is_here else Span(" ", "text", bg)
        if column is None:
            return fit((mark, Span(cells(clean_line(view.name, 64)), "strong", bg, bold=True)), width, bg=bg)
        name = Span(f"  {cells(clean_line(column.name, 64))}", "text", bg)
        kind = Span(f"{clean_line(column.type, 24).lower()} ", "faint", bg)
        return spread((mark, name), (kind,), width, bg=bg)

    def do_row_open(self) -> None:
        """Put the name into the statement; an empty one becomes a whole statement."""
        if not self.count:
            self.shell.notify_line("there are no views yet")
            work_of(self).read_views()
            return
        edit, (view, column) = work_of(self).edit, self.entries[self.at]
        name = column.name if column is not None else view.name
        text = " ".join(("select", "*" if column is None else name, "from", view.name, "limit 100"))
        if not edit.insert(name if edit.text.strip() else text):
            self.shell.notify_line(TOO_LONG, "warn")
        self.shell.view.focus_pane("sql")

    def _move_cell(self, step: int) -> None:
        """Left and right: to the view before and after."""
        named = [place for place, (_, column) in enumerate(self.entries) if column is None]
        beyond = [place for place in named if (place - self.at) * step > 0]
        if beyond:
            self.go_to(beyond[0] if step > 0 else beyond[-1])
        else:
            self.shell.notify_line("there is no view further on" if step > 0 else "this is the first view")

    def do_view_back(self) -> None:
        """Esc: to the statement."""
        self.shell.view.focus_pane("sql")

    def cell(self) -> Cell | None:
        """The name under the cursor."""
        if not self.count:
            return None
        view, column = self.entries[self.at]
        name = column.name if column is not None else view.name
        kind = column.type if column is not None else clean_line(view.about, 200)
        return Cell(name=name, value=name, source=f"view {view.name}", formula=kind)
