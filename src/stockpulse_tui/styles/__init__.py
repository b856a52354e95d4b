"""Textual's side of the themes: variables that carry the tokens."""

from __future__ import annotations

from textual.theme import Theme as TextualTheme

from stockpulse_engine.render.theme import LOOKS, Theme


def textual_theme(theme: Theme) -> TextualTheme:
    """One of our themes as Textual knows them; every token is the variable `$sp-TOKEN`."""
    color = theme.color
    variables = {f"sp-{token.replace('_', '-')}": color(token) for token in theme.colors}
    return TextualTheme(
        name=theme.name,
        primary=color("accent"),
        secondary=color("model"),
        warning=color("warn"),
        error=color("danger"),
        success=color("up"),
        accent=color("accent"),
        foreground=color("text"),
        background=color("ground"),
        surface=color("panel"),
        panel=color("raised"),
        dark=theme.is_dark,
        variables=variables,
    )


def all_themes() -> list[TextualTheme]:
    """Every look, ready to register."""
    return [textual_theme(theme) for theme in LOOKS.values()]
