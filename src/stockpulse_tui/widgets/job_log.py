"""The log of the job under the cursor: its last lines, how it compares, and the cure of what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.format import format_date
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.cell import Cell
from stockpulse_tui.job_log_lines import LogLine, fix_line, log_row, read_line
from stockpulse_tui.job_rows import ago, is_slow, percent, verdict
from stockpulse_tui.widgets.cursor_pane import CursorPane
from stockpulse_tui.widgets.jobs import feed_of
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.jobs_feed import JobsFeed


class JobLogPane(CursorPane):
    """Shows the end of the log; moving up holds it still, G follows it again."""

    context = Context.JOBS
    title = "Log"
    ticks_seconds = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: list[LogLine] = []
        self.is_following = True
        self._shown = ""

    @property
    def feed(self) -> JobsFeed:
        """What the screen knows."""
        return feed_of(self)

    @property
    def count(self) -> int:
        """Lines of the log."""
        return len(self.lines)

    def text_at(self, place: int) -> str:
        """`/` finds the words of a line."""
        return self.lines[place].text

    def go_to(self, place: int) -> None:
        """Move the cursor to a line; on the last one the log is followed."""
        if self.lines:
            self.at = max(0, min(len(self.lines) - 1, place))
            self.is_following = self.at == len(self.lines) - 1
            self.redraw()

    def _move_cell(self, step: int) -> None:
        self.shell.notify_line("a line of the log has no cells")

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The last lines, the cure at the end."""
        feed, size = self.feed, (width, height)
        job = feed.job
        if job is None or (feed.log is None and not feed.log_problem):
            return empty_state("…", "Reading the log", "The last lines the job wrote.", size)
        if feed.log is None:
            return empty_state("!", "The log could not be read", feed.log_problem, size)
        self._take(feed)
        if not self.lines:
            why = f"{job.name}: {job.about}."
            return empty_state("·", "It has written nothing yet", why, size, (("r", "runs it now"),))
        foot = fix_line(job)
        room = height - (2 if foot and height > 4 else 1 if foot else 0)
        rows = self._rows(width, room)
        blank: list[Line] = [()] * max(0, height - len(rows) - bool(foot))
        return [*rows, *blank, foot] if foot else rows

    def _take(self, feed: JobsFeed) -> None:
        """The lines as they are now; another job's begin at their end."""
        assert feed.log is not None
        if self._shown != feed.log.job:
            self._shown, self.is_following = feed.log.job, True
        self.lines = [read_line(line) for line in feed.log.lines]
        if self.is_following:
            self.at = max(0, len(self.lines) - 1)

    def _rows(self, width: int, room: int) -> list[Line]:
        """As many lines as fit, the one under the cursor among them."""
        view = self.feed.view
        zone = view.zone if view is not None else "UTC"
        day = format_date(self.feed.now_ns, zone)
        self.keep_in_sight(room)
        stop = self.at + 1 if self.is_following else min(len(self.lines), self.top + room)
        rows: list[Line] = []
        for place in range(stop - 1, -1, -1):
            found = log_row(self.lines[place], zone, width, day=day)
            if place == self.at and self.is_active:
                found = [_marked(found[0], self.select_mark("panel")), *found[1:]]
            if len(rows) + len(found) > room:
                break
            rows = [*found, *rows]
        return rows

    def title_left(self) -> Line:
        """Which job and run, and how long it took against the usual."""
        job, bg = self.feed.job, self.title_bg
        if job is None:
            return ()
        name = Span(job.name, "strong", bg, bold=True)
        if job.state == "running":
            words = f"  {percent(job)}%  {job.doing}" if job.total else "  runs"
            return (name, Span(words, "accent", bg))
        if job.last is None:
            return (name, Span("  never ran", "muted", bg))
        slow = is_slow(job.last, job.usual_ns)
        words = f"  run {job.last.key}  {ago(job.last, self.feed.now_ns)}  "
        return (name, Span(words, "muted", bg), Span(verdict(job), "warn" if slow else "muted", bg, bold=slow))

    def title_right(self) -> Line:
        """How the run ended."""
        job, bg = self.feed.job, self.title_bg
        if job is None or job.last is None or self.size.width < 100:
            return ()
        if job.last.state == "DONE":
            return (Span("ok", "up", bg),)
        return (Span(job.last.state.lower(), "danger", bg, bold=True),)

    def do_row_open(self) -> None:
        """Back to the list."""
        self.shell.view.do_view_back()  # type: ignore[attr-defined] # the jobs screen has it

    def cell(self) -> Cell | None:
        """The line under the cursor."""
        if not self.lines:
            return None
        line = self.lines[min(self.at, len(self.lines) - 1)]
        return Cell(name="log", value=line.text, source=f"the log of {self._shown}", formula=f"run {line.key}")


def _marked(line: Line, mark: Span) -> Line:
    first = line[0]
    return (mark, Span(first.text[1:], first.fg), *line[1:])
