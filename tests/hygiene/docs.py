"""The pages and what is written in them, as the tests of the docs read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from stockpulse_engine.cli.app import make_app
from tests.hygiene.tree import ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "models" / "README.md")


def written_pages() -> list[Path]:
    """Every page a person reads."""
    return [*PAGES, *sorted(DOCS.rglob("*.md"))]


def shell_lines(text: str) -> Iterator[str]:
    """Lines of `sh` blocks that run `sp`, without comments, variables' values, pipes and redirections."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("sp "):
                yield line


def accepts(line: str) -> None:
    """Let the real parser read an `sp` line; nothing is run."""
    words = shlex.split(line, comments=True)
    for stop in ("|", ">", "&&", "||", ";", "&"):
        words = words[: words.index(stop)] if stop in words else words
    assert words[0] == "sp", line
    words = words[1:]
    while words and words[0].startswith("--home"):
        words = words[1 if "=" in words[0] else 2 :]
    if not words or words[0] in ("--help", "--install-completion"):
        return
    command: Any = typer.main.get_command(make_app(words[0]))
    while words and getattr(command, "commands", {}) and not words[0].startswith("-"):
        meant = getattr(command, "default_command", "")
        if meant and words[0] not in command.commands:
            words.insert(0, meant)
        assert words[0] in command.commands, f"no command {words[0]!r} in {line!r}"
        command = command.commands[words.pop(0)]
    command.make_context("sp", words)
