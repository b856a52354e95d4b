"""Each theme is complete and readable: the contrast table of the visual contract, computed."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.render.theme import THEMES, TOKENS, Theme, choose_theme, contrast, theme_named, xterm_rgb

ON_SELECTION = ("text", "strong", "muted", "up", "down", "buy", "sell", "accent", "warn", "model")
TEXT_TOKENS = (*ON_SELECTION, "danger")
LOWEST = 4.3

themes = pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))


@themes
def test_gives_a_colour_to_every_token_and_to_nothing_else(theme: Theme) -> None:
    assert set(theme.colors) == set(TOKENS)
    assert theme.indices is None or set(theme.indices) == set(TOKENS)


@themes
@pytest.mark.parametrize("surface", ["panel", "ground", "raised", "select"])
def test_text_stands_out_on_surfaces(theme: Theme, surface: str) -> None:
    for token in ON_SELECTION if surface == "select" else TEXT_TOKENS:
        ratio = contrast(theme.color(token), theme.color(surface))
        assert ratio >= LOWEST, f"{theme.name}: {token} on {surface} is {ratio:.2f}"


@themes
def test_text_stands_out_on_heat(theme: Theme) -> None:
    pairs = [("up", "up_bg"), ("down", "down_bg"), ("strong", "up_bg2"), ("strong", "down_bg2"), ("warn", "warn_bg")]
    for token, surface in pairs:
        assert contrast(theme.color(token), theme.color(surface)) >= LOWEST, f"{theme.name}: {token} on {surface}"


@themes
def test_badges_and_chips_are_readable(theme: Theme) -> None:
    for badge in ("paper", "live", "safe"):
        assert contrast(theme.color(f"{badge}_fg"), theme.color(f"{badge}_bg")) >= LOWEST
    for chip in ("buy", "sell", "up", "down", "accent", "muted"):
        assert contrast(theme.color("ink"), theme.color(chip)) >= LOWEST, f"{theme.name}: ink on {chip}"
    for token, surface in (("buy", "bid_bg"), ("sell", "ask_bg")):
        assert contrast(theme.color(token), theme.color(surface)) >= LOWEST


@themes
def test_surfaces_differ_and_live_is_never_paper(theme: Theme) -> None:
    surfaces = [theme.color(token) for token in ("ground", "panel", "raised", "overlay")]
    assert len(set(surfaces)) == len(surfaces)
    assert theme.color("live_bg") != theme.color("paper_bg")
    assert theme.color("up") != theme.color("down")


def test_measured_table_of_the_contract_holds() -> None:
    dark, light = THEMES["dark"], THEMES["light"]
    expected = {"text": (12.9, 14.3), "muted": (6.5, 5.8), "up": (9.1, 6.2), "down": (6.6, 6.3)}
    for token, ratios in expected.items():
        got = tuple(round(contrast(t.color(token), t.color("panel")), 1) for t in (dark, light))
        assert got == ratios, token


def test_mono_carries_no_hue() -> None:
    for token in TOKENS:
        red, green, blue = THEMES["mono"].rgb(token)
        assert red == green == blue, token


def test_palette_terminals_are_told_indices() -> None:
    assert THEMES["dark-256"].sgr("up", "panel") == "38;5;78;48;5;233"
    assert xterm_rgb(78) == (95, 215, 135)
    assert xterm_rgb(233) == (18, 18, 18)


def test_theme_follows_the_terminal_unless_chosen() -> None:
    assert choose_theme("dark", has_truecolor=True, is_colorless=False).name == "dark"
    assert choose_theme("dark", has_truecolor=False, is_colorless=False).name == "dark-256"
    assert choose_theme("light", has_truecolor=False, is_colorless=False).name == "light"
    assert choose_theme("light", has_truecolor=True, is_colorless=True).name == "mono"


def test_unknown_theme_names_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="dark-cvd"):
        theme_named("sepia")


def test_blending_goes_from_one_end_to_the_other() -> None:
    dark = THEMES["dark"]
    assert dark.blend("text", "ground", 0) == dark.color("text")
    assert dark.blend("text", "ground", 1) == dark.color("ground")
