"""The look that the settings and the terminal agree on: glyphs, theme, and the painters that bake for it."""

from __future__ import annotations

import os
from typing import NamedTuple

from stockpulse_engine.render.glyphs import Glyphs, glyphs_named
from stockpulse_engine.render.pasttheme import as_past
from stockpulse_engine.render.settings import UiSettings
from stockpulse_engine.render.theme import choose_theme
from stockpulse_tui.painter import Painter, dimmed


class Look(NamedTuple):
    """How everything is drawn."""

    glyphs: Glyphs
    theme: str
    """Its name, as Textual knows it."""
    painters: tuple[Painter, Painter]
    """For what is in front, and for what lies under a window."""


def look_of(ui: UiSettings, *, is_past: bool) -> Look:
    """The look wanted, as this terminal can show it; on yellowed paper for a moment of the past."""
    theme, glyphs = choose_theme(ui.theme, os.environ), glyphs_named(ui.glyphs)
    worn, is_ascii = as_past(theme) if is_past else theme, glyphs.name == "ascii"
    return Look(glyphs, theme.name, (Painter(worn, is_ascii=is_ascii), Painter(dimmed(worn), is_ascii=is_ascii)))
