"""The desk: everything a day needs on one screen, in three sizes."""

from __future__ import annotations

from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.panes import desk_panes
from stockpulse_tui.screens.slots import LARGE, Column, Slot

_MEDIUM = (
    Column((Slot("watchlist"), Slot("ticket", 15)), 47),
    Column((Slot("chart"), Slot("orders", 7), Slot("positions", 6, 0))),
)
_LARGE = (
    Column((Slot("watchlist"), Slot("news", 9)), 66),
    Column((Slot("chart"), Slot("orders", 11), Slot("positions", 10))),
    Column((Slot("ladder"), Slot("ticket", 15)), 44),
)


class Desk(View):
    """Watchlist, chart, ticket, orders, positions; in L also news and ladder."""

    action_id = "screen.desk"

    def __init__(self) -> None:
        super().__init__(desk_panes())

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """Columns of M and L."""
        return _LARGE if size_class == LARGE else _MEDIUM
