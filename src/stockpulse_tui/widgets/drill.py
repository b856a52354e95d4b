"""The panes of the drill: score, faults, and the proof of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.format import format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_engine.wire.drill import FaultResult
from stockpulse_tui.cell import Cell
from stockpulse_tui.drill_lines import COLUMNS, fault_row, proof_lines, score_lines
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.drill_feed import DrillFeed

SCORE_ROWS = 4
_KEYS = (("r", "run all 24"), ("o", "run the one under the cursor"))


def feed_of(pane: Panel) -> DrillFeed:
    """What the panes of the drill screen share."""
    from stockpulse_tui.screens.drill import DrillScreen

    view = pane.parent
    assert isinstance(view, DrillScreen)
    return view.feed


class DrillScore(Panel):
    """The hero."""

    context = Context.DRILL
    title = "Drill"
    ticks_seconds = True

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The score, or why there is none."""
        feed, size = feed_of(self), (width, height)
        if feed.problem:
            return empty_state("!", "The drill did not end", feed.problem, size, _KEYS)
        if not feed.results and not feed.is_on:
            why = "It breaks a simulated broker around the real engine and proves that nothing is lost or doubled."
            return empty_state("·", "No drill was run in this home", why, size, _KEYS)
        lead: list[Line] = [()] if height > SCORE_ROWS else []
        return [*lead, *score_lines(feed, (width, height - len(lead)), self.shell.glyphs)]

    def title_left(self) -> Line:
        """What it is about."""
        count = len(feed_of(self).shown)
        words = f"{count} faults at a simulated venue" if count else "faults at a simulated venue"
        return (Span(words, "muted", self.title_bg),)

    def title_right(self) -> Line:
        """Running for how long, or how old the report is."""
        feed, bg = feed_of(self), self.title_bg
        if feed.is_on:
            lasts = self.shell.clock.monotonic_ns() - feed.started_ns
            return (Span(f"running  {format_age(lasts)}", "accent", bg),)
        if feed.report is None:
            return ()
        age = max(0, self.shell.clock.now_ns() - feed.report.started_at)
        return (Span(f"{format_age(age)} ago", "muted", bg),)


class DrillFaults(TablePane):
    """One row per fault; the proof beside it follows the cursor."""

    context = Context.DRILL
    title = "Faults"
    ticks_seconds = True

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The table, or what will be there."""
        feed = feed_of(self)
        faults = feed.shown
        self.take_keys([one.name for one in faults])

        def row(at: int) -> Row:
            fault = faults[at]
            elapsed = -1
            if fault.number == feed.running and fault.number not in feed.results:
                elapsed = (self.shell.clock.monotonic_ns() - feed.fault_ns) // 1_000_000
            return fault_row(fault, feed.results.get(fault.number), elapsed, self.shell.glyphs)

        return self.table(COLUMNS, row, (width, height), gap=1)

    def title_left(self) -> Line:
        """What the columns are."""
        return (Span("what was broken, how long till true", "muted", self.title_bg),)

    def title_right(self) -> Line:
        """Where the cursor is in a list that is longer than the pane."""
        return (Span(self.where(), "muted", self.title_bg),)

    def selected(self) -> None:
        """Another fault's proof is wanted."""
        self.shell.view.panes["drillproof"].redraw()

    def do_row_open(self) -> None:
        """To what happened."""
        self.shell.view.focus_pane("drillproof")

    def cell(self) -> Cell | None:
        """What the fault is, for `?` and `y`."""
        feed = feed_of(self)
        fault = next((one for one in feed.shown if one.name == self.key), None)
        if fault is None:
            return None
        result = feed.results.get(fault.number)
        value = f"{result.state}, {result.gap_ms / 1000:.2f} s" if result is not None else "not tried"
        return Cell(
            name=fault.title,
            value=value,
            source=f"sp drill --fault {fault.name}",
            formula=fault.words,
            row={"fault": fault.title, "result": value, "name": fault.name},
        )


class DrillProof(Panel):
    """Events of one fault, then ours against the venue."""

    context = Context.DRILL
    title = "Proof"

    @property
    def _result(self) -> FaultResult | None:
        feed = feed_of(self)
        if feed.running and feed.running not in feed.results:
            return None
        key = self._key
        return next((one for one in feed.results.values() if one.name == key), None)

    @property
    def _key(self) -> str:
        pane = self.shell.view.panes.get("drillfaults")
        return pane.key if isinstance(pane, DrillFaults) else ""

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Of the running fault, else of the one under the cursor."""
        feed, size = feed_of(self), (width, height)
        if feed.running and feed.running not in feed.results:
            return proof_lines(feed.events, feed.rows, None, size, self.shell.glyphs)
        result = self._result
        if result is None:
            return empty_state("·", "Nothing to prove yet", "Events and rows of a fault come with it.", size)
        return proof_lines(result.events, result.rows, result, size, self.shell.glyphs)

    def title_left(self) -> Line:
        """Which fault."""
        feed, result = feed_of(self), self._result
        if result is not None:
            return (Span(f"{result.number}: {result.title}", "muted", self.title_bg),)
        fault = next((one for one in feed.shown if one.number == feed.running), None)
        return (Span(f"{fault.number}: {fault.title}", "muted", self.title_bg),) if fault is not None else ()

    def title_right(self) -> Line:
        """Whether it runs now."""
        feed = feed_of(self)
        return (Span("live", "accent", self.title_bg),) if feed.running and feed.running not in feed.results else ()

    def do_row_open(self) -> None:
        """Back to the faults."""
        self.shell.view.focus_pane("drillfaults")
