"""The lots of the position under the cursor; ticked ones are what `x` closes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.views import LotView
from stockpulse_engine.render.format import for_copy, format_money, format_quantity
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.order_words import DEFAULT_TICK
from stockpulse_tui.position_rows import LOT_COLUMNS, lot_row, tone
from stockpulse_tui.tickets import open_line
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

ZERO = Decimal(0)


class Lots(TablePane):
    """The lots pane."""

    context = Context.POSITIONS
    title = "Lots"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lots: list[LotView] = []
        self.ticked: set[str] = set()
        self.problem = ""
        self.is_asking = False
        self._serial = 0

    def show_position(self, instrument_id: str) -> None:
        """Follow another position; its lots are read."""
        if instrument_id != self.instrument_id:
            self.instrument_id, self.lots, self.ticked = instrument_id, [], set()
            self.take_keys([])
            self.ask()
        self.redraw()

    def show_instrument(self, instrument_id: str) -> None:
        """The positions say whose lots these are, not the desk."""

    def on_store(self, changes: Changes) -> None:
        """A fill may open or close lots."""
        if self.instrument_id and changes.touches("fills"):
            self.ask()

    def ask(self) -> None:
        """Read the lots."""
        self._serial += 1
        if self.instrument_id:
            self.is_asking = True
            self.shell.in_background(self._read(self._serial, self.instrument_id))

    async def _read(self, serial: int, instrument_id: str) -> None:
        found: list[LotView] = []
        problem = ""
        try:
            found = await self.shell.link.commands.lots(instrument_id=instrument_id)
        except StockPulseError as error:
            problem = str(error)
        if serial != self._serial:
            return
        self.is_asking, self.problem = False, problem
        if not problem:
            self.lots = found
            self.take_keys([view.lot.lot_id for view in found])
            self.ticked &= set(self.keys)
        self.redraw()

    @property
    def marked(self) -> list[LotView]:
        """The ticked lots, in their order."""
        return [view for view in self.lots if view.lot.lot_id in self.ticked]

    def ticked_line(self) -> str:
        """The order line that closes the ticked lots, "" when none is ticked."""
        marked = self.marked
        if not marked:
            return ""
        quantity = sum((view.lot.quantity for view in marked), ZERO)
        size = for_copy(format_quantity(abs(quantity))).replace(",", "")
        names = ",".join(view.lot.lot_id for view in marked)
        return f"{'sell' if quantity > 0 else 'buy'} {symbol_of(self.instrument_id)} {size} lots {names}"

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The lots, then what the ticked ones make."""
        size = (width, height)
        if self.problem:
            return empty_state("!", "The lots could not be read", self.problem, size)
        if not self.instrument_id:
            return empty_state("·", "No position chosen", "The lots of the position under the cursor are here.", size)
        if not self.lots:
            if self.is_asking:
                return empty_state("…", "Reading the lots", "The ledger is asked.", size)
            return empty_state("·", "No open lots", f"{symbol_of(self.instrument_id)} is flat.", size)
        instrument = self.store.instruments.get(self.instrument_id)
        tick, zone = (instrument.tick_size if instrument else DEFAULT_TICK), zone_of(self.store.clock)
        below = self._below()
        used = max(2, min(height - len(below) - 1, len(self.lots) + 1))

        def row(place: int) -> Row:
            view = self.lots[place]
            is_ticked = view.lot.lot_id in self.ticked
            return lot_row(view, tick, zone, is_ticked=is_ticked, glyphs=self.shell.glyphs)

        table = self.table(LOT_COLUMNS, row, (width, used), gap=2 if width >= 56 else 1)
        return [*table, (), *below][:height]

    def _below(self) -> list[Line]:
        marked = self.marked
        quantity = sum((view.lot.quantity for view in marked), ZERO)
        gain = sum((view.unrealized or ZERO for view in marked), ZERO)
        if not marked:
            first: Line = (Span("  none ticked: x closes all, first in first out", "muted"),)
        else:
            first = (
                Span(f"  {len(marked)} of {len(self.lots)} ticked   ", "muted"),
                Span(format_quantity(quantity, signed=True), "strong", bold=True),
                Span("   gain ", "muted"),
                Span(format_money(gain, signed=True), tone(gain)),
            )
        keys = (("Space", "tick lot"), ("x", "close ticked" if marked else "close"))
        second: list[Span] = [Span("  ")]
        for key, word in keys:
            second += [Span(key, "accent", bold=True), Span(f" {word}   ", "muted")]
        return [first, (), tuple(second)]

    def title_left(self) -> Line:
        """Of what."""
        bg = self.title_bg
        if not self.instrument_id:
            return ()
        return (
            Span(f"of {symbol_of(self.instrument_id)}", "text", bg, bold=True),
            Span(f"  {len(self.lots)} open", "muted", bg),
        )

    def title_right(self) -> Line:
        """How much the ticked ones are."""
        quantity = sum((view.lot.quantity for view in self.marked), ZERO)
        words = f"{'selling' if quantity > 0 else 'buying'} {format_quantity(abs(quantity))}" if quantity else ""
        return (Span(words, "accent", self.title_bg),) if words else ()

    def do_lots_tick(self) -> None:
        """Tick or untick the lot under the cursor, then go to the next."""
        if not self.key:
            self.shell.notify_line("there is no lot to tick")
            return
        self.ticked ^= {self.key}
        if self.at + 1 < len(self.keys):
            self.at += 1
        self.redraw()

    def do_row_open(self) -> None:
        """Enter ticks as well."""
        self.do_lots_tick()

    def do_position_close(self) -> None:
        """A ticket that closes the ticked lots, else the whole position."""
        held = self.store.held(self.instrument_id)
        if not held:
            self.shell.notify_line("nothing is held")
            return
        line = self.ticked_line() or f"{'sell' if held > 0 else 'buy'} {symbol_of(self.instrument_id)} all"
        open_line(self.shell, line)

    def do_view_back(self) -> None:
        """Back to the positions."""
        self.shell.view.focus_pane("positions")

    def cell(self) -> Cell | None:
        """The lot's id."""
        view = next((view for view in self.lots if view.lot.lot_id == self.key), None)
        if view is None:
            return None
        return Cell(
            name="lot",
            value=view.lot.lot_id,
            instrument_id=self.instrument_id,
            source="ledger",
            inputs={"quantity": str(view.lot.quantity), "price": str(view.lot.price), "fill": view.lot.fill_id},
            ts_event=view.lot.opened_at,
        )
