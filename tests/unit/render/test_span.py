"""Lines leave as plain text, escape sequences and rich text, always with the same characters."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.render.span import (
    Line,
    Span,
    fit,
    line_width,
    spread,
    to_ansi,
    to_plain,
    to_rich,
    to_segments,
    wrap_line,
)
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


def texts(rows: list[Line]) -> list[str]:
    return ["".join(span.text for span in row) for row in rows]


def test_a_line_is_broken_between_words_and_keeps_its_styles() -> None:
    words = Span("  AAPL.XNAS would be 32.5 % of equity; the limit is 25 %.", "strong")
    rows = wrap_line((Span(" DENIED ", "ink", "danger"), words), 30)
    assert texts(rows) == [" DENIED   AAPL.XNAS would be ", "32.5 % of equity; the limit is", "25 %."]
    assert rows[0][1].bg == "danger"
    assert rows[2][-1].fg == "strong"


def test_what_does_not_fit_ends_in_an_ellipsis_and_no_number_is_cut() -> None:
    rows = wrap_line((Span("AAPL.XNAS would be 1,032.5 % of equity; the limit is 25 %."),), 16, most=2)
    assert texts(rows) == ["AAPL.XNAS would ", "be 1,032.5 % …"]
    assert all(len(text) <= 16 for text in texts(rows))


@given(st.lists(st.text("ab1", min_size=1, max_size=9), max_size=30), st.integers(11, 40), st.integers(1, 6))
def test_broken_lines_fit_and_their_words_stay_whole_and_in_order(words: list[str], width: int, most: int) -> None:
    rows = texts(wrap_line((Span(" ".join(words)),), width, most=most))
    assert len(rows) <= most
    assert all(len(row) <= width for row in rows)
    kept = " ".join(row.strip() for row in rows).split()
    if kept and kept[-1] == "…":
        kept.pop()
        assert kept == words[: len(kept)]
    else:
        assert kept == words
