"""Themes: tokens to colours. Drawing code names tokens, never colours."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.render.palettes import DARK, DARK_256, DARK_CVD, LIGHT, MONO

TOKENS: dict[str, str] = {
    "ground": "gutters, input wells",
    "panel": "panel body, header row",
    "raised": "title row, totals, price column, fields",
    "overlay": "title and action bars of modals, input row of the palette",
    "line": "rules, empty part of a bar, grid dots",
    "bar": "neutral volume profile",
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

_CUBE = (0, 95, 135, 175, 215, 255)


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `indices` is set where the terminal is told palette indices instead of colours."""

    name: str
    is_dark: bool
    colors: dict[str, str]
    indices: dict[str, int] | None = None

    def color(self, token: str) -> str:
        """The `#RRGGBB` of a token; KeyError for a token that does not exist."""
        return self.colors[token]

    def rgb(self, token: str) -> tuple[int, int, int]:
        """The token's colour as three numbers 0 … 255."""
        return _rgb(self.colors[token])

    def sgr(self, foreground: str, background: str) -> str:
        """The parameters of the escape sequence that sets both colours, without bold."""
        return f"{self.front(foreground)};{self.back(background)}"

    def front(self, token: str) -> str:
        """The parameters that set the foreground alone."""
        return f"38;{self._parameters(token)}"

    def back(self, token: str) -> str:
        """The parameters that set the background alone."""
        return f"48;{self._parameters(token)}"

    def _parameters(self, token: str) -> str:
        if self.indices is not None:
            return f"5;{self.indices[token]}"
        red, green, blue = self.rgb(token)
        return f"2;{red};{green};{blue}"

    def blend(self, token: str, towards: str, share: float) -> str:
        """The colour `share` of the way from one token to another: 0.62 is how a modal darkens what is below it."""
        pairs = zip(self.rgb(token), self.rgb(towards), strict=True)
        return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def xterm_rgb(index: int) -> tuple[int, int, int]:
    """The standard colour of an xterm palette index from 16 to 255."""
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


def choose_theme(wanted: str, *, has_truecolor: bool, is_colorless: bool) -> Theme:
    """The theme to start with: NO_COLOR selects `mono`, a 256-colour terminal `dark-256` in place of `dark`."""
    if is_colorless:
        return THEMES["mono"]
    if not has_truecolor and wanted == "dark":
        return THEMES["dark-256"]
    return theme_named(wanted)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _hex(index: int) -> str:
    return "#" + "".join(f"{part:02X}" for part in xterm_rgb(index))


THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme(name="dark", is_dark=True, colors=DARK),
        Theme(name="light", is_dark=False, colors=LIGHT),
        Theme(name="dark-cvd", is_dark=True, colors=DARK_CVD),
        Theme(name="mono", is_dark=True, colors=MONO),
        Theme(name="dark-256", is_dark=True, colors={k: _hex(v) for k, v in DARK_256.items()}, indices=DARK_256),
    )
}
"""All themes by name; `dark` is the default."""
