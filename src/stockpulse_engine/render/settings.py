"""How the screens look, as the user sets it."""

from __future__ import annotations

from typing import Literal

import msgspec


class UiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `ui`. `keymap` maps an action's id to its keys, a comma between two."""

    theme: Literal["dark", "light", "dark-cvd", "light-cvd", "mono", "dark-256", "light-256", "ansi-16"] = "dark"
    glyphs: Literal["full", "blocks", "ascii"] = "full"
    motion: bool = True
    density: Literal["normal", "compact"] = "normal"
    keymap: dict[str, str] = {}
