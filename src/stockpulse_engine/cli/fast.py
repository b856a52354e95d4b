"""The two commands whose speed is felt, without the weight of the full command line: quote and halt.

Only their plain forms are taken here; anything else (help, an unknown option, completion) falls through to typer,
which knows the same commands. A test holds the two to the same output.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence


def find_fast(arguments: Sequence[str]) -> Callable[[], None] | None:
    """The work of a plain `quote` or `halt`, None when the full command line has to look."""
    rest = list(arguments)
    home = ""
    if len(rest) > 1 and rest[0] == "--home":
        home, rest = rest[1], rest[2:]
    if not rest or rest[0] not in {"quote", "halt"}:
        return None
    command, words = rest[0], rest[1:]
    as_json = "--json" in words
    words = [word for word in words if word != "--json"]
    if any(word.startswith("-") for word in words) or (not words) is (command == "quote"):
        return None
    if home:
        os.environ["STOCKPULSE_HOME"] = home
    return _quote(words, as_json=as_json) if command == "quote" else _halt(as_json=as_json)


def _quote(symbols: list[str], *, as_json: bool) -> Callable[[], None]:
    def work() -> None:
        from stockpulse_engine.cli.quotes import show_quotes

        show_quotes(symbols, as_json=as_json)

    return work


def _halt(*, as_json: bool) -> Callable[[], None]:
    def work() -> None:
        from stockpulse_engine.cli.halting import halt_now

        halt_now("", as_json=as_json)

    return work
