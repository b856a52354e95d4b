"""The look of a head that shows the past: no theme can be taken for itself, and all of them stay readable."""

from __future__ import annotations

import pytest

from stockpulse_engine.render.pasttheme import as_past
from stockpulse_engine.render.theme import LOOKS, TOKENS, Theme, contrast
from tests.unit.render.test_theme import LOWEST, PALETTES, TEXT_TOKENS, readable

looks = pytest.mark.parametrize("theme", LOOKS.values(), ids=list(LOOKS))
sixteens = pytest.mark.parametrize("theme", [LOOKS["ansi-16"], LOOKS["mono-16"]], ids=["ansi-16", "mono-16"])


@looks
def test_another_surface_is_seen_in_every_theme(theme: Theme) -> None:
    past = as_past(theme)
    changed = {token for token in TOKENS if past.colors[token] != theme.colors[token]}
    assert "raised" in changed
    if theme.name not in {"ansi-16", "mono-16"}:
        assert {"ground", "panel"} <= changed
    assert past.name != theme.name
    assert past.is_dark is theme.is_dark
    assert theme.indices is None or past.indices is not None


@looks
@pytest.mark.parametrize("surface", ["panel", "ground", "raised", "band"])
def test_text_stands_out_as_it_did_or_as_it_must(theme: Theme, surface: str) -> None:
    past = as_past(theme)
    for token in TEXT_TOKENS:
        was, ratio = readable(theme, token, surface), readable(past, token, surface)
        assert ratio >= min(LOWEST, was), f"{past.name}: {token} on {surface} is {ratio:.2f}, was {was:.2f}"


@sixteens
@pytest.mark.parametrize("palette", PALETTES)
def test_sixteen_colours_are_readable_as_terminals_have_them(theme: Theme, palette: str) -> None:
    past = as_past(theme)
    assert past.indices is not None
    colors = [f"#{color}" for color in PALETTES[palette].split()]
    for token in set(TEXT_TOKENS) - {"model"}:
        front, back = past.indices[past.on(token, "raised")], past.indices["raised"]
        assert contrast(colors[front], colors[back]) >= LOWEST, f"{palette}: {token}"
