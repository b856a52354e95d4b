"""Opening a ticket with a line already written, through the same action that `b`, `v` and the command line run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.actions.codes import Command, parse_command

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


def open_line(shell: StockPulseApp, text: str) -> None:
    """Open a ticket for an order line such as `sell AAPL all`; nothing is sent by opening it."""
    command = parse_command(text, shell.store.by_symbol.keys())
    if isinstance(command, Command):
        shell.run_action_id(command.action.id, command)
    else:
        shell.notify_line(f"{text.split(' ', maxsplit=1)[0]} can not be opened as a ticket here", "warn")
