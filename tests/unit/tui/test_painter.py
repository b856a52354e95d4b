"""What the terminal is sent says the same as the spans, in every theme and whatever came before."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.render.span import Span
from stockpulse_engine.render.theme import THEMES
from stockpulse_tui.painter import Painter

TOKENS = ("text", "down", "up", "buy", "sell", "warn", "danger", "accent", "model", "faint", "series4", "down_bg")
SPANS = st.lists(
    st.builds(
        Span,
        st.text(" ab−▅", min_size=1, max_size=6),
        st.sampled_from(TOKENS),
        st.sampled_from(("panel", "ground", "select", "down_bg2", "up_bg")),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def cells_of(ansi: str) -> list[tuple[str, str, str, bool]]:
    """Character, foreground, background and weight of every cell, as a terminal reads the sequences."""
    found: list[tuple[str, str, str, bool]] = []
    fg, bg, bold = "", "", False
    for codes, text in re.findall(r"\x1b\[([\d;]*)m([^\x1b]*)", ansi):
        rest = codes.split(";")
        while rest:
            code = rest.pop(0)
            if code in ("38", "48"):
                count = 4 if rest[0] == "2" else 2
                value, rest = ";".join(rest[:count]), rest[count:]
                assert len(value.split(";")) == count, f"{codes} is cut short"
                fg, bg = (value, bg) if code == "38" else (fg, value)
            elif code == "39":
                fg = ""
            elif code in ("0", ""):
                fg, bg, bold = "", "", False
            elif code == "1":
                bold = True
        found += [(letter, fg, bg, bold) for letter in text]
    return found


@pytest.mark.parametrize("name", sorted(THEMES))
@settings(max_examples=60, deadline=None)
@given(spans=SPANS)
def test_every_cell_gets_its_colours(name: str, spans: list[Span]) -> None:
    theme = THEMES[name]
    painter = Painter(theme)
    shown = cells_of(painter.run(tuple(spans)))
    wanted = [(letter, span) for span in spans for letter in span.text]
    assert "".join(cell[0] for cell in shown) == "".join(letter for letter, _ in wanted)
    for (letter, fg, bg, bold), (_, span) in zip(shown, wanted, strict=True):
        assert f"48;{bg}" == theme.back(span.bg)
        if letter != " ":
            assert f"38;{fg}" == theme.front(span.fg)
            assert bold == span.bold


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_token_alone_and_after_another(name: str) -> None:
    theme = THEMES[name]
    painter = Painter(theme)
    for token in theme.colors:
        line = (Span("a", "text"), Span("  ", "text"), Span("x", token), Span("  y", token, token))
        for letter, fg, bg, _ in cells_of(painter.run(line)):
            if letter == "x":
                assert f"38;{fg}" == theme.front(token)
            if letter == "y":
                assert (f"38;{fg}", f"48;{bg}") == (theme.front(token), theme.back(token))
