"""What the terminal is sent says the same as the spans, in every theme and whatever came before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.render.span import Span
from stockpulse_engine.render.theme import LOOKS, Theme
from stockpulse_tui.painter import Painter, dimmed
from tests.fakes.fake_terminal import BLANK, FakeTerminal, ScreenCell

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


def cells_of(ansi: str) -> list[ScreenCell]:
    """Every cell of a line, as a terminal reads the sequences."""
    terminal = FakeTerminal(200, 1)
    terminal.write(ansi)
    return [cell for cell in terminal.cells[0] if cell != BLANK]


def wanted(theme: Theme, span: Span) -> ScreenCell:
    """How a letter of a span has to look."""
    (cell,) = cells_of(f"\x1b[0;{theme.sgr(span.fg, span.bg)}mx")
    return cell._replace(flags=frozenset({"bold"} if span.bold else ()))


@pytest.mark.parametrize("name", sorted(LOOKS))
@settings(max_examples=60, deadline=None)
@given(spans=SPANS)
def test_every_cell_gets_its_colours(name: str, spans: list[Span]) -> None:
    theme = LOOKS[name]
    shown = cells_of(Painter(theme).run(tuple(spans)))
    letters = [(letter, span) for span in spans for letter in span.text]
    assert "".join(cell.letter for cell in shown) == "".join(letter for letter, _ in letters)
    for cell, (letter, span) in zip(shown, letters, strict=True):
        look = wanted(theme, span)
        assert cell.bg == look.bg
        if letter != " ":
            assert cell == look._replace(letter=letter)


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_every_token_alone_and_after_another(name: str) -> None:
    theme = LOOKS[name]
    painter = Painter(theme)
    for token in theme.colors:
        line = (Span("a", "text"), Span("  ", "text"), Span("x", token), Span("  y", token, token))
        for cell in cells_of(painter.run(line)):
            if cell.letter in "xy":
                surface = "panel" if cell.letter == "x" else token
                assert cell == wanted(theme, Span("x", token, surface))._replace(letter=cell.letter)


@pytest.mark.parametrize("name", sorted(LOOKS))
@settings(max_examples=60, deadline=None)
@given(spans=SPANS, after=SPANS)
def test_a_piece_leaves_the_terminal_as_it_found_it(name: str, spans: list[Span], after: list[Span]) -> None:
    """Cells are made one by one and joined: what comes next looks the same after any of them."""
    painter = Painter(LOOKS[name])
    start = painter.ground("panel")
    alone = cells_of(start + painter.inside(tuple(after), "panel"))
    joined = cells_of(start + painter.inside(tuple(spans), "panel") + painter.inside(tuple(after), "panel"))
    assert joined[-len(alone) :] == alone


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_under_a_window_text_is_still_told_from_what_it_stands_on(name: str) -> None:
    """Painted towards the ground, not into it."""
    theme = dimmed(LOOKS[name])
    for surface in ("ground", "panel", "raised", "select"):
        assert wanted(theme, Span("x", "text", surface)).fg != wanted(theme, Span("x", "text", surface)).bg
