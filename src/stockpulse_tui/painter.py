"""From lines of spans to what the terminal is sent, with one prefix baked per style and theme.

A `Baked` line is a Textual strip whose ANSI text is made once and handed out as it is; where Textual needs real
segments (a crop, an overlay, a screenshot) they are made from the same spans at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stockpulse_engine.render.glyphs import ascii_only
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.terminal_colors import ColorDepth
from stockpulse_engine.render.theme import SURFACES, Theme, luminance

RESET = "\x1b[0m"
DEFAULT_FG = "\x1b[39m"
PLAIN = "\x1b[22;23;24m"
"""Neither bold nor italic nor underlined any more; colours stay."""
FILLER = "\ue000"
"""Follows a character that fills two cells, so that every line has as many characters as cells."""
MAX_CLEAN = 8192
DIM_SHARE = 0.62
"""What is under an open window is painted this far towards `ground`."""
_BLACK, _DARK_GRAY, _GRAYS = 0, 8, 232
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

_Key = tuple[str, str, bool, bool, bool]


class Painter:
    """Bakes lines for one theme and one glyph set."""

    def __init__(self, theme: Theme, *, is_ascii: bool = False) -> None:
        self.theme = theme
        self.is_ascii = is_ascii
        self._prefixes: dict[_Key, str] = {}
        self._styles: dict[_Key, Style] = {}
        self._clean: dict[str, str] = {}
        self._shorts: dict[_Key, str] = {}
        self._blanks: dict[str, str] = {}

    def ansi(self, line: Line) -> str:
        """The line's text with escape sequences, ending in a reset."""
        return self.run(line) + RESET

    def ground(self, bg: str) -> str:
        """What sets a background and nothing else, before the first piece that stands `inside` it."""
        return self._blanks.get(bg) or self._blank(bg)

    def inside(self, line: Line, bg: str) -> str:
        """The text of a piece between others: it finds the background `bg` set, plain, and leaves it so."""
        text, last = self.run(line, bg), line[-1]
        if last.bg != bg:
            return text + self.ground(bg)
        return text + PLAIN if last.bold or last.italic or last.underline else text

    def run(self, line: Line, bg: str = "") -> str:
        """The same without the reset, for pieces that are joined; `bg` is a background that is set already, plain.

        A span says only what differs from the one before it. Leading blanks get a run of their own, on the background
        alone: some tools that picture a terminal squeeze them otherwise.
        """
        full, short, blank, clean = self._prefixes, self._shorts, self._blanks, self._clean
        parts: list[str] = []
        is_styled = not bg
        for span in line:
            text, own = span.text, span.bg
            is_plain = not (span.bold or span.italic or span.underline)
            if text[:1] == " " and not span.underline:
                body = text.lstrip(" ")
                if own != bg or is_styled:
                    parts.append(blank.get(own) or self._blank(own))
                    bg, is_styled = own, False
                else:
                    parts.append(DEFAULT_FG)
                parts.append(text[: len(text) - len(body)])
                if not body:
                    continue
                text = body
            key = (span.fg, own, span.bold, span.italic, span.underline)
            if own == bg and not is_styled:
                parts.append(short.get(key) or self._short(key))
            else:
                parts.append(full.get(key) or self._prefix(key))
            bg, is_styled = own, not is_plain
            parts.append(clean.get(text) or self._remember(text))
        return "".join(parts)

    def segments(self, line: Line) -> list[Segment]:
        """The line as rich segments, for everything that has to cut or tint it."""
        made: list[Segment] = []
        for span in line:
            text = self._safe(span.text)
            body = text if span.underline else text.lstrip(" ")
            if len(body) < len(text):
                made.append(Segment(text[: len(text) - len(body)], self._style(Span("", "ground", span.bg))))
            if body:
                made.append(Segment(body, self._style(span)))
        return made

    def bake(self, line: Line, width: int) -> Baked:
        """The line as a strip of exactly `width` cells."""
        return Baked(self, line, width)

    def _remember(self, text: str) -> str:
        """Clean a text once; numbers and bars come again and again. Forgotten when there are too many."""
        if len(self._clean) >= MAX_CLEAN:
            self._clean.clear()
        clean = text if text.isascii() and text.isprintable() else self._safe(text)
        self._clean[text] = clean
        return clean

    def _safe(self, text: str) -> str:
        """Last line of defence: no control character and no wrong width ever reaches the terminal."""
        clean = _CONTROL.sub("?", text)
        if cell_len(clean) != len(clean):
            clean = _true_width(clean)
        return ascii_only(clean) if self.is_ascii else clean

    def _prefix(self, key: _Key) -> str:
        fg, bg, *flags = key
        codes = [code for code, is_on in zip(("1", "3", "4"), flags, strict=True) if is_on]
        made = f"\x1b[{';'.join(['0', *codes])};{self.theme.sgr(fg, bg)}m"
        self._prefixes[key] = made
        return made

    def _short(self, key: _Key) -> str:
        fg, bg, *flags = key
        codes = [code for code, is_on in zip(("1", "3", "4"), flags, strict=True) if is_on]
        made = f"\x1b[{';'.join([*codes, self.theme.front(fg, bg)])}m"
        self._shorts[key] = made
        return made

    def _blank(self, bg: str) -> str:
        made = f"\x1b[0;{self.theme.back(bg)}m"
        self._blanks[bg] = made
        return made

    def _style(self, span: Span) -> Style:
        key = (span.fg, span.bg, span.bold, span.italic, span.underline)
        style = self._styles.get(key)
        if style is None:
            front, back = self._color(self.theme.on(span.fg, span.bg)), self._color(span.bg)
            style = Style(color=front, bgcolor=back, bold=span.bold, italic=span.italic, underline=span.underline)
            self._styles[key] = style
        return style

    def _color(self, token: str) -> Color:
        if self.theme.indices is not None:
            return Color.from_ansi(self.theme.indices[token])
        return Color.from_rgb(*self.theme.rgb(token))


class Baked(Strip):
    """A finished line. Everything but the fast path falls back to a real strip, made when first asked for."""

    __slots__ = ["_ansi", "_line", "_painter", "_width"]

    def __init__(self, painter: Painter, line: Line, width: int) -> None:
        # Strip's own fields stay unset on purpose: setting up its eight caches costs more than the line itself.
        self._painter = painter
        self._line = line
        self._width = width
        self._ansi: str | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "_segments":
            super().__init__(self._painter.segments(self._line), self._width)
            return self._segments
        if name.startswith("_") and name in Strip.__slots__:
            super().__init__(self._painter.segments(self._line), self._width)
            return object.__getattribute__(self, name)
        raise AttributeError(name)

    @property
    def line(self) -> Line:
        """The spans it was made from."""
        return self._line

    @property
    def cell_length(self) -> int:
        """Width in cells."""
        return self._width

    def render(self, console: Console) -> str:
        """The finished text, made once."""
        if self._ansi is None:
            self._ansi = self._painter.ansi(self._line)
        return self._ansi

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Itself when nothing is cut off."""
        places = list(cuts)
        return [self] if places == [self._width] else super().divide(places)

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Itself when nothing is cut off."""
        return self if start == 0 and (end is None or end >= self._width) else super().crop(start, end)

    def apply_filter(self, filter: Any, background: Any) -> Strip:  # noqa: A002 - Textual's name
        """Baked themes need no filter: `mono` is a theme of its own."""
        return self


def dimmed(theme: Theme) -> Theme:
    """The theme as it looks under an open window: every token painted most of the way to `ground`."""
    colors = {token: theme.blend(token, "ground", DIM_SHARE) for token in theme.colors}
    indices = None
    if theme.indices is not None and max(theme.indices.values()) < ColorDepth.SIXTEEN:
        indices = {token: _BLACK if token in SURFACES else _DARK_GRAY for token in colors}
    elif theme.indices is not None:
        indices = {token: _gray_index(color) for token, color in colors.items()}
    return Theme(name=f"{theme.name} dimmed", is_dark=theme.is_dark, colors=colors, indices=indices)


def cells(text: str) -> str:
    """Text from outside with as many characters as cells: wide ones get a filler, zero-width ones vanish."""
    if text.isascii():
        return text
    out = []
    for letter in text:
        width = cell_len(letter)
        if width:
            out.append(letter if width == 1 else letter + FILLER)
    return "".join(out)


def _true_width(text: str) -> str:
    """Undo `cells` for the terminal; a wide character that lost its filler becomes a blank."""
    out = []
    for place, letter in enumerate(text):
        if letter == FILLER:
            continue
        is_wide = cell_len(letter) != 1
        out.append(letter if not is_wide or text[place + 1 : place + 2] == FILLER else " ")
    return "".join(out)


def _gray_index(color: str) -> int:
    """The nearest of the palette's grays."""
    brightness = float(luminance(color) ** (1 / 2.2)) * 255
    return _GRAYS + min(23, max(0, round((brightness - 8) / 10)))
