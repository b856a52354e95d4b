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
    words, _ = split_help(command)
    short = words.split("\n\n")[0].replace("\n", " ")
    app.command(name or None, help=help_text(command), short_help=short, **settings)(command)


def help_text(command: Callable[..., Any]) -> str:
    """What `--help` says: the docstring, then its examples line by line."""
    words, examples = split_help(command)
    return f"{words}\n\n{_KEEP}Examples:\n" + "\n".join(f"  {one}" for one in examples) if examples else words


def split_help(command: Callable[..., Any]) -> tuple[str, tuple[str, ...]]:
    """The docstring without its examples, and the examples."""
    lines = (inspect.getdoc(command) or "").splitlines()
    examples = tuple(line.removeprefix("Example: ") for line in lines if line.startswith("Example: "))
    return "\n".join(line for line in lines if not line.startswith("Example: ")).strip(), examples
