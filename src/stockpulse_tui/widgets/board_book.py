"""The watchlist's finished cells: each made once per value, background and theme, and found by what it shows.

Prices, changes and spreads come again and again. A cell seen before costs one look into a dictionary; and as equal
looks are the same object, what changed on a row is found without comparing a letter.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import accumulate
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING

from stockpulse_engine.render.span import Span
from stockpulse_tui.widgets import board_cells as cell

if TYPE_CHECKING:
    from stockpulse_tui.painter import Painter
    from stockpulse_tui.widgets.board_cells import Cells, ColumnSpec
    from stockpulse_tui.widgets.board_row import BoardRow
    from stockpulse_tui.widgets.flash import Flash

MAX_PIECES = 4096
"""Of one kind; above that all are forgotten and made again."""
FIRST_COLUMN = 2
"""The mark and the instrument come before the columns."""


class Piece:
    """One cell: its spans, and the terminal's text for them once it was needed."""

    __slots__ = ("spans", "text")

    def __init__(self, spans: Cells) -> None:
        self.spans = spans
        self.text = ""


class Pieces(dict[Hashable, Piece]):
    """Cells of one kind by what they show, made when first asked for."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Cells]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Hashable) -> Piece:
        if len(self) >= MAX_PIECES:
            self.clear()
        piece = self[key] = Piece(self._make(key))
        return piece


class RowLook:
    """How rows are painted now: columns, painter, and what is special about the row at hand.

    One object per board, changed from row to row, and made anew for another width, theme or dimming.
    """

    __slots__ = (
        "_books", "bg", "book", "columns", "flash", "forward", "is_flooded", "mark", "name_width", "pad", "painter",
        "stale_ns", "underlined", "used", "width", "xs",
    )  # fmt: skip

    def __init__(
        self, painter: Painter, width: int, name_width: int, columns: tuple[tuple[ColumnSpec, int], ...]
    ) -> None:
        self.painter = painter
        self.width = width
        self.columns = columns
        self.name_width = name_width
        self.xs = list(accumulate((0, 1, name_width, *(own for _, own in columns))))
        """Where the mark, the instrument, each column, the blanks at the end and what is beyond them begin."""
        self.used = self.xs[-1]
        self.pad = max(0, width - self.used)
        self.xs.append(width)
        self.forward = ["", *(f"\x1b[{steps}C" for steps in range(1, width + 1))]
        """What moves the terminal's cursor so many cells to the right."""
        self._books: dict[str, Book] = {}
        self.bg = "panel"
        self.book = self.book_of(self.bg)
        self.flash: Flash | None = None
        self.is_flooded = False
        self.mark: Span | None = None
        self.stale_ns = -1
        self.underlined = -1
        """Index of the column under the cell cursor, -1 while it is not shown; 0 is the instrument."""

    def book_of(self, bg: str) -> Book:
        """The finished cells of a background."""
        book = self._books.get(bg)
        if book is None:
            book = self._books[bg] = Book(self, bg)
        return book


class Book:
    """Every cell of one background."""

    __slots__ = ("_ink", "bg", "columns", "hot", "last_at", "lit", "marks", "names", "pad", "start")

    def __init__(self, look: RowLook, bg: str) -> None:
        self.bg = bg
        self._ink = look.painter.inside
        self.start = look.painter.ground(bg)
        """What sets the background, before the first cell."""
        self.marks = Pieces(lambda key: cell.mark_cell(key, bg))
        self.names = Pieces(lambda key: cell.name_cell(key[0], key[1], look.name_width, bg))
        width = next((own for column, own in look.columns if column.name == "last"), 0)
        self.lit = Pieces(lambda key: cell.lit_cell(key, width, bg))
        self.columns = [_column(column, own, bg) for column, own in look.columns]
        self.pad = Piece((Span(" " * look.pad, "text", bg),))
        names = [column.name for column, _ in look.columns]
        self.last_at = FIRST_COLUMN + names.index("last")
        places = enumerate(names, start=FIRST_COLUMN)
        self.hot = [
            (i, look.xs[i], look.xs[i + 1], *self.columns[i - FIRST_COLUMN])
            for i, name in places
            if name in cell.VOLATILE
        ]
        """Of the columns that a quote can change: number, where they begin and end, cells and key."""

    def ink(self, piece: Piece) -> str:
        """The terminal's text for a cell that stands between others of this background."""
        piece.text = self._ink(piece.spans, self.bg)
        return piece.text


def _column(column: ColumnSpec, width: int, bg: str) -> tuple[Pieces, Callable[[BoardRow], Hashable]]:
    """The cells of a column, and what of a row names the one it shows."""
    make = cell.MAKERS[column.name]
    key = _KEYS.get(column.name) or methodcaller("range_key", width - cell.GAP)
    return Pieces(lambda found: make(found, width, bg)), key


_KEYS: dict[str, Callable[[BoardRow], Hashable]] = {
    "last": attrgetter("last_text"),
    "chg%": attrgetter("hundredths"),
    "today": lambda row: (row.spark_text, row.is_up),
    "rvol": lambda row: (cell.ratio_text(row.rvol), (row.rvol or 0) >= cell.RVOL_LOUD),
    "bp": attrgetter("tenths"),
}
"""What each cell looks like, in short: equal keys, equal cells. The day's range depends on the width as well."""
