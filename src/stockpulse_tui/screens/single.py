"""A view of one pane that takes the whole screen: chart, positions, orders, ladder by their digits."""

from __future__ import annotations

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import Column, Slot


class Single(View):
    """One pane, alone."""

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """One column with one slot."""
        return (Column(tuple(Slot(name) for name in self.pane_names)),)
