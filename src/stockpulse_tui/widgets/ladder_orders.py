"""Beside the ladder: own working orders of its instrument, each with what is ahead of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.render.format import format_price, format_size
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row
from stockpulse_tui.order_words import price_of, state_of, tick_of
from stockpulse_tui.widgets.ladder import Ladder
from stockpulse_tui.widgets.order_acts import OrderTable
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

_COLUMNS = (
    Column(title="", width=4, is_right=False),
    Column(title="qty", width=4),
    Column(title="price", width=8),
    Column(title="", width=6, is_right=False),
    Column(title="state", width=9, is_right=False, drop=1),
)


class LadderOrders(OrderTable):
    """The pane of own orders; the same keys act on the row as in the blotter."""

    context = Context.LADDER
    title = "Working"
    _was_stale = False

    @property
    def ladder(self) -> Ladder | None:
        """The ladder of the same screen."""
        pane = self.shell.view.panes.get("ladder")
        return pane if isinstance(pane, Ladder) else None

    def reload(self) -> None:
        """Read the orders again."""
        ladder = self.ladder
        self.orders = ladder.working() if ladder is not None else []
        self.take_keys([order.client_order_id for order in self.orders])
        self.check_pick()

    def on_store(self, changes: Changes) -> None:
        """Orders, and the book for what is ahead."""
        if changes.touches("orders", "depths", "trades"):
            self.reload()
            self.redraw()

    def show_instrument(self, instrument_id: str) -> None:
        """The ladder's instrument."""
        if instrument_id != self.instrument_id:
            self.let_go()
            self.lost_pick = ""
        super().show_instrument(instrument_id)
        self.reload()
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """One row per order, highest price first."""
        if not self.orders:
            return empty_state("·", "Nothing of yours works here", "b or v opens a line.", (width, height))
        return self.table(_COLUMNS, self._row, (width, height), gap=1)

    def _row(self, place: int) -> Row:
        order, ladder = self.orders[place], self.ladder
        side = order.terms.side.value
        state, token = state_of(
            order, self.store.orders, is_canceling=self.asker.is_asking(("cancel", order.client_order_id))
        )
        is_picked = self.pick is not None and order.client_order_id in self.pick.ids
        shown = self.pick.moved(order) if self.pick is not None and is_picked else order
        price = format_price(price_of(shown), tick_of(order, self.store.instruments))
        return Row(
            cells=(
                Cell(side, side.lower(), bold=True),
                Cell(format_size(order.leaves_quantity)),
                Cell(price, "ink" if is_picked else "strong", "accent" if is_picked else "", bold=True),
                Cell(ladder.chip_text(order) if ladder else "", "muted"),
                Cell(state, token),
            )
        )

    def title_left(self) -> Line:
        """How many."""
        if self.lost_pick:
            return (Span(self.lost_pick, "warn", self.title_bg, bold=True),)
        return (Span(str(len(self.orders)), "text", self.title_bg),)

    def title_right(self) -> Line:
        """How old they are while the engine is lost."""
        return self.stale_words(self.title_bg)

    def on_second(self) -> None:
        """That age moves on, and goes when the engine is back."""
        is_stale = bool(self.stale_words(""))
        if is_stale or self._was_stale:
            self.redraw()
        self._was_stale = is_stale

    def do_line_send(self) -> None:
        """Enter: the life of the order."""
        self.do_row_open()
