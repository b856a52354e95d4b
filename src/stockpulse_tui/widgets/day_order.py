"""One order of the day on its own chart: arrival against fill, cost split, hops, best and worst while held."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.domain.views import DayOrder, DayRefusal
from stockpulse_engine.render.chart import render_chart
from stockpulse_engine.render.chartdata import ChartData, ChartFill, ChartOrder
from stockpulse_engine.render.format import format_quantity
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.day_lines import detail_lines, refusal_lines
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.order_words import TYPES, price_of, short_id, short_terms, tick_of
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

MINUTE_NS = 60_000_000_000
AROUND_NS = 45 * MINUTE_NS
"""How much of the market before and after the order is shown."""
MAX_BARS = 390
SPEC = BarSpec(1, "m")


class DayOrderPane(Panel):
    """The pane beside the list."""

    context = Context.POSITIONS
    title = "Order"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.entry: DayOrder | DayRefusal | None = None
        self.bars: list[Bar] = []
        self.problem = ""
        self._serial = 0

    def show_instrument(self, instrument_id: str) -> None:
        """It shows the order's instrument, not the desk's."""

    def show_entry(self, entry: DayOrder | DayRefusal | None) -> None:
        """Follow the list; the bars come a moment later."""
        is_same = isinstance(entry, DayOrder) and isinstance(self.entry, DayOrder) and entry.order == self.entry.order
        self.entry = entry
        if not is_same:
            self.bars, self.problem = [], ""
            if isinstance(entry, DayOrder):
                self._serial += 1
                self.shell.in_background(self._read(self._serial, entry))
        self.redraw()

    async def _read(self, serial: int, entry: DayOrder) -> None:
        order = entry.order
        last = max([order.updated_at, *(fill.ts_event for fill in entry.fills)])
        start, end = order.created_at - AROUND_NS, last + AROUND_NS
        count = min(MAX_BARS, (end - start) // MINUTE_NS + 1)
        try:
            bars = await self.shell.link.commands.bars(order.terms.instrument_id, str(SPEC), count, end)
        except StockPulseError as error:
            bars, problem = [], str(error)
        else:
            problem = ""
        if serial == self._serial:
            self.bars, self.problem = [bar for bar in bars if bar.ts_event >= start], problem
            self.redraw()

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
        elif not self.bars:
            chart = empty_state("…", "Reading its bars", "One minute each, around the order.", (width, room))
        else:
            chart = render_chart(self._chart(entry), width, room, self.shell.glyphs, has_title=False)
        return [*chart, *[()] * (room - len(chart)), (), *details]

    def _chart(self, entry: DayOrder) -> ChartData:
        order = entry.order
        is_buy = order.terms.side is Side.BUY
        price = price_of(order)
        label = (
            f"{order.terms.side.value.lower()} {format_quantity(order.terms.quantity)} {TYPES[order.terms.order_type]}"
        )
        return ChartData(
            symbol=symbol_of(order.terms.instrument_id),
            tick=tick_of(order, self.store.instruments),
            bars=self.bars,
            spec=SPEC,
            zone=zone_of(self.store.clock),
            orders=(ChartOrder(is_buy=is_buy, price=price, label=label),) if price is not None else (),
            fills=tuple(
                ChartFill(is_buy=fill.sign > 0, quantity=fill.quantity, price=fill.price, ts_event=fill.ts_event)
                for fill in entry.fills
            ),
            zoom=1,
        )

    def do_view_back(self) -> None:
        """Back to the list."""
        self.shell.view.focus_pane("day")
