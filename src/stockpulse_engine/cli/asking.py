"""Words that must be typed: what cannot be taken back is never done by a single key."""

from __future__ import annotations

import sys

from stockpulse_engine.cli.output import say
from stockpulse_engine.domain.errors import InvalidValueError


def ask_word(word: str, sentence: str) -> str:
    """Say what would happen and read the word. Raises InvalidValueError where there is no terminal."""
    if not sys.stdin.isatty():
        raise InvalidValueError(f"{sentence} There is no terminal to type {word} on.", fix=f"Pass --word {word}.")
    say(f"{sentence}\nType {word} to go on: ")
    return sys.stdin.readline().strip()
