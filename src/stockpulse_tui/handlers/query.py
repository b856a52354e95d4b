"""SQL from anywhere: `SQL` opens its screen, `SQL select …` runs the statement there."""

from __future__ import annotations

from stockpulse_tui.handlers import Handler


class QueryHandler(Handler):
    """Opens the SQL screen."""

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
