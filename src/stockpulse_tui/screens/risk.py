"""The risk screen: limits and how full they are, what may leave now, exposure by instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.risk_feed import RiskFeed
from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, SMALL, Box, Column, Slot, place

if TYPE_CHECKING:
    from textual.geometry import Size

_SMALL = (Column((Slot("limits"), Slot("risknow", 8))),)
_MEDIUM = (Column((Slot("limits"),), 77), Column((Slot("risknow", 19), Slot("exposure"))))
_LARGE = (Column((Slot("limits"),), 136), Column((Slot("risknow", 22), Slot("exposure"))))


class RiskScreen(View):
    """Three panes; in S the exposure takes the limits' place while it is in front."""

    action_id = "screen.risk"
    pane_names = ("limits", "risknow", "exposure")
    _feed: RiskFeed | None = None

    @property
    def feed(self) -> RiskFeed:
        """What the panes share; made with the screen."""
        from stockpulse_tui.app import StockPulseApp

        if self._feed is None:
            assert isinstance(self.app, StockPulseApp)
            self._feed = RiskFeed(self.app, self.redraw_panes)
        return self._feed

    def on_mount(self) -> None:
        """The first reading begins with the screen."""
        super().on_mount()
        self.feed.ask()

    def redraw_panes(self) -> None:
        """Something new is to be shown."""
        for pane in self.panes.values():
            pane.redraw()

    def on_second(self) -> None:
        """Read again."""
        self.feed.ask()
        super().on_second()

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """One column, or two."""
        return {SMALL: _SMALL, LARGE: _LARGE}.get(size_class, _MEDIUM)

    def boxes(self, size: Size) -> dict[str, Box]:
        """The state is always in sight, also where there is little room."""
        if not size or self.zoomed or self.size_class != SMALL:
            return super().boxes(size)
        above = "exposure" if self.front == "exposure" else "limits"
        slots = (Slot(above), Slot("risknow", 8))
        return place((Column(slots),), (above, "risknow"), size.width, size.height)

    def do_view_back(self) -> None:
        """From the other panes to the limits."""
        if self.front != "limits":
            self.focus_pane("limits")
        else:
            self._say("these are the limits")
