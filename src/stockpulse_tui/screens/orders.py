"""The orders screen: the blotter, and under it the life of the order under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, Column, Slot
from stockpulse_tui.widgets.life import Life

if TYPE_CHECKING:
    from stockpulse_tui.widgets.order_acts import OrderPicked

_MEDIUM = (Column((Slot("orders", 15), Slot("life"))),)
_LARGE = (Column((Slot("orders", 28), Slot("life"))),)


class Orders(View):
    """Blotter and life; in S one of them, Enter and Esc change between them."""

    action_id = "screen.orders"
    pane_names = ("orders", "life")

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """One column."""
        return _LARGE if size_class == LARGE else _MEDIUM

    def on_order_picked(self, message: OrderPicked) -> None:
        """The life follows the cursor; Enter gives it the focus."""
        message.stop()
        life = self.panes.get("life")
        if isinstance(life, Life):
            life.show_order(message.client_order_id)
            if message.is_opened:
                self.focus_pane("life")
