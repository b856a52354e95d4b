"""The command line's grammar: code and instrument in either order, action words, order lines.

`AAPL GP 5m`, `GP AAPL 5m`, `GP`, `AAPL`, `buy AAPL 100 lmt 231.40`, `theme light`, `set motion = off`.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from stockpulse_engine.actions.fuzzy import match
from stockpulse_engine.actions.registry import ACTIONS, BY_CODE, BY_ID, Action
from stockpulse_engine.actions.registry_past import PAST_CODE

MAX_LINE = 512
"""Longest line that is looked at."""
MIC_LENGTH = 4


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A line understood: the action, the symbol it names (as known here, "" when none), further words."""

    action: Action
    symbol: str = ""
    arguments: tuple[str, ...] = ()
    line: str = ""
    """The whole line as typed; an order line is parsed from it by the order language."""


class Unknown(msgspec.Struct, frozen=True):
    """A line not understood, with the nearest things it may have meant."""

    word: str
    nearest: tuple[str, ...]


_WORDS: dict[str, Action] = {
    **{action.id.upper(): action for action in ACTIONS},
    **{action.title.upper(): action for action in ACTIONS if action.codes},
    **BY_CODE,
}


def parse_command(text: str, symbols: Collection[str]) -> Command | Unknown | None:
    """Understand one line; None for an empty one.

    `symbols` are the upper-case symbols known here; `AAPL.XNAS` is understood as `AAPL`. With two words either
    order is taken; a word that is both a code and a symbol is the code when the other one is a symbol.
    """
    line = text[:MAX_LINE].strip()
    if line.startswith(PAST_CODE):  # a moment may stand right behind it, and no word of it is a symbol
        rest = line[len(PAST_CODE) :].split()
        return Command(action=BY_CODE[PAST_CODE], arguments=tuple(rest), line=f"{PAST_CODE} {' '.join(rest)}".rstrip())
    words = line.split()
    if not words:
        return None
    first = _action(words[0])
    if first is not None and not (len(words) > 1 and _symbol(words[0], symbols) and _action(words[1])):
        return _with_code(first, words[1:], symbols, line)
    symbol = _symbol(words[0], symbols)
    if not symbol:
        return Unknown(words[0], nearest(words[0], symbols))
    if len(words) == 1:
        return Command(action=BY_ID["instrument.describe"], symbol=symbol, line=line)
    second = _action(words[1])
    if second is None:
        return Unknown(words[1], nearest(words[1], ()))
    return Command(action=second, symbol=symbol, arguments=tuple(words[2:]), line=line)


def nearest(word: str, symbols: Collection[str], count: int = 3) -> tuple[str, ...]:
    """The `count` codes or symbols most like `word`, best first."""
    import difflib  # only a mistyped line pays for it

    pool = list(dict.fromkeys([*BY_CODE, *symbols]))
    upper = word.upper()
    fuzzy = sorted((m.score, name) for name in pool if (m := match(upper, name)) is not None)
    close = difflib.get_close_matches(upper, pool, n=count, cutoff=0.0)
    found = [name for _, name in reversed(fuzzy)] if fuzzy else []
    return tuple(dict.fromkeys([*found[:1], *close, *found]))[:count]


def _with_code(action: Action, rest: list[str], symbols: Collection[str], line: str) -> Command:
    symbol = _symbol(rest[0], symbols) if rest else ""
    return Command(action=action, symbol=symbol, arguments=tuple(rest[1:] if symbol else rest), line=line)


def _action(word: str) -> Action | None:
    return _WORDS.get(word.upper())


def _symbol(word: str, symbols: Collection[str]) -> str:
    upper = word.upper()
    if upper in symbols:
        return upper
    head, dot, venue = upper.rpartition(".")
    return head if dot and len(venue) == MIC_LENGTH and head in symbols else ""
