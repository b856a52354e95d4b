"""A terminal that only remembers: what stands in each cell and in which style, after everything that was written."""

from __future__ import annotations

import re
from typing import NamedTuple

from rich.cells import cell_len

_PIECE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|(\n)|([^\x1b\n]+)")
_FLAGS = {"1": "bold", "3": "italic", "4": "underline"}
_OFF = {"22": "bold", "23": "italic", "24": "underline"}


class ScreenCell(NamedTuple):
    """A letter, its colours as the terminal was told them, and what is switched on."""

    letter: str = " "
    fg: str = ""
    bg: str = ""
    flags: frozenset[str] = frozenset()


BLANK = ScreenCell()


class FakeTerminal:
    """Takes text with escape sequences: cursor addresses (`H`), steps to the right (`C`), line feeds and styles (`m`)."""

    def __init__(self, width: int, height: int) -> None:
        self.cells = [[BLANK] * width for _ in range(height)]
        self._x = self._y = 0
        self._style = BLANK

    def write(self, text: str) -> None:
        """What a program sends."""
        for numbers, final, feed, letters in _PIECE.findall(text):
            if feed:
                self._y += 1
            elif letters:
                self._letters(letters)
            elif final == "H":
                self._y, self._x = (int(number) - 1 for number in numbers.split(";"))
            elif final == "C":
                self._x += int(numbers)
            elif final == "m":
                self._restyle(numbers.split(";"))
            else:
                raise AssertionError(f"this terminal does not know {numbers}{final}")

    def row(self, y: int) -> str:
        """The letters of a row."""
        return "".join(cell.letter for cell in self.cells[y])

    def _letters(self, letters: str) -> None:
        for letter in letters:
            if self._y < len(self.cells) and self._x < len(self.cells[self._y]):
                self.cells[self._y][self._x] = self._style._replace(letter=letter)
            self._x += cell_len(letter)

    def _restyle(self, codes: list[str]) -> None:
        style, rest = self._style, list(codes)
        while rest:
            code = rest.pop(0)
            if code in ("38", "48"):
                count = 4 if rest[0] == "2" else 2
                value, rest = ";".join(rest[:count]), rest[count:]
                style = style._replace(fg=value) if code == "38" else style._replace(bg=value)
            elif code in _FLAGS:
                style = style._replace(flags=style.flags | {_FLAGS[code]})
            elif code in _OFF:
                style = style._replace(flags=style.flags - {_OFF[code]})
            elif code in ("0", ""):
                style = BLANK
            elif code == "39":
                style = style._replace(fg="")
            else:
                style = _sixteen(style, int(code))
        self._style = style


def _sixteen(style: ScreenCell, code: int) -> ScreenCell:
    """One of the terminal's own sixteen colours."""
    base, side = (code - 60, 8) if code >= 90 else (code, 0)
    assert base // 10 in (3, 4), f"this terminal does not know style {code}"
    color = f"5;{base % 10 + side}"
    return style._replace(fg=color) if base // 10 == 3 else style._replace(bg=color)
