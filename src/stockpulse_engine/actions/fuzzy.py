"""Fuzzy matching of short names: every letter of the query in order, best places first."""

from __future__ import annotations

import msgspec

_WORD_START, _RUN, _PLAIN = 8, 5, 1


class Match(msgspec.Struct, frozen=True):
    """How well a text fits a query; `places` are the indexes of the matched letters."""

    score: int
    places: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """Match `query` against `text` without regard to case; None when a letter is missing.

    A letter at the start of a word, or right after the letter matched before, counts more; a prefix counts
    most, and of equal matches the shorter text wins.
    """
    wanted, hay = query.casefold(), text.casefold()
    if not wanted:
        return Match(0, ())
    start = hay.find(wanted)
    if start >= 0:
        bonus = 40 if start == 0 else 20 if _is_word_start(hay, start) else 0
        return Match(100 + bonus - len(hay), tuple(range(start, start + len(wanted))))
    places = _places(wanted, hay)
    if places is None:
        return None
    return Match(sum(_worth(hay, places, i) for i in range(len(places))) - len(hay), places)


def _places(wanted: str, hay: str) -> tuple[int, ...] | None:
    places: list[int] = []
    at = 0
    for letter in wanted:
        at = hay.find(letter, at)
        if at < 0:
            return None
        places.append(at)
        at += 1
    return tuple(places)


def _worth(hay: str, places: tuple[int, ...], i: int) -> int:
    if i and places[i] == places[i - 1] + 1:
        return _RUN
    return _WORD_START if _is_word_start(hay, places[i]) else _PLAIN


def _is_word_start(hay: str, at: int) -> bool:
    return at == 0 or not hay[at - 1].isalnum()
