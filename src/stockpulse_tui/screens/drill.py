"""The drill screen: the score above, faults at the left, the proof of one at the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.drill_feed import DrillFeed
from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import SMALL, Box, Column, Slot, place
from stockpulse_tui.widgets.confirm import Confirm

if TYPE_CHECKING:
    from textual.geometry import Size

_HERO = 7
_HERO_SMALL = 5


class DrillScreen(View):
    """Three panes; in S the score and one of the other two."""

    action_id = "drill.show"
    pane_names = ("drillscore", "drillfaults", "drillproof")
    _feed: DrillFeed | None = None

    def __init__(self) -> None:
        super().__init__()
        self.front = "drillfaults"

    @property
    def feed(self) -> DrillFeed:
        """What the panes share; made with the screen."""
        from stockpulse_tui.app import StockPulseApp

        if self._feed is None:
            assert isinstance(self.app, StockPulseApp)
            self._feed = DrillFeed(self.app, self.redraw_panes)
        return self._feed

    def on_mount(self) -> None:
        """The last report is shown until a drill is run."""
        super().on_mount()
        self.feed.read_last()

    def redraw_panes(self) -> None:
        """Something new is to be shown; the faults first, as the proof follows their cursor."""
        for name in ("drillscore", "drillfaults", "drillproof"):
            pane = self.panes.get(name)
            if pane is not None:
                pane.redraw()

    def boxes(self, size: Size) -> dict[str, Box]:
        """The score over the whole width, the two others beside each other where there is room."""
        if not size or self.zoomed:
            return super().boxes(size)
        is_small = self.size_class == SMALL
        top = _HERO_SMALL if is_small else _HERO
        below = size.height - top - (0 if is_small else 1)
        start = size.height - below
        boxes = {"drillscore": Box(0, 0, size.width, top)}
        if is_small:
            front = "drillproof" if self.front == "drillproof" else "drillfaults"
            return {**boxes, front: Box(0, start, size.width, below)}
        columns = (Column((Slot("drillfaults"),), size.width // 2), Column((Slot("drillproof"),)))
        lower = place(columns, ("drillfaults", "drillproof"), size.width, below)
        return boxes | {name: Box(box.x, box.y + start, box.width, box.height) for name, box in lower.items()}

    def do_drill_start(self) -> None:
        """Ask, then run all."""
        from stockpulse_tui.app import StockPulseApp

        shell = self.app
        assert isinstance(shell, StockPulseApp)
        if self.feed.is_on:
            self._say("a drill runs already; K ends it")
            return
        sentences = (
            "24 faults in about a minute and a half, in a throw-away home with a copy of this account.",
            "Your own engine, journal and orders are only read. It uses about one core meanwhile.",
        )
        shell.windows.open(Confirm("Run the drill", sentences, "runs it", self.feed.start))

    def do_drill_one(self) -> None:
        """Run the fault under the cursor."""
        from stockpulse_tui.app import StockPulseApp
        from stockpulse_tui.widgets.drill import DrillFaults

        shell, pane = self.app, self.panes.get("drillfaults")
        assert isinstance(shell, StockPulseApp)
        name = pane.key if isinstance(pane, DrillFaults) else ""
        if not name:
            self._say("there is no fault under the cursor; r runs all")
            return
        if self.feed.is_on:
            self._say("a drill runs already; K ends it")
            return
        sentences = (f"Only {name}, in a throw-away home with a copy of this account.",)
        shell.windows.open(Confirm(f"Drill {name}", sentences, "runs it", lambda: self.feed.start((name,))))

    def do_drill_stop(self) -> None:
        """End it."""
        self.feed.stop()

    def do_view_back(self) -> None:
        """From the proof to the faults."""
        if self.front != "drillfaults":
            self.focus_pane("drillfaults")
        else:
            self._say("this is the list of faults")
