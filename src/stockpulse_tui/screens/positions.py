"""The positions screen: what is held, and under it the lots of one position and the equity of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, Box, Column, Slot
from stockpulse_tui.widgets.lots import Lots

if TYPE_CHECKING:
    from textual.geometry import Size

    from stockpulse_tui.widgets.positions import PositionPicked

LOTS_WIDTH = 58


class PositionsView(View):
    """Positions above; lots and equity side by side below."""

    action_id = "screen.positions"
    pane_names = ("positions", "lots", "equity")

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """Only the upper pane and the room below: `boxes` parts that room."""
        return (Column((Slot("positions", 26 if size_class == LARGE else 16), Slot("lots"))),)

    def boxes(self, size: Size) -> dict[str, Box]:
        """The room below is lots at the left, equity at the right."""
        boxes = super().boxes(size)
        if len(boxes) < 2:
            return boxes
        below = boxes["lots"]
        left = min(LOTS_WIDTH, below.width // 2)
        boxes["lots"] = Box(below.x, below.y, left, below.height)
        boxes["equity"] = Box(below.x + left + 1, below.y, below.width - left - 1, below.height)
        return boxes

    def on_position_picked(self, message: PositionPicked) -> None:
        """The lots follow the cursor; Enter gives them the focus."""
        message.stop()
        lots = self.panes.get("lots")
        if isinstance(lots, Lots):
            lots.show_position(message.instrument_id)
            if message.is_opened:
                self.focus_pane("lots")
