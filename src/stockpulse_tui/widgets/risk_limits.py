"""The table of limits, fullest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.risk import LimitRow
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.risk_rows import LIMIT_COLUMNS, WIDE_COLUMNS, detail_lines, limit_row, plain_limit
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.risk_feed import RiskFeed
    from stockpulse_tui.store import Changes

WIDE = 130
"""Cells from which no word of a row is cut."""
DETAIL = 3
"""Rows that what is known of the limit under the cursor takes."""


class Limits(TablePane):
    """One row per limit."""

    context = Context.RISK
    title = "Limits"
    ticks_seconds = True
    goes_stale = True

    @property
    def feed(self) -> RiskFeed:
        """What the screen knows."""
        return feed_of(self)

    @property
    def current(self) -> LimitRow | None:
        """The limit under the cursor."""
        return next((row for row in self.feed.rows if row_key(row) == self.key), None)

    def find_text(self, key: str) -> str:
        """Its words and its key."""
        row = next((row for row in self.feed.rows if row_key(row) == key), None)
        return row.title if row is not None else key

    def on_store(self, changes: Changes) -> None:
        """The engine is there again, or the pane came into sight."""
        if changes.is_reset:
            self.feed.ask()

    def do_row_open(self) -> None:
        """What uses it up: the position; else the limit itself is edited."""
        row = self.current
        if row is not None and "." in row.subject:
            self.shell.open_row("screen.positions", row.subject)
        else:
            self.shell.run_action_id("limit.edit")

    def do_risk_all(self) -> None:
        """All limits, or those that are used up."""
        self.feed.toggle_all()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The table, or why there is none."""
        feed, size = self.feed, (width, height)
        if feed.view is None:
            if feed.problem:
                return empty_state("!", "The limits could not be read", feed.problem, size)
            return empty_state("…", "Reading the limits", "How full each is, and what happens then.", size)
        feed.room = height - 1
        rows = feed.rows
        self.take_keys([row_key(row) for row in rows])

        def made(at: int) -> Row:
            return limit_row(rows[at], self.shell.glyphs)

        columns = WIDE_COLUMNS if width >= WIDE else LIMIT_COLUMNS
        spare = height - len(rows) - 1
        row = self.current
        if spare < DETAIL or row is None:
            return self.table(columns, made, size, gap=1)
        return [*self.table(columns, made, (width, len(rows) + 1), gap=1), (), *detail_lines(row)]

    def title_left(self) -> Line:
        """Whose."""
        view, bg = self.feed.view, self.title_bg
        return (Span(f"{view.account_id}  {view.currency}", "muted", bg),) if view is not None else ()

    def title_right(self) -> Line:
        """The fullest; old when the engine is lost."""
        bg, view = self.title_bg, self.feed.view
        if view is None:
            return ()
        stale = self.stale_words(bg)
        if stale:
            return stale
        if self.feed.problem:
            return (Span("could not be read again", "warn", bg, bold=True),)
        where = (Span(f"{self.where()}  ", "muted", bg),) if self.where() else ()
        rows = self.feed.rows
        nearest = (Span(f"nearest: {rows[0].title}", "muted", bg),) if rows and rows[0].used else ()
        return (*where, *nearest)

    def cell(self) -> Cell | None:
        """The cell under the cursor, and what it means."""
        row = self.current
        if row is None:
            return None
        texts = plain_limit(row)
        name = self.column_name if self.column_name in texts else "limit"
        return Cell(
            name=name,
            value=texts[name],
            instrument_id=row.subject if "." in row.subject else "",
            source=f"{row.key} = {row.value}, {row.source}",
            formula=f"{row.used or 'used per order'} of {row.limit}; reached: {row.effect}",
            row=texts,
        )


def row_key(row: LimitRow) -> str:
    """What tells one limit from the others."""
    return f"{row.key}/{row.scope}/{row.name}"


def feed_of(pane: object) -> RiskFeed:
    """The feed of the screen a pane is on."""
    from stockpulse_tui.screens.risk import RiskScreen
    from stockpulse_tui.widgets.panel import Panel

    assert isinstance(pane, Panel)
    screen = next(one for one in pane.ancestors if isinstance(one, RiskScreen))
    return screen.feed
