"""Today's lanes of the jobs screen."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.format import format_day, format_minute, zone_label
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.job_lanes import lane_lines
from stockpulse_tui.widgets.jobs import feed_of
from stockpulse_tui.widgets.list_pane import greyed
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state


class JobLanes(Panel):
    """When each job ran today, and when it will."""

    context = Context.JOBS
    title = "Today"
    ticks_seconds = True

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Axis and lanes."""
        feed = feed_of(self)
        if feed.view is None:
            return empty_state("…", "Reading the day", "Runs of today and when the next ones are due.", (width, height))
        lines = lane_lines(feed.view, feed.now_ns, (width, height), self.shell.glyphs)
        return [greyed(line) for line in lines] if self.shell.status.lost_ns() >= 0 else lines

    def title_left(self) -> Line:
        """Which day, where."""
        view, bg = feed_of(self).view, self.title_bg
        if view is None:
            return ()
        return (Span(f"{format_day(view.day_start_ns, view.zone)}  {zone_label(view.zone)}", "muted", bg),)

    def title_right(self) -> Line:
        """Now, and what the signs mean where there is room."""
        feed, bg, glyphs = feed_of(self), self.title_bg, self.shell.glyphs
        if feed.view is None:
            return ()
        now = Span(f"now {format_minute(feed.now_ns, feed.view.zone)}", "muted", bg)
        if self.size.width < 100:
            return (now,)
        legend = (
            Span(glyphs.held, "up", bg), Span(" done   ", "muted", bg), Span(glyphs.times, "danger", bg),
            Span(" failed   ", "muted", bg), Span(glyphs.nothing, "warn", bg), Span(" missed   ", "muted", bg),
            Span(glyphs.held, "muted", bg), Span(" due   ", "muted", bg),
        )  # fmt: skip
        return (*legend, now)

    def do_row_open(self) -> None:
        """To the log."""
        self.shell.view.focus_pane("joblog")
