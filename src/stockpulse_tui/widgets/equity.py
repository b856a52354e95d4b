"""Equity as the account lived it, and under it the fall from the peak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import EquityPoint
from stockpulse_engine.render.equity import render_equity
from stockpulse_engine.render.format import format_age, format_money, format_percent
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.cell import Cell
from stockpulse_tui.position_rows import tone
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

EVERY_S = 15
"""How often the curve is read again; between two readings its end follows the account."""


class Equity(Panel):
    """The equity pane."""

    context = Context.POSITIONS
    title = "Equity"
    kinds = frozenset({"accounts"})

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.curve: tuple[EquityPoint, ...] = ()
        self.problem = ""
        self._seconds = EVERY_S
        self._is_asking = False

    def show_instrument(self, instrument_id: str) -> None:
        """It is the whole account's."""

    def on_store(self, changes: Changes) -> None:
        """A fill is worth a new reading."""
        if changes.is_reset or changes.touches("fills"):
            self._ask()
        super().on_store(changes)

    def on_second(self) -> None:
        """Read again now and then."""
        self._seconds += 1
        if self._seconds >= EVERY_S:
            self._ask()

    def _ask(self) -> None:
        if not self._is_asking and self.store.account is not None:
            self._is_asking, self._seconds = True, 0
            self.shell.in_background(self._read())

    async def _read(self) -> None:
        try:
            self.curve = (await self.shell.link.commands.portfolio()).curve
            self.problem = ""
        except StockPulseError as error:
            self.problem = str(error)
        finally:
            self._is_asking = False
        self.redraw()

    def points(self) -> list[EquityPoint]:
        """The curve with the account's equity now as its end."""
        account, found = self.store.account, list(self.curve)
        if account is not None and found:
            peak = max([account.equity, *(point.equity for point in found)])
            fall = account.equity / peak - 1 if peak > 0 else found[-1].drawdown
            found.append(EquityPoint(self.shell.status.market_ns(), account.equity, round(fall, 6)))
        return found

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Area above, fall below."""
        points = self.points()
        if not points:
            if self.problem:
                return empty_state("!", "The curve could not be read", self.problem, (width, height))
            why = "It begins with the first mark of the session."
            return empty_state("…", "No equity curve yet", why, (width, height))
        lines = render_equity(points, width - 1, height - 2, self.shell.glyphs)
        return [(), *((Span(" "), *line) for line in lines)]

    def title_left(self) -> Line:
        """What it covers, and the fall now."""
        bg, points = self.title_bg, self.points()
        if not points:
            return ()
        covered = format_age(points[-1].ts_event - points[0].ts_event)
        fall = points[-1].drawdown
        worst = min(point.drawdown for point in points)
        return (
            Span(covered, "muted", bg),
            Span("   fall now ", "muted", bg),
            Span(format_percent(fall), tone(fall), bg),
            Span("  worst ", "muted", bg),
            Span(format_percent(worst), tone(worst), bg),
        )

    def title_right(self) -> Line:
        """The day."""
        account = self.store.account
        if account is None:
            return ()
        token = tone(account.day_pnl)
        return (
            Span("day ", "muted", self.title_bg),
            Span(format_money(account.day_pnl, signed=True), token, self.title_bg),
        )

    def do_view_back(self) -> None:
        """Back to the positions."""
        self.shell.view.focus_pane("positions")

    def cell(self) -> Cell | None:
        """Equity now."""
        account = self.store.account
        if account is None:
            return None
        return Cell(
            name="equity",
            value=str(account.equity),
            source="ledger at the marks",
            formula="cash + sum of quantity × mark",
            inputs={"cash": str(account.cash), "market value": str(account.market_value)},
        )
