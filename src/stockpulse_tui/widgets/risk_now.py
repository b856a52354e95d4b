"""What may leave now and why, the day's money, worst cases, raises that wait, and the kill switch's proof."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.risk_rows import STATE_TOKENS, now_lines, summary_lines
from stockpulse_tui.widgets.list_pane import greyed
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.risk_limits import feed_of
from stockpulse_tui.widgets.states import empty_state

LEAST = 12
"""Rows from which everything is shown one below the other."""


class RiskNow(Panel):
    """The state in words and numbers."""

    context = Context.RISK
    title = "Now"
    ticks_seconds = True

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Rows, greyed while the engine is lost."""
        feed = feed_of(self)
        if feed.view is None:
            return empty_state("…", "Reading the state", "What may leave, and what it may cost.", (width, height))
        make = now_lines if height >= LEAST else summary_lines
        lines = make(feed.view, feed.now_ns, width, self.shell.glyphs)
        return [greyed(line) for line in lines] if self.shell.status.lost_ns() >= 0 else lines

    def title_left(self) -> Line:
        """Whose."""
        view, bg = feed_of(self).view, self.title_bg
        return (Span(view.account_id, "muted", bg),) if view is not None else ()

    def title_right(self) -> Line:
        """The state once more, where the rows may be covered."""
        view, bg = feed_of(self).view, self.title_bg
        return (Span(view.state.value, STATE_TOKENS[view.state], bg, bold=True),) if view is not None else ()

    def do_row_open(self) -> None:
        """To the limits."""
        self.shell.view.focus_pane("limits")

    def do_risk_all(self) -> None:
        """All limits, or those that are used up."""
        feed_of(self).toggle_all()
        self.shell.view.focus_pane("limits")
