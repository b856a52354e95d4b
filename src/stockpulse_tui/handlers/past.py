"""`@ 2013-10-07 11:32`, `@ now`: where in time this head looks."""

from __future__ import annotations

from stockpulse_engine.actions.registry_past import PAST_SYNTAX
from stockpulse_tui.handlers import Handler

NOW_WORDS = frozenset({"now", "live"})


class PastHandler(Handler):
    """Going to a moment, and back."""

    def do_past_go(self) -> None:
        """The moment named; the key asks for it."""
        command = self.shell.command
        if command is None or not command.arguments:
            self.shell.windows.ask("past.go", "show what was known at (11:32, 2013-10-07 11:32, -5m, yesterday close)")
            return
        self.entered_past_go(" ".join(command.arguments))

    def entered_past_go(self, text: str) -> None:
        """A moment was typed."""
        words = " ".join(text.split())
        if not words:
            self.shell.notify_line(PAST_SYNTAX)
        elif words.lower() in NOW_WORDS:
            self.do_past_leave()
        else:
            self.shell.rewind.go(words)

    def do_past_leave(self) -> None:
        """Back to now, or no longer on the way."""
        rewind = self.shell.rewind
        if rewind.asking and not rewind.is_past:
            rewind.give_up()
        else:
            rewind.leave()
