"""Each theme is complete and readable: the contrast table of the visual contract, computed."""

from __future__ import annotations

import itertools
import math

import pytest

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.render.terminal_colors import ColorDepth, color_depth
from stockpulse_engine.render.theme import (
    LOOKS,
    THEMES,
    TOKENS,
    Theme,
    choose_theme,
    contrast,
    luminance,
    theme_named,
    xterm_rgb,
)

ON_SELECTION = ("text", "strong", "muted", "up", "down", "buy", "sell", "accent", "warn", "model")
TEXT_TOKENS = (*ON_SELECTION, "danger")
ON_SURFACE = {"select": ON_SELECTION, "select2": ON_SELECTION, "overlay": ("text", "strong", "accent")}
"""What is written on some surfaces only; on the others everything is."""
LOWEST = 4.3
TRUE = {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
PALETTE = {"TERM": "xterm-256color"}
SIXTEEN = {"TERM": "linux"}

looks = pytest.mark.parametrize("theme", LOOKS.values(), ids=list(LOOKS))
sixteens = pytest.mark.parametrize("theme", [LOOKS["ansi-16"], LOOKS["mono-16"]], ids=["ansi-16", "mono-16"])


def readable(theme: Theme, token: str, surface: str) -> float:
    """Contrast of a token as it is written on a surface."""
    return contrast(theme.color(theme.on(token, surface)), theme.color(surface))


@looks
def test_gives_a_colour_to_every_token_and_to_nothing_else(theme: Theme) -> None:
    assert set(theme.colors) == set(TOKENS)
    assert theme.indices is None or set(theme.indices) == set(TOKENS)
    assert {*theme.written, *theme.written.values()} <= set(TOKENS)


@looks
@pytest.mark.parametrize("surface", ["panel", "ground", "raised", "band", "overlay", "select", "select2"])
def test_text_stands_out_on_surfaces(theme: Theme, surface: str) -> None:
    for token in ON_SURFACE.get(surface, TEXT_TOKENS):
        ratio = readable(theme, token, surface)
        assert ratio >= LOWEST, f"{theme.name}: {token} on {surface} is {ratio:.2f}"


@looks
def test_text_stands_out_on_heat(theme: Theme) -> None:
    pairs = [("up", "up_bg"), ("down", "down_bg"), ("strong", "up_bg2"), ("strong", "down_bg2"), ("warn", "warn_bg")]
    for token, surface in pairs:
        ratio = readable(theme, token, surface)
        assert ratio >= LOWEST, f"{theme.name}: {token} on {surface} is {ratio:.2f}"


@looks
def test_badges_and_chips_are_readable(theme: Theme) -> None:
    for badge in ("paper", "live", "safe"):
        assert readable(theme, f"{badge}_fg", f"{badge}_bg") >= LOWEST, f"{theme.name}: {badge}"
    for chip in ("buy", "sell", "up", "down", "accent", "muted"):
        assert readable(theme, "ink", chip) >= LOWEST, f"{theme.name}: ink on {chip}"
    for token, surface in (("buy", "bid_bg"), ("sell", "ask_bg")):
        assert readable(theme, token, surface) >= LOWEST, f"{theme.name}: {token} on {surface}"


@looks
def test_studies_are_named_in_their_colour(theme: Theme) -> None:
    for series in ("series1", "series2", "series3", "series4"):
        assert readable(theme, series, "panel") >= 4.0, f"{theme.name}: {series}"


@looks
def test_surfaces_differ_and_live_is_never_paper(theme: Theme) -> None:
    """Sixteen colours have no four shades of black: there the title rows part the panels, not the gutters."""
    is_few = theme.indices is not None and max(theme.indices.values()) < 16
    names = ("panel", "raised", "select") if is_few else ("ground", "panel", "raised", "overlay")
    surfaces = [theme.color(token) for token in names]
    assert len(set(surfaces)) == len(surfaces)
    assert theme.color("panel") != theme.color("select2")
    assert theme.color("live_bg") not in {theme.color(other) for other in ("paper_bg", "down_bg2", "ask_bg", "warn_bg")}
    assert theme.color("up") != theme.color("down")
    assert theme.color("wick_up") != theme.color("up")
    assert theme.color("wick_down") != theme.color("down")


@looks
def test_a_light_theme_is_light_and_a_dark_one_dark(theme: Theme) -> None:
    assert (luminance(theme.color("panel")) > 0.5) is not theme.is_dark
    assert theme.is_dark is not theme.name.startswith("light")


PALETTES = {
    "console": "000000 AA0000 00AA00 AA5500 0000AA AA00AA 00AAAA AAAAAA "
    "555555 FF5555 55FF55 FFFF55 5555FF FF55FF 55FFFF FFFFFF",
    "xterm": "000000 CD0000 00CD00 CDCD00 0000EE CD00CD 00CDCD E5E5E5 "
    "7F7F7F FF0000 00FF00 FFFF00 5C5CFF FF00FF 00FFFF FFFFFF",
    "windows": "0C0C0C C50F1F 13A10E C19C00 0037DA 881798 3A96DD CCCCCC "
    "767676 E74856 16C60C F9F1A5 3B78FF B4009E 61D6D6 F2F2F2",
}
"""What terminals make of their own sixteen colours, as they come."""


@sixteens
@pytest.mark.parametrize("palette", PALETTES)
def test_sixteen_colours_are_readable_as_terminals_have_them(theme: Theme, palette: str) -> None:
    """Each terminal has its own blue and red; the pairs that are written in hold in all of these, but the predictor's."""
    assert theme.indices is not None
    colors = [f"#{color}" for color in PALETTES[palette].split()]
    for surface in ("panel", "raised", "overlay", "select", "up_bg", "up_bg2", "down_bg", "warn_bg", "bid_bg"):
        for token in set(TEXT_TOKENS) - {"model"}:
            front, back = theme.indices[theme.on(token, surface)], theme.indices[surface]
            assert contrast(colors[front], colors[back]) >= LOWEST, f"{palette}: {token} on {surface}"


# -- eyes that tell red and green not apart

PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
TRITAN = ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))
"""What is left of linear red, green and blue (Machado, Oliveira, Fernandes 2009, severity 1)."""
EYES = {"protan": PROTAN, "deutan": DEUTAN, "tritan": TRITAN}
APART = 30.0
"""Least distance in CIE Lab at which two hues of one brightness are told apart at a glance."""


def seen(color: str, eyes: str) -> tuple[float, float, float]:
    """A colour in CIE Lab, as those eyes see it."""
    raw = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in raw]
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in EYES[eyes])
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(theme: Theme, first: str, second: str, eyes: str) -> float:
    """How far two tokens are apart for those eyes."""
    return math.dist(seen(theme.color(first), eyes), seen(theme.color(second), eyes))


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("name", ["dark-cvd", "light-cvd", "dark-cvd-256", "light-cvd-256"])
def test_everyone_tells_gain_from_loss(name: str, eyes: str) -> None:
    for first, second in (("up", "down"), ("buy", "sell"), ("up_bg2", "down_bg2"), ("wick_up", "wick_down")):
        apart = distance(LOOKS[name], first, second, eyes)
        least = APART if first in ("up", "buy") else APART / 2
        assert apart >= least, f"{name}: {first} and {second} are {apart:.0f} apart for {eyes}"


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_usual_red_and_green_are_not_for_everyone(name: str) -> None:
    """The measure means something: the themes that are not made for it fail it."""
    assert min(distance(LOOKS[name], "up", "down", eyes) for eyes in ("protan", "deutan")) < APART


@pytest.mark.parametrize("name", ["dark-cvd", "light-cvd"])
def test_a_warning_is_neither_a_gain_nor_a_loss_nor_broken(name: str) -> None:
    for eyes, (first, second) in itertools.product(("protan", "deutan"), itertools.combinations(_LOUD, 2)):
        apart = distance(LOOKS[name], first, second, eyes)
        assert apart >= 10, f"{name}: {first} and {second} are {apart:.0f} apart for {eyes}"


_LOUD = ("up", "down", "warn", "danger")


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


def test_terminals_of_sixteen_colours_are_told_the_old_way() -> None:
    theme = THEMES["ansi-16"]
    assert theme.sgr("up", "panel") == "92;40"
    assert theme.sgr("live_fg", "live_bg") == "97;41"
    assert theme.sgr("up", "select") == theme.sgr("ink", "select") == "30;46", "green can not be read on cyan"


@pytest.mark.parametrize(
    ("wanted", "palette", "sixteen"),
    [
        ("dark", "dark-256", "ansi-16"),
        ("light", "light-256", "ansi-16"),
        ("dark-cvd", "dark-cvd-256", "ansi-16"),
        ("light-cvd", "light-cvd-256", "ansi-16"),
        ("mono", "mono-256", "mono-16"),
        ("dark-256", "dark-256", "ansi-16"),
        ("light-256", "light-256", "ansi-16"),
        ("ansi-16", "ansi-16", "ansi-16"),
    ],
)
def test_theme_follows_the_colours_the_terminal_has(wanted: str, palette: str, sixteen: str) -> None:
    assert choose_theme(wanted, TRUE).name == wanted
    assert choose_theme(wanted, PALETTE).name == palette
    assert choose_theme(wanted, SIXTEEN).name == sixteen


def test_no_color_selects_mono_whatever_was_wanted() -> None:
    for wanted in THEMES:
        assert choose_theme(wanted, TRUE | {"NO_COLOR": "1"}).name == "mono"
        assert choose_theme(wanted, PALETTE | {"NO_COLOR": "1"}).name == "mono-256"
        assert choose_theme(wanted, SIXTEEN | {"NO_COLOR": "1"}).name == "mono-16"
        assert choose_theme(wanted, TRUE | {"NO_COLOR": ""}).name == wanted, "empty is not set"


def test_a_terminal_says_how_many_colours_it_has() -> None:
    few = ("linux", "ansi", "vt220", "xterm-16color", "rxvt-16color", "dumb", "cons25")
    assert {color_depth({"TERM": term}) for term in few} == {ColorDepth.SIXTEEN}
    many = ("xterm", "xterm-256color", "screen", "tmux-256color", "rxvt-unicode-256color", "", "foot", "linux-256color")
    assert {color_depth({"TERM": term}) for term in many} == {ColorDepth.PALETTE}
    assert color_depth({"TERM": "linux", "COLORTERM": "24bit"}) is ColorDepth.TRUE
    assert color_depth({"TERM": "xterm-direct"}) is ColorDepth.TRUE
    assert color_depth({}) is ColorDepth.PALETTE


def test_unknown_theme_names_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="dark-cvd"):
        theme_named("sepia")


def test_blending_goes_from_one_end_to_the_other() -> None:
    dark = THEMES["dark"]
    assert dark.blend("text", "ground", 0) == dark.color("text")
    assert dark.blend("text", "ground", 1) == dark.color("ground")
