"""The typer application: commands by subject, errors and exit codes in one place."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from stockpulse_engine.cli.errors import guarded

SUBJECTS: dict[str, tuple[str, ...]] = {
    "market": ("quote", "watch", "chart", "depth", "news", "market"),
    "orders": ("buy", "sell", "orders", "order", "modify", "cancel", "send", "discard", "why"),
    "account": ("positions", "lots", "account", "portfolio", "day"),
    "reconcile": ("reconcile",),
    "limits": ("limits",),
    "control": ("halt", "reduce", "flatten", "resume"),
    "data": ("log",),
    "history": ("bars", "ticks", "actions", "coverage"),
    "sql": ("sql",),
    "universe": ("universe",),
    "store": ("store",),
    "importing": ("import",),
    "jobs": ("jobs",),
    "option": ("option",),
    "backup": ("backup", "restore"),
    "home": ("config", "doctor"),
    "engine": ("engine",),
    "replay": ("replay",),
    "record": ("record",),
    "token": ("token",),
    "broker": ("broker",),
    "arm": ("arm", "disarm", "live"),
    "demo": ("demo",),
    "drill": ("drill",),
    "watchdog": ("watchdog",),
}
"""Module of this room → its commands; only the module of the asked command is loaded."""


def make_app(first: str = "") -> typer.Typer:
    """Build the command tree, or the branch that `first` lies on. Command bodies import what they run."""
    app = typer.Typer(
        name="sp",
        help="StockPulse: quotes, orders and their proof, in the terminal. `sp` alone opens the screen.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    wanted = [name for name, commands in SUBJECTS.items() if first in commands] or list(SUBJECTS)
    for name in wanted:
        importlib.import_module(f"stockpulse_engine.cli.{name}").register(app)
    return app


def _root(
    home_dir: Annotated[
        str, typer.Option("--home", metavar="DIR", help="Keep everything under DIR instead of the usual places.")
    ] = "",
) -> None:
    if home_dir:
        os.environ["STOCKPULSE_HOME"] = home_dir


def first_command(arguments: Sequence[str]) -> str:
    """The command word, "" when none can be told for sure."""
    rest = list(arguments)
    while rest and rest[0].startswith("--home"):
        rest = rest[1:] if "=" in rest[0] else rest[2:]
    return rest[0] if rest and not rest[0].startswith("-") else ""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    return guarded(lambda: make_app(first_command(arguments))(list(arguments), prog_name="sp"))
