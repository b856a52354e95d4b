"""One order of the day on its own chart: arrival against fill, cost split, hops, best and worst while held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.domain.views import DayOrder, DayRefusal
from stockpulse_engine.render.chart import render_chart
from stockpulse_engine.render.chartdata import ChartData, ChartFill, ChartOrder
from stockpulse_engine.render.format import format_quantity
from stockpulse_engine.render.pricepane import AXIS_EXTRA, axis_width
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.day_lines import detail_lines, refusal_lines
from stockpulse_tui.day_window import Window, in_room, window_of
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.order_words import TYPES, price_of, short_id, short_terms, tick_of
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from textual import events

LEAST_ROOM = 40
"""Bars asked for at least, also before the pane has its size."""
AXIS = AXIS_EXTRA + 8
"""Columns about taken by the price axis."""


class DayOrderPane(Panel):
    """The pane beside the list."""

    context = Context.POSITIONS
    title = "Order"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.entry: DayOrder | DayRefusal | None = None
        self.bars: list[Bar] = []
        self.window: Window | None = None
        self.problem = ""
        self._serial = 0

    def show_instrument(self, instrument_id: str) -> None:
        """It shows the order's instrument, not the desk's."""

    def show_entry(self, entry: DayOrder | DayRefusal | None) -> None:
        """Follow the list; the bars come a moment later."""
        is_same = isinstance(entry, DayOrder) and isinstance(self.entry, DayOrder) and entry.order == self.entry.order
        self.entry = entry
        if not is_same:
            self.bars, self.window, self.problem = [], None, ""
            self._ask()
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """A pane that has just got its size, or more of it, shows more bars."""
        super().on_resize(event)
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        if self.window is not None and self.window.count < self._room:
            self._ask()

    @property
    def _room(self) -> int:
        """Bars that the pane has room for."""
        return max(LEAST_ROOM, self.size.width - AXIS)

    def _ask(self) -> None:
        if isinstance(self.entry, DayOrder):
            self._serial += 1
            self.shell.in_background(self._read(self._serial, self.entry))

    async def _read(self, serial: int, entry: DayOrder) -> None:
        name = entry.order.terms.instrument_id
        window = window_of(entry, self._room)
        try:
            bars = await self.shell.link.commands.bars(name, str(window.spec), window.count, window.end_ns)
        except StockPulseError as error:
            bars, problem = [], str(error)
        else:
            problem = ""
        if serial == self._serial:
            self.bars, self.window, self.problem = bars, window, problem
            self.redraw()
            self._ask_for_more()  # the size may have come in between

    def title_left(self) -> Line:
        """Which order."""
        bg, entry = self.title_bg, self.entry
        if entry is None:
            return ()
        if isinstance(entry, DayRefusal):
            return (Span(f"{symbol_of(entry.instrument_id)} refused", "strong", bg, bold=True),)
        order = entry.order
        words = f"{symbol_of(order.terms.instrument_id)} {short_terms(order, tick_of(order, self.store.instruments))}"
        return (Span(words, "strong", bg, bold=True), Span(f"  {short_id(order.client_order_id)}", "muted", bg))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The chart, then what it cost."""
        entry, size = self.entry, (width, height)
        if entry is None:
            return empty_state("·", "No order chosen", "The order under the cursor is shown on its chart.", size)
        if isinstance(entry, DayRefusal):
            return refusal_lines(entry, width)
        tick = tick_of(entry.order, self.store.instruments)
        details = detail_lines(entry, tick, width, self.shell.glyphs)
        room = height - len(details) - 1
        if self.problem:
            chart = empty_state("!", "Its bars could not be read", self.problem, (width, room))
        elif self.window is None:
            chart = empty_state("…", "Reading its bars", "Those around the order.", (width, room))
        elif not self.bars:
            chart = empty_state("·", "No bars around it", "Nothing was traded then.", (width, room))
        else:
            chart = render_chart(self._chart(entry, width), width, room, self.shell.glyphs, has_title=False)
        return [*chart, *[()] * (room - len(chart)), (), *details]

    def _chart(self, entry: DayOrder, width: int) -> ChartData:
        order = entry.order
        is_buy = order.terms.side is Side.BUY
        price = price_of(order)
        label = (
            f"{order.terms.side.value.lower()} {format_quantity(order.terms.quantity)} {TYPES[order.terms.order_type]}"
        )
        assert self.window is not None
        data = ChartData(
            symbol=symbol_of(order.terms.instrument_id),
            tick=tick_of(order, self.store.instruments),
            bars=self.bars,
            spec=self.window.spec,
            zone=zone_of(self.store.clock),
            orders=(ChartOrder(is_buy=is_buy, price=price, label=label),) if price is not None else (),
            fills=tuple(
                ChartFill(is_buy=fill.sign > 0, quantity=fill.quantity, price=fill.price, ts_event=fill.ts_event)
                for fill in entry.fills
            ),
            zoom=1,
        )
        room = width - 1 - axis_width(data)
        return replace(data, bars=in_room(self.bars, self.window, room))

    def do_row_open(self) -> None:
        """Already open."""
        self.do_view_back()

    def do_view_back(self) -> None:
        """Back to the list."""
        self.shell.view.focus_pane("day")
