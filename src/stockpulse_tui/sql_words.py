"""Statements to begin with, statements typed before, and the words of SQL in a line being typed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from stockpulse_engine.render.span import Line, Span

MAX_KEPT = 100
MAX_KEPT_TEXT = 64 * 1024
"""Characters of all statements that are remembered together."""


class Example(msgspec.Struct, frozen=True):
    """A statement that works on every store, and what it answers."""

    about: str
    statement: str


EXAMPLES = (
    Example("what is held, from where", "select * from series order by instrument_id, spec"),
    Example(
        "daily bars, newest first",
        "select ts, instrument_id, source, open, high, low, close, volume from bars where spec = '1d' "
        "order by ts desc limit 500",
    ),
    Example(
        "how far back each instrument goes",
        "select instrument_id, spec, min(ts) as first, max(ts) as last, count(*) as bars from bars group by all "
        "order by 1, 2",
    ),
    Example(
        "month by month",
        "select date_trunc('month', ts) as month, instrument_id, source, last(close order by ts) as close, "
        "sum(volume) as volume from bars where spec = '1d' group by all order by month, instrument_id",
    ),
    Example(
        "volatility of a year of daily returns",
        "select instrument_id, source, stddev_samp(change) * sqrt(252) as volatility, count(*) as days from (select "
        "instrument_id, source, ln(close::double / lag(close) over (partition by instrument_id, source order by ts)) "
        "as change from bars where spec = '1d' and close > 0) group by all order by volatility desc",
    ),
    Example(
        "prints by the hour",
        "select instrument_id, date_trunc('hour', ts) as hour, count(*) as prints, sum(price * size) / sum(size) as "
        "vwap from trades group by all order by hour desc",
    ),
    Example("splits and dividends", "select ts, instrument_id, kind, numerator, denominator, amount from actions"),
    Example("how a statement is run", "explain select max(close) from bars where spec = '1d'"),
)


class Past:
    """Statements that were run, newest first, and the walk through them; the examples come after the last."""

    def __init__(self, kept: list[str]) -> None:
        self._kept = kept
        """The list that is saved; changed in place."""
        self._at = -1
        self._draft = ""

    def add(self, statement: str) -> None:
        """It was run: it comes first."""
        rest = [one for one in self._kept if one != statement]
        room, kept = MAX_KEPT_TEXT, []
        for one in [statement, *rest][:MAX_KEPT]:
            room -= len(one)
            if room < 0:
                break
            kept.append(one)
        self._kept[:] = kept
        self._at = -1

    def walk(self, step: int, now: str) -> str | None:
        """The statement one earlier (1) or later (-1) than the one in sight; None at the end of the walk."""
        told = [*self._kept, *(one.statement for one in EXAMPLES if one.statement not in self._kept)]
        if self._at == -1:
            self._draft = now
        at = self._at + step
        if not -1 <= at < len(told):
            return None
        self._at = at
        return self._draft if at == -1 else told[at]


_TOKENS = re.compile(
    r"(?P<text>'(?:[^']|'')*'?)|(?P<note>--[^\n]*)|"
    r"(?P<word>\b(?:select|from|where|group|order|by|limit|offset|as|and|or|not|in|is|null|join|left|right|full|on|using|"
    r"with|union|all|distinct|having|case|when|then|else|end|between|like|over|partition|explain|analyze|desc|asc|"
    r"qualify|asof)\b)",
    re.IGNORECASE,
)
_LOOKS = {"text": "series2", "note": "faint", "word": "accent"}


def tinted(line: str) -> list[str]:
    """The token of each character of a line of SQL."""
    tokens = ["text"] * len(line)
    for found in _TOKENS.finditer(line):
        token = _LOOKS[found.lastgroup or "text"]
        tokens[found.start() : found.end()] = [token] * (found.end() - found.start())
    return tokens


def spans_of(letters: Iterable[tuple[str, str, str]]) -> Line:
    """Runs of (character, foreground, background) as spans."""
    out: list[Span] = []
    for letter, fg, bg in letters:
        if out and (out[-1].fg, out[-1].bg) == (fg, bg):
            out[-1] = Span(out[-1].text + letter, fg, bg)
        else:
            out.append(Span(letter, fg, bg))
    return tuple(out)
