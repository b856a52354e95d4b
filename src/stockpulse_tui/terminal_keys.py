"""Keys as terminals send them. `Esc` followed quickly by a key comes as one sequence, the same as Alt with that key.

Nothing here has Alt keys, and whoever presses `Esc` and goes on typing means both: so such a sequence is read as
`Esc` and then the key, as vi does. The framework's own reader would make `™` of Esc 2, and lose the Esc of Esc :.

What is pasted is text to its end. The framework's reader would take what follows an ESC in it for keys, an Enter too.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character
from textual.message import Message

from stockpulse_tui.keymap import key_name

ESC = "\x1b"
OPENERS = frozenset("[O]P^_X")
"""What begins a longer sequence after ESC: only silence tells that it was a key."""
ALT = "alt+"
C1_SHIFT = 0x40
"""From the character after an ESC to the single control character that stands for both."""
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
_UNICODE_NAMES = {name: unicode_name for unicode_name, name in KEY_NAME_REPLACEMENTS.items()}


class PasteGuard:
    """Passes on what a terminal sent; in a pasted text without any ESC, so that none of it can be read as a key."""

    def __init__(self) -> None:
        self._wanted = PASTE_START
        """The mark that comes next."""
        self._seen = ""
        """As much of it as was there at the end of the last piece."""

    def clean(self, data: str) -> str:
        """The next piece; within a paste what may be the beginning of its end mark waits for the rest."""
        return "".join([self._next(letter) for letter in data])

    def _next(self, letter: str) -> str:
        is_pasted = self._wanted == PASTE_END
        seen = self._seen + letter
        if seen == self._wanted:
            self._seen, self._wanted = "", PASTE_START if is_pasted else PASTE_END
            return seen if is_pasted else letter
        if self._wanted.startswith(seen):
            self._seen = seen
            return "" if is_pasted else letter
        held, self._seen = self._seen, ""
        if not held:
            return letter
        if is_pasted and held == ESC and letter != ESC:
            return _control(letter)
        return (_control(held[1:2]) + held[2:] if is_pasted else "") + self._next(letter)


def _control(letter: str) -> str:
    """ESC and a letter as the one control character that means the same; text is cleaned of it as well."""
    return chr(ord(letter) + C1_SHIFT) if "@" <= letter <= "_" else letter


class KeyReader(XTermParser):
    """The framework's reader, but for Esc with a key, and for ESC in a paste."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._guard = PasteGuard()

    def feed(self, data: str) -> Iterable[Message]:
        """What is made of the next piece; an empty one is the end."""
        clean = self._guard.clean(data)
        return super().feed(clean) if clean or not data else ()

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
