"""The jobs screen: every job, today as lanes, and the log of the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.jobs_feed import JobsFeed
from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.slots import LARGE, SMALL, Box, Column, Slot, place

if TYPE_CHECKING:
    from textual.geometry import Size

    from stockpulse_engine.domain.jobs import JobView

_SMALL = (Column((Slot("jobs", 9), Slot("joblog"))),)
_MEDIUM = (Column((Slot("jobs", 9), Slot("today", 10), Slot("joblog"))),)
_LARGE = (Column((Slot("jobs", 10), Slot("today", 11), Slot("joblog"))),)


class JobsScreen(View):
    """Three panes one below the other; in S jobs and log, or the lanes in the log's place while they are in front."""

    action_id = "screen.jobs"
    pane_names = ("jobs", "today", "joblog")
    _feed: JobsFeed | None = None

    @property
    def feed(self) -> JobsFeed:
        """What the panes share; made with the screen."""
        from stockpulse_tui.app import StockPulseApp

        if self._feed is None:
            assert isinstance(self.app, StockPulseApp)
            self._feed = JobsFeed(self.app, self.redraw_panes)
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
        """Read again when it is time to."""
        self.feed.each_second()
        super().on_second()

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """One column."""
        return {SMALL: _SMALL, LARGE: _LARGE}.get(size_class, _MEDIUM)

    def boxes(self, size: Size) -> dict[str, Box]:
        """The jobs are always in sight, also where there is little room."""
        if not size or self.zoomed or self.size_class != SMALL:
            return super().boxes(size)
        below = "today" if self.front == "today" else "joblog"
        slots = (Slot("jobs", 9), Slot(below))
        return place((Column(slots),), ("jobs", below), size.width, size.height)

    def choose(self, name: str) -> None:
        """Put the cursor on a job."""
        from stockpulse_tui.widgets.jobs import Jobs

        pane = self.panes.get("jobs")
        if isinstance(pane, Jobs):
            pane.select_key(name)
        self.feed.choose(name)

    def job_named(self, name: str) -> JobView | None:
        """A job by its name, the one under the cursor when there is none."""
        wanted = name or self.feed.chosen
        view = self.feed.view
        return next((one for one in view.jobs if one.name == wanted), None) if view is not None else None

    def toggle_log(self) -> None:
        """The log on the whole screen, or back to the jobs."""
        is_open = self.zoomed == "joblog"
        self.zoomed = "" if is_open else "joblog"
        self.focus_pane("jobs" if is_open else "joblog")

    def do_view_back(self) -> None:
        """From the log or the lanes to the jobs."""
        if self.zoomed == "joblog":
            self.toggle_log()
        elif self.front != "jobs":
            self.focus_pane("jobs")
        else:
            self._say("this is the list of jobs")
