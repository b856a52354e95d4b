"""Text from outside cannot drive the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.text import clean_line, clean_text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1;2qpixels\x1b\\done", "done"),
        ("\x9b2Jwiped", "wiped"),
        ("\x9d52;c;AAAA\x9cclipboard", "clipboard"),
        ("\x1bcreset", "reset"),
        ("cut \x1b[38;5;", "cut "),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("one\r\ntwo\tthree\u2028four", "one two three four"),
        ("safe\u202eexe.txt\u2066x\u200f", "safeexe.txtx"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("zalgo" + "o" + "\u0301" * 40, "zalgoo\u0301\u0301\u0301"),
        ("naïve 日本 👩‍🚀", "naïve 日本 👩‍🚀"),
    ],
)
def test_each_trick_is_taken_out_and_the_words_stay(hostile: str, harmless: str) -> None:
    assert clean_text(hostile) == harmless


def test_a_cut_is_marked_and_within_the_limit() -> None:
    assert clean_text("x" * 600) == "x" * 511 + "…"
    assert clean_text("abcdef", limit=3) == "ab…"
    assert clean_text("abc", limit=3) == "abc"


def test_text_behind_the_scanned_part_counts_as_cut() -> None:
    assert clean_text("\x00" * 100 + "tail", limit=4).endswith("…")


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        clean_text("x", limit=0)


def test_a_line_has_no_blank_runs() -> None:
    assert clean_line("  a \n\n b\t") == "a b"


HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b[]\\;0m\x07\x9b\x9c\u202e\u0301")), max_size=80)


@pytest.mark.covers("F50", "R44")
@given(HOSTILE)
def test_nothing_that_controls_a_terminal_survives(text: str) -> None:
    cleaned = clean_text(text, limit=40)
    assert len(cleaned) <= 40
    assert not [char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [
        char for char in cleaned if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI")
    ]


PLAIN = st.text(st.sampled_from("ab Z09~-. "), max_size=12)


@given(st.one_of(PLAIN, HOSTILE), st.integers(1, 12))
def test_plain_words_are_let_through_as_the_patterns_would(given_text: str, limit: int) -> None:
    quick = clean_text(given_text, limit), clean_line(given_text, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stockpulse_engine.base.text._is_plain", lambda _text, _limit: False)
        assert (clean_text(given_text, limit), clean_line(given_text, limit)) == quick


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text, limit=40)
    assert clean_text(once, limit=40) == once
