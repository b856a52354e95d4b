"""Themes: tokens to colours. Drawing code names tokens, never colours."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.render import palettes_indexed as indexed
from stockpulse_engine.render.palettes import DARK, DARK_CVD, LIGHT, LIGHT_CVD, MONO
from stockpulse_engine.render.terminal_colors import ColorDepth, color_depth, is_colorless

TOKENS: dict[str, str] = {
    "ground": "gutters, input wells",
    "panel": "panel body, header row",
    "raised": "title row, totals, price column, fields",
    "overlay": "title and action bars of modals, input row of the palette",
    "line": "rules, empty part of a bar, grid dots",
    "bar": "neutral volume profile",
    "band": "chart outside regular hours",
    "select": "selection with focus",
    "select2": "selection without focus",
    "text": "prose, values",
    "strong": "what matters in the row",
    "muted": "labels, headings",
    "faint": "decoration, stale",
    "accent": "you can act here",
    "up": "gained; candle body",
    "down": "lost; candle body",
    "buy": "our buying side; bid",
    "sell": "our selling side; ask",
    "warn": "a person must look",
    "danger": "broken or forbidden",
    "model": "anything a predictor said",
    "up_bg": "heat 1, up",
    "up_bg2": "heat 2 and flash, up",
    "down_bg": "heat 1, down",
    "down_bg2": "heat 2 and flash, down",
    "wick_up": "wick and sparkline, up",
    "wick_down": "wick and sparkline, down",
    "vol_up": "volume of a rising bar",
    "vol_down": "volume of a falling bar",
    "bid_bg": "depth bar and own-order tag, bid side",
    "ask_bg": "depth bar and own-order tag, ask side",
    "model_bg": "prediction fan, 80 %",
    "model_bg2": "prediction fan, 50 %",
    "warn_bg": "row or banner that needs a decision",
    "paper_bg": "PAPER badge and frame",
    "paper_fg": "text on the PAPER badge",
    "live_bg": "LIVE badge and frame",
    "live_fg": "text on the LIVE badge",
    "safe_bg": "SAFE badge",
    "safe_fg": "text on the SAFE badge",
    "series1": "first study added",
    "series2": "second study added",
    "series3": "third study added",
    "series4": "fourth study added",
    "ink": "text on a filled chip",
}
"""Every token and what it means; a theme gives a colour to each."""

SURFACES = frozenset({"ground", "panel", "raised", "overlay", "select", "select2", "bar", "band", "line", "ink"}) | {
    token for token in TOKENS if token.endswith(("_bg", "_bg2"))
}
"""What something stands on, or is cut out with; never written in."""

_CUBE = (0, 95, 135, 175, 215, 255)
_SIXTEEN = (
    "#000000", "#AA0000", "#00AA00", "#AA5500", "#0000AA", "#AA00AA", "#00AAAA", "#AAAAAA",
    "#555555", "#FF5555", "#55FF55", "#FFFF55", "#5555FF", "#FF55FF", "#55FFFF", "#FFFFFF",
)  # fmt: skip
"""A terminal's own sixteen colours as a console shows them; nobody knows how another terminal does."""
_BRIGHT = 8


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """One look.

    Attributes:
        indices: set where the terminal is told palette indices instead of colours.
        written: surfaces on which everything is written in one token, as no other could be read there.
    """

    name: str
    is_dark: bool
    colors: dict[str, str]
    indices: dict[str, int] | None = None
    written: dict[str, str] = {}

    def color(self, token: str) -> str:
        """The `#RRGGBB` of a token; KeyError for a token that does not exist."""
        return self.colors[token]

    def rgb(self, token: str) -> tuple[int, int, int]:
        """The token's colour as three numbers 0 … 255."""
        return _rgb(self.colors[token])

    def on(self, foreground: str, background: str) -> str:
        """The token that text of one token is written in on a surface; what is cut out with a surface stays."""
        return foreground if foreground in SURFACES else self.written.get(background, foreground)

    def sgr(self, foreground: str, background: str) -> str:
        """The parameters of the escape sequence that sets both colours, without bold."""
        return f"{self.front(foreground, background)};{self.back(background)}"

    def front(self, token: str, background: str = "panel") -> str:
        """The parameters that set the foreground alone, on a background that is set already."""
        return self._parameters(self.on(token, background), 30)

    def back(self, token: str) -> str:
        """The parameters that set the background alone."""
        return self._parameters(token, 40)

    def _parameters(self, token: str, base: int) -> str:
        if self.indices is None:
            red, green, blue = self.rgb(token)
            return f"{base + 8};2;{red};{green};{blue}"
        index = self.indices[token]
        if index < ColorDepth.SIXTEEN:  # said the old way: a terminal of sixteen colours knows no other
            return str(base + index if index < _BRIGHT else base + 60 + index - _BRIGHT)
        return f"{base + 8};5;{index}"

    def blend(self, token: str, towards: str, share: float) -> str:
        """The colour `share` of the way from one token to another: 0.62 is how a modal darkens what is below it."""
        pairs = zip(self.rgb(token), self.rgb(towards), strict=True)
        return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def xterm_rgb(index: int) -> tuple[int, int, int]:
    """The colour of an xterm palette index; of the first sixteen the one a console gives them."""
    if index < len(_SIXTEEN):
        return _rgb(_SIXTEEN[index])
    if index >= 232:
        gray = 8 + 10 * (index - 232)
        return gray, gray, gray
    cell = index - 16
    return _CUBE[cell // 36], _CUBE[cell // 6 % 6], _CUBE[cell % 6]


def luminance(color: str) -> float:
    """Relative luminance of a `#RRGGBB` (WCAG 2), 0 … 1."""
    parts = [value / 255 for value in _rgb(color)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours (WCAG 2), 1 … 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def theme_named(name: str) -> Theme:
    """The theme of that name.

    Raises:
        NotFoundError: naming the themes there are.
    """
    theme = THEMES.get(name)
    if theme is None:
        raise NotFoundError(f"There is no theme {name[:30]!r}.", fix=f"Choose one of: {', '.join(THEMES)}.")
    return theme


def choose_theme(wanted: str, environ: Mapping[str, str]) -> Theme:
    """The look on a terminal of that environment.

    NO_COLOR selects `mono`; what needs more colours than there are gives way to its like in fewer: `dark` to
    `dark-256`, everything to `ansi-16`.
    """
    theme = THEMES["mono"] if is_colorless(environ) else theme_named(wanted)
    depth = color_depth(environ)
    if depth is ColorDepth.TRUE or (theme.indices is not None and depth is ColorDepth.PALETTE):
        return theme
    if depth is ColorDepth.PALETTE:
        return LOOKS[f"{theme.name}-256"]
    return LOOKS["mono-16" if theme.name == "mono" else "ansi-16"]


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _hex(index: int) -> str:
    return "#" + "".join(f"{part:02X}" for part in xterm_rgb(index))


def _true(name: str, colors: dict[str, str], *, is_dark: bool = True) -> Theme:
    return Theme(name=name, is_dark=is_dark, colors=colors)


def _in_palette(
    name: str, indices: dict[str, int], *, is_dark: bool = True, written: dict[str, str] | None = None
) -> Theme:
    colors = {token: _hex(index) for token, index in indices.items()}
    return Theme(name=name, is_dark=is_dark, colors=colors, indices=indices, written=written or {})


THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        _true("dark", DARK),
        _true("light", LIGHT, is_dark=False),
        _true("dark-cvd", DARK_CVD),
        _true("light-cvd", LIGHT_CVD, is_dark=False),
        _true("mono", MONO),
        _in_palette("dark-256", indexed.DARK_256),
        _in_palette("light-256", indexed.LIGHT_256, is_dark=False),
        _in_palette("ansi-16", indexed.ANSI_16, written=indexed.WRITTEN_16),
    )
}
"""The themes to choose from, by name; `dark` is the default."""

LOOKS: dict[str, Theme] = THEMES | {
    theme.name: theme
    for theme in (
        _in_palette("dark-cvd-256", indexed.DARK_CVD_256),
        _in_palette("light-cvd-256", indexed.LIGHT_CVD_256, is_dark=False),
        _in_palette("mono-256", indexed.MONO_256),
        _in_palette("mono-16", indexed.MONO_16, written=indexed.WRITTEN_MONO_16),
    )
}
"""All looks there are: the themes, and what some of them are in a terminal of fewer colours."""
