"""The answer: rows that scroll both ways, a drawing of one column, a refusal in words, or examples to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.render.plot import render_plot
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_engine.render.table import Cell as Drawn
from stockpulse_engine.render.table import Column, Row, TableView, render_table
from stockpulse_tui.cell import Cell
from stockpulse_tui.painter import cells
from stockpulse_tui.sql_plot import drawing_of
from stockpulse_tui.sql_table import GAP, NULL, AnswerTable, raw
from stockpulse_tui.sql_words import EXAMPLES
from stockpulse_tui.widgets.cursor_pane import CursorPane
from stockpulse_tui.widgets.list_pane import underlined
from stockpulse_tui.widgets.sql_editor import work_of
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.messages import LineEntered

ABOUT_WIDTH = 40
FILE = "answer.csv"


class SqlResult(CursorPane):
    """Only rows and columns in sight are made, so that ten thousand rows scroll like ten."""

    context = Context.RESULT
    title = "Answer"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.is_plot = False
        self._table: AnswerTable | None = None
        self._serial = 0
        self._left = 0
        """First column in sight."""

    @property
    def table(self) -> AnswerTable | None:
        """The answer, prepared once; a new one begins at its first row."""
        work = work_of(self)
        if work.serial != self._serial:
            self._serial = work.serial
            self._table = AnswerTable(work.answer) if work.answer is not None else None
            self.at = self.top = self.column = self._left = 0
            self.is_plot = False
        return self._table

    @property
    def is_offering(self) -> bool:
        """Whether examples are shown: nothing was asked yet."""
        work = work_of(self)
        return self.table is None and work.problem is None and not work.is_running

    @property
    def count(self) -> int:
        """Rows of the answer, or examples."""
        table = self.table
        return len(table.answer.rows) if table is not None else len(EXAMPLES) if self.is_offering else 0

    @property
    def column_count(self) -> int:
        """All columns of the answer."""
        return len(self.table.columns) if self.table is not None else 1

    def text_at(self, place: int) -> str:
        """What `/` searches: the column under the cursor."""
        return self.table.text(place, self.column) if self.table is not None else EXAMPLES[place].about

    def go_to(self, place: int) -> None:
        """Move the cursor to a row; a drawing shows the series of that row."""
        self.at = max(0, min(self.count - 1, place))
        self.redraw()

    # -- drawing

    def title_left(self) -> Line:
        """How much there is."""
        table, bg = self.table, self.title_bg
        if table is None:
            return ()
        rows, columns = len(table.answer.rows), len(table.columns)
        words = f"{rows:,} row{'s' * (rows != 1)}, {columns} column{'s' * (columns != 1)}"
        cut = "  cut: there are more" if table.answer.is_cut else ""
        return (Span(words, "muted", bg), Span(cut, "warn", bg, bold=True))

    def title_right(self) -> Line:
        """Where the cursor is, and how long it took."""
        work, bg, table = work_of(self), self.title_bg, self.table
        if work.is_running:
            return (Span("…", "accent", bg),)
        if table is None:
            return ()
        place = f"{self.at + 1:,} of {self.count:,}   " if self.count > self.room and not self.is_plot else ""
        return (Span(f"{place}{table.answer.elapsed_ms / 1000:.2f} s", "muted", bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Rows, drawing, refusal, or what to begin with."""
        work, table, size = work_of(self), self.table, (width, height)
        if table is None and work.problem is not None:
            return _refusal(work.problem, size)
        if table is None:
            return self._first(size)
        if not table.answer.rows:
            return empty_state("·", "No rows", "The statement ran; nothing matches it.", size)
        return self._drawing(table, size) if self.is_plot else self._rows(table, size)

    def _first(self, size: tuple[int, int]) -> Sequence[Line]:
        """Nothing is there yet: a statement is on its way, was ended, or none was asked."""
        work, (width, height) = work_of(self), size
        if work.is_running:
            return empty_state("…", "Running", "It runs in a process of its own; the screen goes on.", size)
        head = "Ended: nothing more of it runs." if work.was_canceled else "Ask what is stored. Enter takes an example."
        lines: list[Line] = [(Span(f"  {head}", "muted"),), ()]
        self.list_y = 1 + len(lines)
        self.keep_in_sight(height - len(lines) - 4)
        for place in range(self.top, min(self.count, self.top + self.room)):
            example, is_here = EXAMPLES[place], place == self.at
            bg = self.select_bg if is_here else "panel"
            mark = self.select_mark(bg) if is_here else Span(" ", "text", bg)
            about = Span(f" {example.about:<{ABOUT_WIDTH}.{ABOUT_WIDTH}} ", "text", bg)
            lines.append(fit((mark, about, Span(example.statement, "faint", bg)), width, bg=bg))
        told = wrap(EXAMPLES[self.at].statement, max(20, width - 4))[:3]
        return [*lines, (), *((Span(f"  {row}", "strong"),) for row in told)]

    def _rows(self, table: AnswerTable, size: tuple[int, int]) -> list[Line]:
        width, height = size
        self.keep_in_sight(height - 1)
        self.list_y = 2
        shown = self._columns_in_sight(table, width - 2)
        columns = tuple(
            Column(
                title=table.names[i],
                width=min(table.width(i), width - 2),
                is_right=table.columns[i].is_number,
            )
            for i in shown
        )
        last = min(self.count, self.top + self.room)
        rows = [Row(cells=tuple(_drawn(table.text(y, i)) for i in shown)) for y in range(self.top, last)]
        view = TableView(columns=columns, rows=rows, selected=self.at - self.top, is_focused=self.is_active, gap=GAP)
        lines = render_table(view, width, height, self.shell.glyphs)
        start = 1 + sum(column.width + GAP for column in columns[: shown.index(self.column)])
        y = self.at - self.top + 1
        lines[y] = underlined(lines[y], start, start + columns[shown.index(self.column)].width)
        lines[0] = self._edges(lines[0], shown)
        return lines

    def _columns_in_sight(self, table: AnswerTable, room: int) -> list[int]:
        """The columns around the cursor: it never leaves the sight."""
        self.column = min(self.column, len(table.columns) - 1)
        self._left = min(self._left, self.column)
        while self.column not in (shown := table.seen_from(self._left, room)):
            self._left += 1
        return shown

    def _edges(self, heading: Line, shown: list[int]) -> Line:
        """The heading says that there is more to the left or to the right."""
        width = sum(len(span.text) for span in heading)
        left, right = shown[0] > 0, shown[-1] < self.column_count - 1
        row = heading if not left else (Span("<", "accent"), *fit(heading, width)[1:])
        return (*fit(row, width - 2), Span(" >", "accent")) if right else row

    def _drawing(self, table: AnswerTable, size: tuple[int, int]) -> Sequence[Line]:
        width, height = size
        name = table.names[self.column]
        drawn = drawing_of(table.answer, self.column, width, self.at)
        lines = render_plot(
            drawn.values,
            width - 2,
            height - 2,
            first=clean_line(drawn.first, 32),
            last=clean_line(drawn.last, 32),
            places=drawn.places,
            glyphs=self.shell.glyphs,
        )
        if not lines:
            why = f"{name} has {drawn.points} of them here."
            return empty_state("·", "Fewer than two numbers, or no room: nothing to draw", why, size)
        of = f" of {cells(clean_line(drawn.of, 80))}" if drawn.of else ""
        head: Line = (Span(f" {name}{of}", "strong", bold=True), Span(f"   {drawn.points:,} points", "muted"))
        return [head, *((Span(" "), *line) for line in lines)]

    # -- actions

    def do_row_open(self) -> None:
        """An example goes into the statement and runs; a cell is told in full."""
        work = work_of(self)
        if self.is_offering:
            work.edit.set(EXAMPLES[self.at].statement)
            work.run()
            self.shell.view.panes["sql"].redraw()
        elif self.cell() is not None:
            self.shell.run_action_id("cell.explain")
        else:
            self.shell.notify_line("there is no row to open")

    def _move_cell(self, step: int) -> None:
        if self.table is None:
            self.shell.notify_line("there are no columns yet: Enter runs the example")
        super()._move_cell(step)

    def do_sql_plot(self) -> None:
        """Draw the column under the cursor, or the first one of numbers."""
        table = self.table
        numbers = [i for i, column in enumerate(table.columns) if column.is_number] if table is not None else []
        if not numbers or not self.count:
            self.shell.notify_line("there is no column of numbers to draw")
            return
        if not self.is_plot and self.column not in numbers:
            self.column = next((i for i in numbers if i > self.column), numbers[0])
        self.is_plot = not self.is_plot
        self.redraw()

    def do_view_back(self) -> None:
        """Esc: from the drawing to the rows, from the rows to the statement."""
        if self.is_plot:
            self.is_plot = False
            self.redraw()
        elif self.shell.view.zoomed:
            self.shell.view.do_pane_zoom()
        else:
            self.shell.view.focus_pane("sql")

    def do_sql_export(self) -> None:
        """Ask for a file, or take the one named on the command line."""
        words = self.shell.command.arguments if self.shell.command else ()
        if self.table is None:
            self.shell.notify_line("there is no answer to write")
        elif words:
            self._write(" ".join(words))
        else:
            self.shell.windows.ask("sql.export", "write rows to .csv, .json or .parquet:", initial=FILE)

    def on_line_entered(self, message: LineEntered) -> None:
        """The file was named."""
        if message.purpose == "sql.export":
            message.stop()
            self._write(message.text)

    def _write(self, name: str) -> None:
        table = self.table
        if name.strip() and table is not None:
            self.shell.in_background(self._export(table, Path(name.strip()).expanduser()))

    async def _export(self, table: AnswerTable, target: Path) -> None:
        from stockpulse_engine.client.tablefile import write_new_table

        shell, answer = self.shell, table.answer
        columns = [(column.name, column.type) for column in answer.columns]
        try:
            await in_thread(lambda: write_new_table(columns, answer.rows, target))
        except StockPulseError as error:
            shell.notify_line(str(error), "danger")
            return
        more = "; the answer was cut: `sp sql … --out FILE` writes all of it" if answer.is_cut else ""
        shell.notify_line(f"{len(answer.rows):,} rows written to {target}{more}", "warn" if more else "info")

    def cell(self) -> Cell | None:
        """The value under the cursor, whole."""
        table = self.table
        if table is None or not self.count:
            return None
        row = table.answer.rows[self.at]
        return Cell(
            name=table.names[self.column],
            value=clean_line(raw(row[self.column]), 2_000) or NULL,
            source=f"SQL over stored history, {table.columns[self.column].type}",
            formula=clean_line(work_of(self).statement, 400),
            row=dict(zip(table.names, (clean_line(raw(value), 2_000) for value in row), strict=True)),
        )


def _drawn(text: str) -> Drawn:
    return Drawn(text, "faint" if text == NULL else "text")


def _refusal(problem: StockPulseError, size: tuple[int, int]) -> list[Line]:
    """What was wrong, in words, and what to do about it."""
    width, height = size
    room = max(20, width - 6)
    lines: list[Line] = [(), (Span("  !  ", "danger", bold=True), Span("Not answered", "strong", bold=True)), ()]
    lines += [(Span(f"     {row}", "text"),) for row in wrap(cells(clean_line(problem.message, 600)), room)[:6]]
    if problem.fix:
        lines += [
            (),
            *((Span(f"     {row}", "accent"),) for row in wrap(cells(clean_line(problem.fix, 400)), room)[:4]),
        ]
    return lines[:height]
