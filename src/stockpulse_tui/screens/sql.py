"""The SQL screen: a statement above its answer, and beside them what can be selected from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, SMALL, Box, Column, Slot, place
from stockpulse_tui.sql_work import SqlWork

if TYPE_CHECKING:
    from textual.geometry import Size

_SMALL = (Column((Slot("sql", 6), Slot("result", gap=0), Slot("views", gap=0))),)
_MEDIUM = (Column((Slot("sql", 8), Slot("result"))), Column((Slot("views"),), 32))
_LARGE = (Column((Slot("sql", 12), Slot("result"))), Column((Slot("views"),), 48))


class SqlScreen(View):
    """Statement, answer, views; in S the views take the place of the answer while they have the focus."""

    action_id = "history.sql"
    pane_names = ("sql", "result", "views")
    _work: SqlWork | None = None

    def on_mount(self) -> None:
        """The work that the panes share is there before they draw."""
        super().on_mount()
        if not self.work.views:
            self.work.read_views()

    @property
    def work(self) -> SqlWork:
        """The statement at work; made with the screen."""
        from stockpulse_tui.app import StockPulseApp

        if self._work is None:
            assert isinstance(self.app, StockPulseApp)
            self._work = SqlWork(self.app, self.redraw_panes)
        return self._work

    def redraw_panes(self) -> None:
        """Something new is to be shown."""
        for pane in self.panes.values():
            pane.redraw()

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """One column, or two with the views."""
        return {SMALL: _SMALL, LARGE: _LARGE}.get(size_class, _MEDIUM)

    def boxes(self, size: Size) -> dict[str, Box]:
        """The statement is always in sight, also where there is little room."""
        if not size or self.zoomed or self.size_class != SMALL:
            return super().boxes(size)
        below = "views" if self.front == "views" else "result"
        return place(_SMALL, ("sql", below), size.width, size.height)

    def do_sql_run(self) -> None:
        """Run the statement."""
        self.work.run()

    def do_sql_cancel(self) -> None:
        """End it."""
        self.work.cancel()

    def do_sql_edit(self) -> None:
        """To the statement."""
        self.focus_pane("sql")

    def do_sql_views(self) -> None:
        """To the views, and back."""
        self.focus_pane("views" if self.front != "views" else "sql")
