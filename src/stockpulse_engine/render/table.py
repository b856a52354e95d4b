"""Tables of spans: right-aligned numbers, columns that drop in order when narrow, a selection, an empty state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span, fit, with_text


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. `drop` is the order in which columns go when narrow: 1 first, 0 never. `grow` takes the slack."""

    title: str
    width: int
    is_right: bool = True
    drop: int = 0
    grow: bool = False


class Cell(msgspec.Struct, frozen=True):
    """One value; `bg` "" takes the row's. `parts`, when given, replaces the text by several spans."""

    text: str
    fg: str = "text"
    bg: str = ""
    bold: bool = False
    parts: Line = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of one row, one per column of the table; `bg` tints the whole row."""

    cells: tuple[Cell, ...]
    bg: str = "panel"
    mark: str = " "
    mark_fg: str = "muted"


class TableView(msgspec.Struct, frozen=True, kw_only=True):
    """A table in its place: what is selected, where it is scrolled to, what an empty one says."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    selected: int | None = None
    is_focused: bool = True
    top: int = 0
    gap: int = 2
    empty: tuple[str, ...] = ("Nothing here.",)
    totals: Row | None = None


def render_table(view: TableView, width: int, height: int, glyphs: Glyphs = FULL) -> list[Line]:
    """The heading, then rows from `top`, exactly `height` lines of `width` cells; totals stay at the bottom."""
    shown = fit_columns(view.columns, width - 1, view.gap)
    lines: list[Line] = [_heading(view, shown, width)]
    if not view.rows:
        return _padded(lines + _empty(view.empty, width, height - 1, glyphs), width, height)
    room = height - 1 - (view.totals is not None)
    top = first_row(view, room)
    end = min(len(view.rows), top + max(0, room))
    lines += [_row(view, shown, index, width, glyphs) for index in range(top, end)]
    if view.totals is not None:
        lines = _padded(lines, width, height - 1)
        lines.append(_cells(view, view.totals, shown, width))
    return _padded(lines, width, height)


def first_row(view: TableView, room: int) -> int:
    """The first row shown, so that the selected one is in view."""
    last = max(0, len(view.rows) - room)
    top = min(max(0, view.top), last)
    if view.selected is None:
        return top
    return min(max(top, view.selected - room + 1), max(0, view.selected))


def fit_columns(columns: Sequence[Column], width: int, gap: int) -> list[tuple[int, int]]:
    """Indexes and widths of the columns that fit; droppable ones go in order, the growing one takes the slack."""
    kept = list(range(len(columns)))
    for index in sorted((i for i in kept if columns[i].drop), key=lambda i: columns[i].drop):
        if _needed(columns, kept, gap) <= width:
            break
        kept.remove(index)
    slack = max(0, width - _needed(columns, kept, gap))
    growing = next((i for i in kept if columns[i].grow), None)
    return [(i, columns[i].width + (slack if i == growing else 0)) for i in kept]


def _needed(columns: Sequence[Column], kept: Sequence[int], gap: int) -> int:
    return sum(columns[i].width for i in kept) + gap * max(0, len(kept) - 1) + 1


def _heading(view: TableView, shown: list[tuple[int, int]], width: int) -> Line:
    return _cells(view, Row(cells=tuple(Cell(column.title, "muted") for column in view.columns)), shown, width)


def _row(view: TableView, shown: list[tuple[int, int]], index: int, width: int, glyphs: Glyphs) -> Line:
    row = view.rows[index]
    if index == view.selected:
        bg = "select" if view.is_focused else "select2"
        row = Row(cells=row.cells, bg=bg, mark=glyphs.focus, mark_fg="accent" if view.is_focused else "faint")
    return _cells(view, row, shown, width)


def _cells(view: TableView, row: Row, shown: list[tuple[int, int]], width: int) -> Line:
    spans = [Span(row.mark, row.mark_fg, row.bg)]
    for order, (index, cell_width) in enumerate(shown):
        if order:
            spans.append(Span(" " * view.gap, "text", row.bg))
        spans += _cell(row.cells[index], cell_width, row.bg, is_right=view.columns[index].is_right)
    return fit(tuple(spans), width, bg=row.bg)


def _cell(cell: Cell, width: int, bg: str, *, is_right: bool) -> list[Span]:
    ground = cell.bg or bg
    if cell.parts:
        parts = [Span(p.text, p.fg, bg if p.bg == "panel" else p.bg, p.bold, p.italic, p.underline) for p in cell.parts]
        used = sum(len(p.text) for p in parts)
        pad = Span(" " * max(0, width - used), "text", bg)
        return list(fit((pad, *parts) if is_right else (*parts, pad), width, bg=bg))
    text = cell.text if len(cell.text) <= width else cell.text[: max(0, width - 1)] + "…"
    span = Span(text, cell.fg, ground, cell.bold)
    return [with_text(span, text.rjust(width) if is_right else text.ljust(width))]


def _empty(words: tuple[str, ...], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """A glyph, one bold sentence, then why it is so and which key helps."""
    lines: list[Line] = [(Span(" " * width),)] * max(0, (height - len(words) - 1) // 2)
    lines.append((Span(glyphs.nothing.center(width), "faint"),))
    for number, sentence in enumerate(words):
        lines.append((Span(sentence.center(width)[:width], "text" if number == 0 else "muted", bold=number == 0),))
    return lines[: max(0, height)]


def _padded(lines: list[Line], width: int, height: int) -> list[Line]:
    blank: Line = (Span(" " * width),)
    return lines[:height] + [blank] * max(0, height - len(lines))
