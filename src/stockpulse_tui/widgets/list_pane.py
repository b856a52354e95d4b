"""Panes that are lists or tables with a cursor: moving, mouse, scrolling, finding; the cursor stays on its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from msgspec import structs

from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row, TableView, fit_columns, render_table
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events


class ListPane(Panel):
    """Subclasses keep `keys` true (one per row) and draw rows from `self.top`, the first one at `self.list_y`.

    The cursor belongs to a key, not to a place. Where `keeps_gone` is set and the row goes from under the cursor of the
    pane in front, the cursor is on nothing until it is moved: a key meant for that row never acts on its neighbour.
    """

    keeps_gone: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.keys: Sequence[str] = ()
        self.at = 0
        self.gone = ""
        """Key of the row that went from under the cursor, "" while the cursor is on a row."""
        self.top = 0
        self.room = 1
        self.list_y = 2
        """Row of the widget where the first row of the list is drawn."""

    @property
    def key(self) -> str:
        """Key of the row under the cursor, "" in an empty list and where the row is gone."""
        return self.keys[self.at] if self.at < len(self.keys) and not self.gone else ""

    def take_keys(self, keys: Sequence[str]) -> None:
        """The rows are these now; the cursor stays on its row, else at its place or, when that is kept, on none."""
        kept = self.gone or self.key
        self.keys = keys
        self.gone = ""
        if kept in keys:
            self.at = list(keys).index(kept)
        elif kept and keys and self.keeps_gone and self.shell.view.front_pane is self:
            self.gone = kept
        self.at = max(0, min(self.at, len(keys) - 1))
        if self.key != kept and not self.gone:
            self.selected()

    def let_go(self) -> None:
        """Another list is about to be shown, because it was asked for: what is not in it is not gone."""
        self.keys, self.gone = (), ""

    def keep_in_sight(self, room: int) -> None:
        """Scroll so that the cursor is within `room` rows."""
        self.room = max(1, room)
        self.top = max(0, min(self.top, len(self.keys) - self.room))
        if self.at < self.top:
            self.top = self.at
        elif self.at >= self.top + self.room:
            self.top = self.at - self.room + 1

    def selected(self) -> None:
        """The cursor is on another row; panes that others follow say so here."""

    def find_text(self, key: str) -> str:
        """What `/` searches in a row."""
        return key

    def go_to(self, place: int) -> None:
        """Move the cursor to a row."""
        if not self.keys:
            return
        before = self.key
        self.gone = ""
        self.at = max(0, min(len(self.keys) - 1, place))
        self.redraw()
        if self.key != before:
            self.selected()

    def select_key(self, key: str) -> None:
        """Move the cursor to a row by its key."""
        if key in self.keys:
            self.go_to(list(self.keys).index(key))

    def where(self) -> str:
        """`12 of 214` when the list is longer than the pane."""
        place = "·" if self.gone else str(self.at + 1)
        return f"{place} of {len(self.keys)}" if len(self.keys) > self.room else ""

    def do_move_down(self) -> None:
        """One row down."""
        self.go_to(self.at + (not self.gone))  # the rows below have moved up to where the cursor was

    def do_move_up(self) -> None:
        """One row up."""
        self.go_to(self.at - 1)

    def do_move_page_down(self) -> None:
        """One page down."""
        self.go_to(self.at + max(1, self.room - 1))

    def do_move_page_up(self) -> None:
        """One page up."""
        self.go_to(self.at - max(1, self.room - 1))

    def do_move_first(self) -> None:
        """The first row."""
        self.go_to(0)

    def do_move_last(self) -> None:
        """The last row."""
        self.go_to(len(self.keys) - 1)

    def do_row_open(self) -> None:
        """Enter on the row."""

    def do_list_find(self) -> None:
        """Ask for the first letters; the cursor moves as they are typed."""
        self.shell.windows.ask("find", "/", on_change=self._find)

    def _find(self, text: str) -> None:
        wanted = text.strip().upper()
        place = next((i for i, key in enumerate(self.keys) if self.find_text(key).upper().startswith(wanted)), -1)
        if wanted and place >= 0:
            self.go_to(place)

    def on_click(self, event: events.Click) -> None:
        """The mouse moves the cursor; a second click opens."""
        place = self.top + event.y - self.list_y
        if event.y >= self.list_y and place < min(len(self.keys), self.top + self.room):
            is_again = place == self.at and event.chain > 1 and not self.gone
            self.go_to(place)
            if is_again:
                self.do_row_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at - 3)


class TablePane(ListPane):
    """A list drawn as a table of columns, with a cell cursor for `?` and `y`."""

    goes_stale: ClassVar[bool] = False
    """Whether its rows are the engine's word of this moment: they turn grey when the engine is lost."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.column = 0
        """Which of the columns in sight the cell cursor is on."""
        self.has_cell_cursor = False
        self._names: tuple[str, ...] = ()

    @property
    def column_name(self) -> str:
        """Title of the column under the cell cursor, "" while there is none."""
        return self._names[self.column] if self.has_cell_cursor and self.column < len(self._names) else ""

    def table(
        self,
        columns: Sequence[Column],
        row: Callable[[int], Row],
        size: tuple[int, int],
        *,
        gap: int = 2,
        totals: Row | None = None,
    ) -> list[Line]:
        """The table with cursor and scrolling. Only rows in sight are made; a column is as wide as what it holds."""
        width, height = size
        self.keep_in_sight(height - 1 - (totals is not None))
        rows = [row(place) for place in range(self.top, min(len(self.keys), self.top + self.room))]
        held = [*rows, totals] if totals is not None else rows
        columns = tuple(_wide_enough(column, [one.cells[i] for one in held]) for i, column in enumerate(columns))
        shown = fit_columns(columns, width - 1, gap)
        self._names = tuple(columns[index].title for index, _ in shown)
        self.column = min(self.column, max(0, len(shown) - 1))
        y = -1 if self.gone else self.at - self.top
        view = TableView(columns=columns, rows=rows, selected=y, is_focused=self.is_active, gap=gap, totals=totals)
        lines = render_table(view, width, height, self.shell.glyphs)
        if self.goes_stale and self.shell.status.lost_ns() >= 0:
            lines = [greyed(line) for line in lines]
        if self.has_cell_cursor and shown and 0 <= y < len(rows):
            start = 1 + sum(own + gap for _, own in shown[: self.column])
            lines[y + 1] = underlined(lines[y + 1], start, start + shown[self.column][1])
        return lines

    def stale_words(self, bg: str) -> Line:
        """How old the rows are while the engine is lost, nothing while it is there."""
        lost = self.shell.status.lost_ns()
        return () if lost < 0 else (Span(f"as it was {format_age(lost)} ago", "warn", bg, bold=True),)

    def do_move_left(self) -> None:
        """One cell to the left."""
        self._move_cell(-1)

    def do_move_right(self) -> None:
        """One cell to the right."""
        self._move_cell(1)

    def _move_cell(self, step: int) -> None:
        count = max(1, len(self._names))
        self.column = (self.column + step) % count if self.has_cell_cursor else 0
        self.has_cell_cursor = True
        self.redraw()


def _wide_enough(column: Column, held: Sequence[Cell]) -> Column:
    """Numbers are never cut: the column grows to the widest of them; words may end in an ellipsis."""
    if not column.is_right:
        return column
    widest = max((sum(len(part.text) for part in cell.parts) or len(cell.text) for cell in held), default=0)
    return structs.replace(column, width=widest) if widest > column.width else column


def greyed(line: Line) -> Line:
    """The line as it was, in the colour of what is not known to hold any more."""
    return tuple(Span(span.text, "faint", span.bg, span.bold, span.italic, span.underline) for span in line)


def underlined(line: Line, start: int, end: int) -> Line:
    """The line with the cells from `start` to `end` underlined."""
    out: list[Span] = []
    x = 0
    for span in line:
        cuts = sorted({x, x + len(span.text), *(at for at in (start, end) if x < at < x + len(span.text))})
        for left, right in pairwise(cuts):
            is_in = start <= left < end
            text = span.text[left - x : right - x]
            out.append(Span(text, span.fg, span.bg, span.bold, span.italic, is_in or span.underline))
        x += len(span.text)
    return tuple(out)
