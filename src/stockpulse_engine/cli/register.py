"""Adding commands: help from the docstring, its `Example:` lines kept as they are written."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

_KEEP = "\b\n"
"""Click's mark for a paragraph that must not be wrapped again."""


def add_command(app: typer.Typer, command: Callable[..., Any], *, name: str = "", **settings: Any) -> None:
    """Add `command` under its own (or the given) name."""
    words, examples = split_help(command)
    text = f"{words}\n\n{_KEEP}Examples:\n" + "\n".join(f"  {one}" for one in examples) if examples else words
    app.command(name or None, help=text, short_help=words.split("\n\n")[0].replace("\n", " "), **settings)(command)


def split_help(command: Callable[..., Any]) -> tuple[str, tuple[str, ...]]:
    """The docstring without its examples, and the examples."""
    lines = (inspect.getdoc(command) or "").splitlines()
    examples = tuple(line.removeprefix("Example: ") for line in lines if line.startswith("Example: "))
    return "\n".join(line for line in lines if not line.startswith("Example: ")).strip(), examples
