"""What the command line offers for a text: codes, recent lines, instruments, settings; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from stockpulse_engine.actions.codes import Command, Unknown, parse_command
from stockpulse_engine.actions.fuzzy import match
from stockpulse_engine.actions.registry import ACTIONS, BY_CODE, Action, Context
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_tui.keymap import Keymap
from stockpulse_tui.settings import NAMES

FIRST_CODES = 14
"""So many codes while nothing is typed yet."""
GROUP_LIMITS = {"codes": 6, "nearest": 3, "recent": 3, "instruments": 4, "settings": 3}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line on offer. `line` is what Enter does; `places` are the matched letters of `name`."""

    group: str
    name: str
    words: str
    line: str
    key: str = ""
    cli: str = ""
    places: tuple[int, ...] = ()
    instrument_id: str = ""
    syntax: str = ""


class PaletteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the offers are made from."""

    instruments: Mapping[str, Instrument]
    """By symbol."""
    focused: str
    """Symbol in sight, "" without one."""
    recent: Sequence[str]
    settings: Mapping[str, str]
    keymap: Keymap
    context: Context
    can: Callable[[str], bool]


def offers(text: str, facts: PaletteFacts) -> list[Entry]:
    """Entries for what is typed so far, best first within their groups."""
    subject, query = split_subject(text, facts)
    found = _codes(subject, query, facts)
    instruments = _instruments(query, facts)
    if query and not found and not instruments and not subject:
        found = _nearest(query, facts)
    return [*found, *_recent(text, facts), *instruments, *_settings(query, facts)]


def split_subject(text: str, facts: PaletteFacts) -> tuple[str, str]:
    """The instrument named in the text, and what is left to match: `AAPL g` → (AAPL, g)."""
    words = text.split()
    symbols = facts.instruments
    if len(words) > 1 and words[0].upper() in symbols:
        return words[0].upper(), " ".join(words[1:])
    if len(words) > 1 and words[-1].upper() in symbols and words[0].upper() in BY_CODE:
        return words[-1].upper(), words[0]
    if len(words) == 1 and words[0].upper() in symbols and text.endswith(" "):
        return words[0].upper(), ""
    return "", text.strip()


def ghost(text: str, entries: Sequence[Entry]) -> str:
    """What would complete the text to the first entry that starts with it."""
    if not text:
        return ""
    for entry in entries:
        if entry.line.casefold().startswith(text.casefold()) and len(entry.line) > len(text):
            rest = entry.line[len(text) :]
            return rest.lower() if text[-1].islower() else rest
    return ""


def chosen_line(text: str, entry: Entry | None, *, is_marked: bool, symbols: Mapping[str, Instrument]) -> str:
    """What Enter does: the marked entry, else the line as typed when it means something, else the first entry."""
    if entry is not None and is_marked:
        return entry.line
    parsed = parse_command(text, symbols.keys())
    if isinstance(parsed, Command):
        return text.strip()
    return entry.line if entry is not None else text.strip()


def _codes(subject: str, query: str, facts: PaletteFacts) -> list[Entry]:
    word = query.split(" ", 1)[0]
    scored: list[tuple[int, int, Action, _Found]] = []
    for order, action in enumerate(ACTIONS):
        if not action.codes or action.codes[0] in "<>" or not facts.can(action.id):
            continue
        best = _score(word, action)
        if best is not None:
            scored.append((-best[0], order, action, best))
    scored.sort(key=lambda item: (item[0], item[1]))
    count = GROUP_LIMITS["codes"] if word or subject else FIRST_CODES
    return [_code_entry(action, found, subject, facts) for _, _, action, found in scored[:count]]


_Found = tuple[int, str, tuple[int, ...]]
"""Score, code, matched letters."""


def _score(word: str, action: Action) -> _Found | None:
    best: _Found | None = None
    for code in action.codes:
        found = match(word, code)
        if found is not None and (best is None or found.score > best[0]):
            best = (found.score, code, found.places)
    if best is None and len(word) > 2:
        by_words = match(word, action.help)
        if by_words is not None and by_words.score > 0:
            best = (by_words.score - 100, action.codes[0], ())
    return best


def _code_entry(action: Action, found: _Found, subject: str, facts: PaletteFacts) -> Entry:
    _, code, places = found
    target = subject or facts.focused
    symbol = target if action.needs_instrument else subject
    return Entry(
        group="codes",
        name=code,
        words=f"{symbol} {_words(action)}".strip() if action.needs_instrument else _words(action),
        line=f"{subject} {code}" if subject else f"{code} {symbol}".strip() if action.needs_instrument else code,
        key=facts.keymap.key_of(action.id, facts.context),
        cli=action.cli_line(symbol) if action.cli else "",
        places=places,
        syntax=action.syntax or code,
    )


def _words(action: Action) -> str:
    first = re.split(r"[:,;]| so that | and let ", action.help, maxsplit=1)[0].rstrip(".")
    return first[0].lower() + first[1:]


def _recent(text: str, facts: PaletteFacts) -> list[Entry]:
    wanted = text.strip()
    lines = [line for line in facts.recent if match(wanted, line) is not None and line.casefold() != wanted.casefold()]
    return [Entry(group="recent", name=line, words="", line=line) for line in lines[: GROUP_LIMITS["recent"]]]


def _instruments(query: str, facts: PaletteFacts) -> list[Entry]:
    if not query or " " in query:
        return []
    scored: list[tuple[int, str, tuple[int, ...]]] = []
    for symbol, instrument in facts.instruments.items():
        by_symbol = match(query, symbol)
        if by_symbol is not None:
            scored.append((-by_symbol.score, symbol, by_symbol.places))
        elif len(query) > 2 and query.casefold() in instrument.name.casefold():
            scored.append((0, symbol, ()))
    scored.sort()
    made = []
    for _, symbol, places in scored[: GROUP_LIMITS["instruments"]]:
        instrument = facts.instruments[symbol]
        words = f"{instrument.name}   {instrument.venue}"
        entry = Entry(
            group="instruments", name=symbol, words=words, line=symbol, places=places,
            instrument_id=instrument.instrument_id, syntax="instrument [code]",
        )  # fmt: skip
        made.append(entry)
    return made


def _settings(query: str, facts: PaletteFacts) -> list[Entry]:
    name = query.split(" ", 1)[-1] if query.casefold().startswith("set") else query
    found = [(m, key) for key in NAMES if (m := match(name, key)) is not None and (name or query)]
    return [
        Entry(
            group="settings", name=key, words=NAMES[key], line=f"SET {key} = ", places=m.places, cli=facts.settings[key]
        )
        for m, key in found[: GROUP_LIMITS["settings"]]
    ]


def _nearest(query: str, facts: PaletteFacts) -> list[Entry]:
    parsed = parse_command(query, facts.instruments.keys())
    if not isinstance(parsed, Unknown):
        return []
    made = []
    for name in parsed.nearest:
        action = BY_CODE.get(name)
        words = _words(action) if action else facts.instruments[name].name
        made.append(Entry(group="nearest", name=name, words=words, line=name, syntax=action.syntax if action else ""))
    return made
