"""Commands that stop or free trading: halt, reduce, flatten, resume."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.cli.asking import ask_word
from stockpulse_engine.cli.halting import show_halt
from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.options import AccountName, JsonFlag
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.views import HaltView

Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
Word = Annotated[str, typer.Option("--word", help="The typed word, for scripts.")]


def halt(reason: Reason = "", as_json: JsonFlag = False) -> None:
    """Cancel all and let nothing leave but cancels. Works with the engine down: the latch is a file.

    Example: sp halt --reason 'fat finger'
    """
    from stockpulse_engine.cli.halting import halt_now

    halt_now(reason, as_json=as_json)


def reduce(reason: Reason = "", as_json: JsonFlag = False) -> None:
    """Allow only orders that reduce a position.

    Example: sp reduce
    """
    show_halt(_change("reduce", reason or "sp reduce", "", ""), as_json=as_json)


def flatten(word: Word = "", reason: Reason = "", account: AccountName = "", as_json: JsonFlag = False) -> None:
    """Close every position, then halt. Needs the typed word FLATTEN.

    Example: sp flatten
    """
    typed = word or ask_word("FLATTEN", "This cancels all orders, closes every position at market, then halts.")
    show_halt(_change("flatten", reason or "sp flatten", typed, account), as_json=as_json)


def resume(word: Word = "", reason: Reason = "", as_json: JsonFlag = False) -> None:
    """Trade again after a halt. Needs the typed word RESUME.

    Example: sp resume
    """
    typed = word or ask_word("RESUME", "Orders may leave again after this.")
    show_halt(_change("resume", reason or "sp resume", typed, ""), as_json=as_json)


def _change(action: str, reason: str, word: str, account_id: str) -> HaltView:
    return engine().set_halt(action, reason=reason, word=word, account_id=account_id)


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (halt, reduce, flatten, resume):
        add_command(app, command)
