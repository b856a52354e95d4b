"""The life of one order: every step of the journal, where its milliseconds went, and the price since it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import OrderLife
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.blotter_rows import COMPACT
from stockpulse_tui.cell import Cell
from stockpulse_tui.life_lines import LifeFacts, life_lines, now_words
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.order_words import short_id, short_terms, tick_of, ticks_away
from stockpulse_tui.widgets.order_acts import OrderActs
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from stockpulse_tui.store import Changes

REST_S = 0.12
"""How long the cursor rests on an order before its life is asked for."""
MAX_BARS = 390
MINUTE_NS = 60_000_000_000
BEFORE_NS = 10 * MINUTE_NS
"""How much of the price before the order is shown."""


class Life(OrderActs):
    """The pane under the blotter. The same keys act on its order as on the row."""

    context = Context.ORDERS
    title = "Life"
    ticks_seconds = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.order_id = ""
        self.life: OrderLife | None = None
        self.bars: list[Bar] = []
        self.problem = ""
        self._timer: TimerHandle | None = None
        self._serial = 0

    @property
    def current(self) -> Order | None:
        """The order whose life is shown, as the stream knows it now."""
        return self.store.orders.get(self.order_id) or (self.life.order if self.life else None)

    def show_order(self, client_order_id: str) -> None:
        """Follow another order; what is known of it appears at once, its life a moment later."""
        if client_order_id == self.order_id:
            return
        self.order_id, self.life, self.problem, self.bars = client_order_id, None, "", []
        self.pick, self.lost_pick = None, ""
        self._plan()
        self.redraw()

    def on_store(self, changes: Changes) -> None:
        """The order moved on: its life is read again."""
        if self.order_id in changes.orders or changes.is_reset:
            self.check_pick()
            self._plan()

    def on_second(self) -> None:
        """Ages move on."""
        if self.life is not None:
            self.redraw()

    def _plan(self) -> None:
        if self._timer is None and self.order_id:
            self._timer = self.shell.call_after(REST_S, self._ask)

    def _ask(self) -> None:
        self._timer = None
        self._serial += 1
        if self.order_id:
            self.shell.in_background(self._read(self._serial, self.order_id))

    async def _read(self, serial: int, order_id: str) -> None:
        commands = self.shell.link.commands
        try:
            life = await commands.order_life(order_id)
        except StockPulseError as error:
            if serial == self._serial:
                self.problem = str(error)
                self.redraw()
            return
        if serial != self._serial or order_id != self.order_id:
            return
        self.life, self.problem = life, ""
        self.redraw()
        # The journal is ours and answers at once; bars may have to come from a market that hangs.
        with suppress(StockPulseError):
            bars = await commands.bars(life.order.terms.instrument_id, "1m", MAX_BARS)
            if serial == self._serial and order_id == self.order_id:
                self.bars = [bar for bar in bars if bar.ts_event >= life.order.created_at - BEFORE_NS]
                self.redraw()

    def title_left(self) -> Line:
        """Which order."""
        bg, order = self.title_bg, self.current
        moving = self.pick_words(bg)
        if moving or order is None:
            return moving
        what = f"of {symbol_of(order.terms.instrument_id)} {short_terms(order, tick_of(order, self.store.instruments))}"
        name = Span(what, "strong", bg, bold=True)
        if self.size.width < COMPACT:
            return (name,)
        return (name, Span(f"  id {short_id(order.client_order_id)}   {order.terms.strategy}", "muted", bg))

    def title_right(self) -> Line:
        """Whether the journal's chain holds over these entries."""
        bg, life = self.title_bg, self.life
        if life is None:
            return ()
        if not life.is_verified:
            return (Span("! journal broken: run sp log verify", "danger", bg, bold=True),)
        digest = self.store.health.journal_digest if self.store.health else ""
        chain = f", chain {digest[:4]}…{digest[-2:]}" if len(digest) > 6 and self.size.width >= COMPACT else ""
        return (Span(f"journal verified{chain}", "up", bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The life, or why there is none to show."""
        life, order = self.life, self.current
        if self.problem:
            return empty_state("!", "Its life could not be read", self.problem, (width, height))
        if order is None:
            why = "The order under the cursor is told step by step."
            return empty_state("·", "No order chosen", why, (width, height))
        if life is None:
            return empty_state("…", "Reading the journal", "Each entry is checked against the chain.", (width, height))
        tick = tick_of(order, self.store.instruments)
        last = self.store.last(order.terms.instrument_id)
        facts = LifeFacts(
            zone=zone_of(self.store.clock),
            tick=tick,
            now_ns=self.shell.status.market_ns(),
            now_words=now_words(order, ticks_away(order, last, tick), None),
            bars=self.bars,
            last=last if order.is_open else None,
            glyphs=self.shell.glyphs,
        )
        return life_lines(life, facts, width, height)

    def do_view_back(self) -> None:
        """Back to the list."""
        self.shell.view.focus_pane("orders")

    def do_row_open(self) -> None:
        """Already open; a staged order is sent from its row."""
        self.do_view_back()

    def open_life(self, order: Order) -> None:
        """`w` on the life itself."""
        self.shell.notify_line("this is its life")

    def cell(self) -> Cell | None:
        """The order's id."""
        order = self.current
        if order is None:
            return None
        return Cell(name="client id", value=order.client_order_id, instrument_id=order.terms.instrument_id)
