"""One row of the board as it is painted: its cells, which of them changed, its line."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.widgets.board_values import RowValues

if TYPE_CHECKING:
    from stockpulse_engine.domain.instruments import Instrument
    from stockpulse_tui.widgets.board_book import Book, Piece, RowLook


class BoardRow(RowValues):
    """Values with the cells they were last painted as.

    A cell that looks as before is the same object as before, so comparing costs nothing. `book` is the one the cells
    were taken from while the row on the screen is made of them, one beside the other; else None.
    """

    __slots__ = ("_shown", "book")

    def __init__(self, symbol: str, instrument: Instrument | None) -> None:
        super().__init__(symbol, instrument)
        self.book: Book | None = None
        self._shown: list[Piece] = []

    def hurry(self, look: RowLook) -> str:
        """Only the cells that a quote can change, as the terminal's text from the row's first cell on.

        For a row that `is_hot` and whose `book` is the look's. What stands between changed cells is stepped over.
        """
        book, shown, forward = look.book, self._shown, look.forward
        text, x = "", 0
        mark = book.marks[self.held * 3 + 1 + self.tick_is_up if look.is_flooded else self.held * 3]
        if mark is not shown[0]:
            shown[0] = mark
            text, x = mark.text or book.ink(mark), 1
        for i, start, end, pieces, key in book.hot:
            piece = pieces[key(self)]
            if piece is not shown[i]:
                shown[i] = piece
                text += forward[start - x] + (piece.text or book.ink(piece))
                x = end
        return text

    def renew(self, look: RowLook) -> str | None:
        """The same for all cells of any row; None when the row has to be painted as a whole."""
        if self.book is not look.book or self.is_halted or self.note or look.stale_ns >= 0 or look.underlined >= 0:
            return None
        book, shown, xs = look.book, self._shown, look.xs
        self._shown, self.is_hot = self._pieces(look), look.flash is None
        text, x = "", 0
        for i, piece in enumerate(self._shown):
            if piece is not shown[i]:
                text += look.forward[xs[i] - x] + (piece.text or book.ink(piece))
                x = xs[i + 1]
        return book.start + text if text else ""

    def line(self, look: RowLook) -> Line:
        """The whole row, exactly as wide as the board."""
        self.book, self.is_hot = None, False
        if look.stale_ns >= 0 or self.is_halted or self.note:
            return self._quiet_line(look)
        self._shown = self._pieces(look)
        line = self.line_shown()
        if look.underlined >= 0:
            return _underlined(line, look)
        self.book, self.is_hot = look.book, look.flash is None
        return line

    def line_shown(self) -> Line:
        """The cells as they were painted last."""
        return tuple(chain.from_iterable(piece.spans for piece in self._shown))

    def _pieces(self, look: RowLook) -> list[Piece]:
        """Mark, instrument, columns, blanks."""
        book, flash = look.book, look.flash
        tick = 1 + self.tick_is_up if look.is_flooded else 0
        mark = book.marks[look.mark or self.held * 3 + tick]
        made = [mark, book.names[self.name, self.held or look.mark is not None]]
        made += [pieces[key(self)] for pieces, key in book.columns]
        if flash is not None:
            made[book.last_at] = book.lit[self.last_text, flash.at, flash.is_up, flash.stage]
        made.append(book.pad)
        return made

    def _quiet_line(self, look: RowLook) -> Line:
        """All faint; how old it is, or that it is halted, over the last columns."""
        bg = look.bg
        token = "faint" if look.stale_ns >= 0 or self.note else "text"
        flash, look.flash = look.flash, None
        mark, name, *columns, pad = (piece.spans for piece in self._pieces(look))
        look.flash = flash
        spans = [*mark, Span(name[0].text, token, bg)]
        spans += [Span(span.text, "faint", bg) for span in chain.from_iterable(columns)]
        words = self.note or ("halted" if self.is_halted else f"{format_age(look.stale_ns)} old")
        room = look.used - len(words) - 2
        return (*_cut(spans, room), Span(f"  {words}", "warn", bg), *pad)


def _underlined(line: Line, look: RowLook) -> Line:
    """The text under the cell cursor is underlined."""
    start, end = look.xs[look.underlined + 1], look.xs[look.underlined + 2]
    out: list[Span] = []
    x = 0
    for span in line:
        if start <= x < end and span.text.strip():
            body = span.text.strip(" ")
            lead = span.text[: len(span.text) - len(span.text.lstrip(" "))]
            tail = span.text[len(lead) + len(body) :]
            out += [Span(lead, span.fg, span.bg), Span(body, span.fg, span.bg, span.bold, underline=True)]
            out.append(Span(tail, span.fg, span.bg))
        else:
            out.append(span)
        x += len(span.text)
    return tuple(span for span in out if span.text)


def _cut(spans: list[Span], room: int) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if room <= 0:
            break
        kept.append(Span(span.text[:room], span.fg, span.bg, span.bold))
        room -= len(span.text)
    return kept
