"""The ladder screen: the ladder, and beside it the tape, what the keys would do, and own orders."""

from __future__ import annotations

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, Column, Slot

_RIGHT = (Slot("tape"), Slot("cursor", 10), Slot("mine", 9))


class LadderView(View):
    """Ladder at the left; the right column is dropped first when narrow."""

    action_id = "screen.ladder"
    pane_names = ("ladder", "tape", "cursor", "mine")

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """Two columns."""
        return (Column((Slot("ladder"),)), Column(_RIGHT, 44 if size_class == LARGE else 37))
