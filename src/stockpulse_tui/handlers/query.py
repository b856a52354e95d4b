"""Screens without a digit: `SQL`, `DRILL`; and `UNIVERSE name`, which puts a universe into the watchlist."""

from __future__ import annotations

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_tui.handlers import Handler


class QueryHandler(Handler):
    """What opens a screen or asks the stored history, and belongs to no pane."""

    def do_history_sql(self) -> None:
        """Show the screen; a statement behind the code is run."""
        from stockpulse_tui.screens.sql import SqlScreen

        shell = self.shell
        statement = shell.command.line.partition(" ")[2].strip() if shell.command else ""

        def run() -> None:
            if isinstance(shell.view, SqlScreen):
                shell.view.work.edit.set(statement)
                shell.view.work.run()

        shell.show_view("history.sql", then=run if statement else None)

    def do_drill_show(self) -> None:
        """The drill: the last report, and running one."""
        self.shell.show_view("drill.show")

    def do_watch_universe(self) -> None:
        """Add a universe's members to the group."""
        words = self.shell.command.arguments if self.shell.command else ()
        if len(words) == 1:
            self.shell.in_background(self._add(words[0]))
        else:
            self.shell.notify_line("UNIVERSE takes a name; `sp universe list` tells which there are", "warn")

    async def _add(self, name: str) -> None:
        shell = self.shell
        try:
            members = await shell.link.commands.universe_symbols(name)
        except StockPulseError as error:
            shell.notify_line(str(error), "warn")
            return
        known = [symbol for symbol in members if symbol in shell.store.by_symbol]
        new = shell.current_watchlists().add(known)
        shell.save_watchlists()
        shell.refresh_all()
        absent = len(members) - len(known)
        shell.notify_line(f"{len(new)} of {len(members)} members added, {absent} are not traded here")
