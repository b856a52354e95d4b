"""What each instrument weighs, heaviest first, long to the right and short to the left."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.risk import ExposureRow
from stockpulse_engine.render.format import format_money, format_percent, format_quantity
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.risk_feed import RiskFeed
from stockpulse_tui.risk_rows import EXPOSURE_COLUMNS, exposure_row
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.risk_limits import feed_of
from stockpulse_tui.widgets.states import empty_state


class RiskExposure(TablePane):
    """One row per instrument that is held or worked in."""

    context = Context.RISK
    title = "Exposure"
    goes_stale = True

    @property
    def feed(self) -> RiskFeed:
        """What the screen knows."""
        return feed_of(self)

    @property
    def _rows(self) -> tuple[ExposureRow, ...]:
        return self.feed.view.exposures if self.feed.view is not None else ()

    def find_text(self, key: str) -> str:
        """The symbol."""
        return symbol_of(key)

    def do_row_open(self) -> None:
        """To the position."""
        if self.key:
            self.shell.open_row("screen.positions", self.key)
        else:
            self.shell.notify_line("nothing is held and nothing works")

    def do_risk_all(self) -> None:
        """All limits, or those that are used up."""
        self.feed.toggle_all()
        self.shell.view.focus_pane("limits")

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The table, or that nothing is at stake."""
        if self.feed.view is None:
            return empty_state(
                "…", "Reading the exposure", "What is held, and what open orders may add.", (width, height)
            )
        rows = self._rows
        self.take_keys([row.instrument_id for row in rows])
        if not rows:
            words = "No position, and no order that could open one."
            return empty_state("·", "Nothing is at stake", words, (width, height))

        def made(at: int) -> Row:
            return exposure_row(rows[at], self.shell.glyphs)

        return self.table(EXPOSURE_COLUMNS, made, (width, height), gap=1)

    def title_left(self) -> Line:
        """What the bars are measured by."""
        return (Span("of equity, by instrument", "muted", self.title_bg),)

    def title_right(self) -> Line:
        """Long less short, and how much of the list is in sight."""
        view, bg = self.feed.view, self.title_bg
        if view is None:
            return ()
        stale = self.stale_words(bg)
        where = (Span(f"{self.where()}  ", "muted", bg),) if self.where() else ()
        return stale or (*where, Span(f"net {format_percent(view.net_weight, places=1)}", "muted", bg))

    def cell(self) -> Cell | None:
        """The instrument under the cursor."""
        row = next((one for one in self._rows if one.instrument_id == self.key), None)
        if row is None:
            return None
        texts = {
            "symbol": row.instrument_id,
            "held": format_quantity(row.quantity, signed=True),
            "value": format_money(row.value, signed=True),
            "weight": format_percent(row.weight, places=1),
            "worst": format_percent(row.worst, places=1, signed=False),
        }
        name = self.column_name if self.column_name in texts else "symbol"
        return Cell(
            name=name,
            value=texts[name],
            instrument_id=row.instrument_id,
            source="the ledger at the marks, and the worst case of open orders",
            formula="|position| with every opening order on its side filled, over equity" if name == "worst" else "",
            row=texts,
        )
