"""How a head looks that shows the past: the same theme on paper that has yellowed, so that no glance mistakes it.

Only surfaces change, and what must stay readable on them. Where a terminal has few colours the rows of titles do it.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from stockpulse_engine.render.theme import Theme, xterm_rgb

SHARE: Final = 0.4
"""How far a surface goes towards the colour of what needs a look."""
GRAY_SHARE: Final = 0.3
"""The same where that is a gray: what is written there has less to stand out by."""
TINTED: Final = ("ground", "panel", "raised", "band", "bar", "select2")
_DARK_256: Final = {"ground": 234, "panel": 235, "raised": 236, "band": 236, "select2": 237, "muted": 249, "faint": 246}
_LIGHT_256: Final = {"ground": 229, "panel": 230, "raised": 229, "band": 229, "select2": 223}
_INDEXED: Final[dict[str, dict[str, int]]] = {
    "dark-256": {**_DARK_256, "down": 210, "danger": 210},
    "dark-cvd-256": {**_DARK_256, "danger": 211, "series2": 147},
    "light-256": _LIGHT_256,
    "light-cvd-256": _LIGHT_256,
    "mono-256": {**_DARK_256, "down": 247},
    "ansi-16": {"raised": 5},
    "mono-16": {"raised": 0},
}
_WRITTEN: Final = {"ansi-16": "strong", "mono-16": "strong"}


def as_past(theme: Theme) -> Theme:
    """The theme on yellowed paper."""
    name = f"{theme.name} past"
    if theme.indices is None:
        colors = {
            token: theme.blend(token, "warn_bg", GRAY_SHARE if theme.name == "mono" else SHARE) for token in TINTED
        }
        return replace(theme, name=name, colors=theme.colors | colors)
    told = _INDEXED[theme.name]
    colors = {token: "#" + "".join(f"{part:02X}" for part in xterm_rgb(index)) for token, index in told.items()}
    written = theme.written
    if theme.name in _WRITTEN:
        written = written | dict.fromkeys(told, _WRITTEN[theme.name])
    return replace(theme, name=name, colors=theme.colors | colors, indices=theme.indices | told, written=written)
