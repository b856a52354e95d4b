"""Lines leave as plain text, escape sequences and rich text, always with the same characters."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.render.span import Line, Span, fit, line_width, spread, to_ansi, to_plain, to_rich, to_segments
from stockpulse_engine.render.theme import THEMES, TOKENS

spans = st.builds(
    Span,
    st.text("abc123▲█ ", max_size=12),
    st.sampled_from(sorted(TOKENS)),
    st.sampled_from(sorted(TOKENS)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
lines = st.lists(spans, max_size=8).map(tuple)


@given(lines, st.sampled_from(sorted(THEMES)))
def test_every_way_out_carries_the_same_text(line: Line, theme: str) -> None:
    plain = to_plain([line])
    assert re.sub(r"\x1b\[[0-9;]*m", "", to_ansi([line], THEMES[theme])) == plain
    assert to_rich(line, THEMES[theme]).plain == plain
    assert "".join(s.text for s in to_segments(line, THEMES[theme])) == plain


@given(lines, st.integers(0, 60))
def test_fitting_gives_exactly_the_width(line: Line, width: int) -> None:
    assert line_width(fit(line, width)) == width


def test_escape_sequence_names_colours_and_weight() -> None:
    text = to_ansi([(Span("x", "up", "panel", bold=True),)], THEMES["dark"])
    assert text == "\x1b[0;1;38;2;62;207;142;48;2;16;22;30mx\x1b[0m"


def test_right_part_sits_at_the_edge_or_gives_way() -> None:
    left, right = [Span("Orders 5")], [Span("! 1 UNKNOWN", "warn")]
    assert to_plain([spread(left, right, 24)]) == "Orders 5     ! 1 UNKNOWN"
    assert to_plain([spread(left, right, 12)]) == "Orders 5    "
