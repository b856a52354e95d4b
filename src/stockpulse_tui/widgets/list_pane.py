"""Panes that are lists or tables with a cursor which stays on its row, whatever comes and goes around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from msgspec import structs

from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row, TableView, fit_columns, render_table
from stockpulse_tui.widgets.cursor_pane import CursorPane


class ListPane(CursorPane):
    """Subclasses keep `keys` true, one per row.

    The cursor belongs to a key, not to a place. Where `keeps_gone` is set and the row goes from under the cursor of the
    pane in front, the cursor is on nothing until it is moved: a key meant for that row never acts on its neighbour.
    """

    keeps_gone: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.keys: Sequence[str] = ()
        self.gone = ""
        """Key of the row that went from under the cursor, "" while the cursor is on a row."""

    @property
    def count(self) -> int:
        """One row per key."""
        return len(self.keys)

    @property
    def is_off(self) -> bool:
        """Whether the row is gone."""
        return bool(self.gone)

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

    def selected(self) -> None:
        """The cursor is on another row; panes that others follow say so here."""

    def find_text(self, key: str) -> str:
        """What `/` searches in the row of a key."""
        return key

    def text_at(self, place: int) -> str:
        """What `/` searches in a row."""
        return self.find_text(self.keys[place])

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


class TablePane(ListPane):
    """A list drawn as a table of columns, with a cell cursor for `?` and `y`."""

    goes_stale: ClassVar[bool] = False
    """Whether its rows are the engine's word of this moment: they turn grey when the engine is lost."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()

    @property
    def column_count(self) -> int:
        """The columns in sight."""
        return len(self._names)

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
