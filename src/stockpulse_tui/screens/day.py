"""The review of a session: the list of its orders, and beside it one of them on its chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, Column, Slot
from stockpulse_tui.widgets.day_order import DayOrderPane

if TYPE_CHECKING:
    from stockpulse_tui.widgets.day import DayPicked


class DayView(View):
    """List and order; in S one of them, Enter and Esc change between them."""

    action_id = "day.review"
    pane_names = ("day", "dayorder")

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """Two columns."""
        return (Column((Slot("day"),), 88 if size_class == LARGE else 64), Column((Slot("dayorder"),)))

    def on_day_picked(self, message: DayPicked) -> None:
        """The chart follows the cursor; Enter gives it the focus."""
        message.stop()
        pane = self.panes.get("dayorder")
        if isinstance(pane, DayOrderPane):
            pane.show_entry(message.entry)
            if message.is_opened:
                self.focus_pane("dayorder")
