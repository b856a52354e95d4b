"""Keys as terminals send them. `Esc` followed quickly by a key comes as one sequence, the same as Alt with that key.

Nothing here has Alt keys, and whoever presses `Esc` and goes on typing means both: so such a sequence is read as
`Esc` and then the key, as vi does. The framework's own reader would make `™` of Esc 2, and lose the Esc of Esc :.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character

from stockpulse_tui.keymap import key_name

ESC = "\x1b"
OPENERS = frozenset("[O]P^_X")
"""What begins a longer sequence after ESC: only silence tells that it was a key."""
ALT = "alt+"
_UNICODE_NAMES = {name: unicode_name for unicode_name, name in KEY_NAME_REPLACEMENTS.items()}


class KeyReader(XTermParser):
    """The framework's reader, but for Esc with a key."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """Keys of a sequence; `alt` says that an ESC came before it."""
        if alt:
            yield events.Key("escape", ESC)
            yield from super()._sequence_to_key_events(sequence)
        elif len(sequence) == len("\x1bx") and sequence[0] == ESC and sequence[1] not in OPENERS:
            yield events.Key("escape", ESC)
            yield from super()._sequence_to_key_events(sequence[1])
        else:
            yield from super()._sequence_to_key_events(sequence)


def use_key_reader() -> None:
    """Let the driver read the terminal with it; the framework has no other way to say so."""
    linux_driver.XTermParser = KeyReader  # type: ignore[attr-defined] # imported there, not exported


def pressed(key: str, character: str | None) -> tuple[str, ...]:
    """Keys in people's notation: Alt with a character, as newer terminals tell it, is Esc and then the character."""
    if key.startswith(ALT):
        tail = key.removeprefix(ALT)
        typed = character or key_to_character(_UNICODE_NAMES.get(tail, tail))
        if typed and typed.isprintable():
            return "Esc", key_name(tail, typed)
    return (key_name(key, character),)
