"""An answer as columns of text: what a cell shows, how wide a column is, which columns fit. Pure.

An answer has thousands of rows and a screen shows forty: a column is looked at when it first comes into sight.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from stockpulse_engine.base.text import clean_line, clean_text
from stockpulse_engine.wire.sql import Cell, SqlColumn, SqlTable
from stockpulse_tui.painter import cells

NULL = "·"
MAX_CELL = 2_000
WIDEST_TEXT = 40
"""Words may end in an ellipsis; numbers never do."""
PLAN = "plan"
GAP = 2


class AnswerTable:
    """The answer, prepared column by column."""

    def __init__(self, answer: SqlTable) -> None:
        self.answer = answer
        self.names = tuple(cells(clean_line(column.name, 64)) or NULL for column in answer.columns)
        self.is_plan = [column.name for column in answer.columns] == [PLAN]
        self._widths: dict[int, int] = {}
        self._places: dict[int, int] = {}

    @property
    def columns(self) -> tuple[SqlColumn, ...]:
        """Their names and types as the engine said."""
        return self.answer.columns

    def width(self, column: int) -> int:
        """Cells that a column takes."""
        found = self._widths.get(column)
        if found is None:
            found = self._widths[column] = max(self._longest(column), len(self.names[column]))
        return found

    def _longest(self, column: int) -> int:
        """Cells of the longest value, told from what came: ten thousand rows are not made to be measured."""
        kind = self.columns[column]
        if kind.type.startswith("DECIMAL"):
            decimals = self._decimals(column)
            wholes = max((len(str(row[column]).partition(".")[0]) for row in self.answer.rows), default=1)
            return wholes + (wholes - 1) // 3 + (decimals + 1 if decimals else 0)
        if kind.is_number:
            return max((len(self.text(row, column)) for row in range(len(self.answer.rows))), default=0)
        told = enumerate(raw(row[column]) for row in self.answer.rows)
        longest = max((len(one) if _is_plain(one) else len(self.text(y, column)) for y, one in told), default=0)
        return longest if self.is_plan else min(longest, WIDEST_TEXT)

    def text(self, row: int, column: int) -> str:
        """A cell as it is shown: one line, harmless, numbers with the decimals that their column needs."""
        value = self.answer.rows[row][column]
        kind = self.columns[column]
        if kind.is_number and value is not None:
            return self._number(value, column)
        return cells(clean_text(raw(value), MAX_CELL) if self.is_plan else clean_line(raw(value), MAX_CELL)) or NULL

    def _number(self, value: Cell, column: int) -> str:
        if isinstance(value, float):
            return f"{value:,.10g}"
        if not self.columns[column].type.startswith("DECIMAL"):
            return str(value)
        try:
            return f"{Decimal(str(value)):,.{self._decimals(column)}f}"
        except InvalidOperation:
            return cells(clean_line(str(value), 64))

    def _decimals(self, column: int) -> int:
        """Decimals that say something in any row of the column; two where any does."""
        found = self._places.get(column)
        if found is None:
            tails = (str(row[column]).partition(".")[2].rstrip("0") for row in self.answer.rows)
            most = max(map(len, tails), default=0)
            found = self._places[column] = max(most, 2) if most else 0
        return found

    def seen_from(self, left: int, room: int) -> list[int]:
        """Columns that fit into `room` cells from `left` on, at least one."""
        found: list[int] = []
        for column in range(left, len(self.columns)):
            room -= self.width(column) + (GAP if found else 0)
            if room < 0 and found:
                break
            found.append(column)
        return found


def raw(value: Cell) -> str:
    """A cell as the engine said it, "" for NULL."""
    return "" if value is None else ("true" if value else "false") if isinstance(value, bool) else str(value)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
