"""The table of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.jobs import JobView
from stockpulse_engine.render.format import zone_label
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.job_rows import COLUMNS, counts, job_row, plain_row
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.jobs_feed import JobsFeed
    from stockpulse_tui.store import Changes


class Jobs(TablePane):
    """One row per job; the panes below follow the cursor."""

    context = Context.JOBS
    title = "Jobs"
    ticks_seconds = True
    goes_stale = True

    @property
    def feed(self) -> JobsFeed:
        """What the screen knows."""
        return feed_of(self)

    @property
    def current(self) -> JobView | None:
        """The job under the cursor."""
        return self.feed.job

    def on_store(self, changes: Changes) -> None:
        """The engine is there again, or the pane came into sight."""
        if changes.is_reset:
            self.feed.ask()

    def selected(self) -> None:
        """The log of another job."""
        if self.key:
            self.feed.choose(self.key)

    def do_row_open(self) -> None:
        """To its log."""
        self.shell.view.focus_pane("joblog")

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The table, or why there is none."""
        feed, size = self.feed, (width, height)
        view = feed.view
        if view is None:
            if feed.problem:
                return empty_state("!", "The jobs could not be read", feed.problem, size)
            return empty_state("…", "Reading the jobs", "Schedules, runs and what was missed.", size)
        is_new = not self.keys
        self.keys = [job.name for job in view.jobs]
        if is_new and feed.chosen in self.keys:
            self.at = list(self.keys).index(feed.chosen)

        def row(at: int) -> Row:
            return job_row(view.jobs[at], view, feed.now_ns, self.shell.glyphs)

        if not view.is_timed and all(job.last is None for job in view.jobs):
            return [*self.table(COLUMNS, row, (width, min(height, len(view.jobs) + 1)), gap=1), *_nobody(self)]
        return self.table(COLUMNS, row, size, gap=1)

    def title_left(self) -> Line:
        """Whose time it is: never that of a simulated or replayed market."""
        view = self.feed.view
        return (Span(f"by the clock, {zone_label(view.zone)}", "muted", self.title_bg),) if view is not None else ()

    def title_right(self) -> Line:
        """How many of which; old when the engine is lost; whether anything starts them."""
        bg, view = self.title_bg, self.feed.view
        if view is None:
            return ()
        stale = self.stale_words(bg)
        if stale:
            return stale
        if self.feed.problem:
            return (Span("could not be read again", "warn", bg, bold=True),)
        told = tuple(Span(span.text, span.fg, bg, span.bold) for span in counts(view))
        timer = () if view.is_timed else (Span("no timer starts them   ", "warn", bg, bold=True),)
        where = (Span(f"{self.where()}  ", "muted", bg),) if self.where() else ()
        spans = [*where, *timer, *told]
        if not spans:
            return ()
        last = spans[-1]
        return (*spans[:-1], Span(last.text.rstrip(), last.fg, bg, last.bold))

    def cell(self) -> Cell | None:
        """The cell under the cursor, and what it means."""
        job, view = self.current, self.feed.view
        if job is None or view is None:
            return None
        row = plain_row(job, view, self.feed.now_ns)
        name = self.column_name if self.column_name in row else "job"
        formulas = {
            "usual": "the middle of how long the last 14 good runs took",
            "next": f"{job.when}; the run is {job.next_key}",
            "state": f"{job.missed} runs are due and not done",
        }
        return Cell(
            name=name,
            value=row[name],
            source="the jobs' own table of runs",
            formula=formulas.get(name, job.about),
            row=row,
        )


def feed_of(pane: Jobs | object) -> JobsFeed:
    """The feed of the screen a pane is on."""
    from stockpulse_tui.screens.jobs import JobsScreen
    from stockpulse_tui.widgets.panel import Panel

    assert isinstance(pane, Panel)
    screen = next(one for one in pane.ancestors if isinstance(one, JobsScreen))
    return screen.feed


def _nobody(pane: Jobs) -> list[Line]:
    """A new home: what would have to be done."""
    key = pane.shell.keymap.key_of("job.timer", Context.JOBS)
    words = "Nothing has run yet, and nothing starts them by itself: "
    return [(Span(f"  {words}", "muted"), Span(key, "accent", bold=True), Span(" shows how cron does.", "muted"))]
