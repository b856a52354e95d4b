"""The unit of everything drawn: lines of spans of text with colour tokens, and their three ways out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.render.theme import LOOKS, Theme

if TYPE_CHECKING:
    from rich.segment import Segment
    from rich.style import Style
    from rich.text import Text


class Span(msgspec.Struct, frozen=True, gc=False):
    """A run of text in one style. `fg` and `bg` are tokens of the theme. Text holds no control character."""

    text: str
    fg: str = "text"
    bg: str = "panel"
    bold: bool = False
    italic: bool = False
    underline: bool = False


Line = tuple[Span, ...]
"""One row of the screen, left to right."""

RESET = "\x1b[0m"


def to_plain(lines: Iterable[Line]) -> str:
    """The text alone, one line per row, trailing blanks kept."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def line_width(line: Line) -> int:
    """Number of cells of a line (every glyph we use is one cell wide)."""
    return sum(len(span.text) for span in line)


def to_ansi(lines: Iterable[Line], theme: Theme) -> str:
    """The lines as text with escape sequences, each line reset at its end."""
    return "\n".join(line_to_ansi(line, theme) for line in lines)


def line_to_ansi(line: Line, theme: Theme) -> str:
    """One line with escape sequences and a reset at its end."""
    name = theme.name
    parts = [_prefix(name, s.fg, s.bg, (s.bold, s.italic, s.underline)) + s.text for s in line]
    return "".join(parts) + RESET


def to_rich(line: Line, theme: Theme) -> Text:
    """The line as a rich Text (for the command line and for overlays)."""
    from rich.text import Text

    text = Text(end="", no_wrap=True)
    for span in line:
        text.append(span.text, _style(theme.name, span.fg, span.bg, (span.bold, span.italic, span.underline)))
    return text


def to_segments(line: Line, theme: Theme) -> list[Segment]:
    """The line as rich Segments, as a Textual Strip takes them."""
    from rich.segment import Segment

    return [Segment(s.text, _style(theme.name, s.fg, s.bg, (s.bold, s.italic, s.underline))) for s in line]


def fit(line: Line, width: int, *, bg: str = "panel") -> Line:
    """Cut or pad a line to exactly `width` cells."""
    room = width
    out: list[Span] = []
    for span in line:
        if room <= 0:
            break
        piece = span if len(span.text) <= room else with_text(span, span.text[:room])
        out.append(piece)
        room -= len(piece.text)
    if room > 0:
        out.append(Span(" " * room, "text", bg))
    return tuple(out)


def wrap_line(line: Line, width: int, *, first: int | None = None, most: int = 6) -> list[Line]:
    """The line on several rows, broken between words; `first` is the room of the first row.

    A word longer than a row is cut, and what `most` rows do not hold ends in an ellipsis: no number is ever cut in two.
    """
    rows: list[list[Span]] = [[]]
    room = [max(1, width if first is None else first), *([max(1, width)] * (most - 1))]
    left = room[0]
    for span in line:
        for word in re.findall(r"\S+|\s+", span.text):
            if len(word) > left and rows[-1] and len(rows) <= most:
                rows.append([])
                left = room[min(len(rows), most) - 1]
            if word.isspace() and not rows[-1] and len(rows) > 1:
                continue
            rows[-1].append(with_text(span, word[:left]))
            left -= len(rows[-1][-1].text)
    if len(rows) > most:
        return [*(tuple(row) for row in rows[: most - 1]), _with_more(rows[most - 1], room[most - 1])]
    return [tuple(row) for row in rows]


def _with_more(row: list[Span], width: int) -> Line:
    """The row with its last words given up for an ellipsis."""
    while row and (sum(len(span.text) for span in row) + 2 > width or row[-1].text.isspace()):
        row.pop()
    return (*row, Span(" …", row[-1].fg if row else "text", row[-1].bg if row else "panel"))


def with_text(span: Span, text: str) -> Span:
    """The same style with other text."""
    return Span(text, span.fg, span.bg, span.bold, span.italic, span.underline)


def spread(left: Sequence[Span], right: Sequence[Span], width: int, *, bg: str = "panel") -> Line:
    """Left and right parts on one row; the right part gives way when both do not fit."""
    used = sum(len(span.text) for span in left)
    tail = sum(len(span.text) for span in right)
    if used + tail > width:
        return fit(tuple(left), width, bg=bg)
    return (*left, Span(" " * (width - used - tail), "text", bg), *right)


@lru_cache(maxsize=4096)
def _prefix(theme_name: str, fg: str, bg: str, flags: tuple[bool, bool, bool]) -> str:
    codes = [code for code, is_on in zip(("1", "3", "4"), flags, strict=True) if is_on]
    return f"\x1b[{';'.join(['0', *codes])};{LOOKS[theme_name].sgr(fg, bg)}m"


@lru_cache(maxsize=4096)
def _style(theme_name: str, fg: str, bg: str, flags: tuple[bool, bool, bool]) -> Style:
    from rich.color import Color
    from rich.style import Style

    theme = LOOKS[theme_name]
    fg = theme.on(fg, bg)
    if theme.indices is not None:
        colors = Color.from_ansi(theme.indices[fg]), Color.from_ansi(theme.indices[bg])
    else:
        colors = Color.from_rgb(*theme.rgb(fg)), Color.from_rgb(*theme.rgb(bg))
    return Style(color=colors[0], bgcolor=colors[1], bold=flags[0], italic=flags[1], underline=flags[2])
