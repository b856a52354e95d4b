"""The chart pane: candles, volume, studies, own orders and fills, a cross-hair, and the line one trades with.

Drawing is `render.chart`; bars and studies come through `ChartFeed`; what is shown of them is `ChartState`. The keys
that look around are in `chart_moves`, those that trade in `chart_trade`.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, Side
from stockpulse_engine.render.chart import ChartData, ChartFill, ChartOrder, StudyLine, render_chart
from stockpulse_engine.render.format import format_age, format_price, format_quantity
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_tui.bar_series import BarSeries
from stockpulse_tui.cell import Cell
from stockpulse_tui.chart_feed import ChartFeed
from stockpulse_tui.chart_view_state import SPECS, ChartState
from stockpulse_tui.order_pick import price_of
from stockpulse_tui.status import LIVE
from stockpulse_tui.widgets.chart_moves import ChartMoves
from stockpulse_tui.widgets.chart_trade import ChartTrade
from stockpulse_tui.widgets.order_state import outside
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

FOLLOW_S = 0.15
"""Least time between two drawings for nothing but a market that moves: eyes follow no faster."""
STALE_NS = 60_000_000_000
EXITS = {OrderRole.TAKE: "take", OrderRole.STOP: "stop"}
TYPES = {"LIMIT": "LMT", "STOP": "STP", "STOP_LIMIT": "STP LMT", "TRAILING_STOP": "TRAIL", "MARKET": "MKT"}


class Chart(ChartTrade, ChartMoves, Panel):
    """One chart."""

    context = Context.CHART
    title = "Chart"
    kinds = frozenset({"orders", "fills", "arms", "halt"})

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.state = ChartState()
        self._made: ChartFeed | None = None
        self._timer: TimerHandle | None = None
        self._is_stale = False
        self.ready_trading()

    @property
    def feed(self) -> ChartFeed:
        """Bars and studies."""
        if self._made is None:
            self._made = ChartFeed(self.shell, self._fed)
        return self._made

    # -- drawing

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title, chart, and the bar of an order under way."""
        instrument = self.instrument
        if instrument is None:
            return [self.title_line(width), *self._unchosen((width, height - 1))]
        series = self.series
        if not series.bars:
            title = render_chart(self.data(instrument, ()), width, 1, self.shell.glyphs)
            return [*title, *self._nothing(series, (width, height - 1))]
        bar = self.trade_bar(width) or self._study_problem(width)
        data = self.data(instrument, self.study_lines(series))
        return [*render_chart(data, width, height - len(bar), self.shell.glyphs), *bar]

    def _unchosen(self, size: tuple[int, int]) -> list[Line]:
        if not self.store.instruments:
            return empty_state("…", "Waiting for the first frame", self.shell.status.words, size)
        return empty_state(
            "·", "No instrument is chosen", "Pick one in the watchlist, or type its symbol after :", size
        )

    def _nothing(self, series: BarSeries, size: tuple[int, int]) -> list[Line]:
        """Asked, failed and truly none look different."""
        spec = self.state.spec
        if series.problem:
            return empty_state(
                "!", "The bars could not be had", outside(series.problem), size, (("t", "another length"),)
            )
        if not series.has_answer:
            return empty_state("…", f"Asking for {spec} bars", "The engine was asked just now.", size)
        why = "It has not traded in the history this world keeps."
        if self.shell.rewind.is_past:
            why = "Nothing is held of it that was known then. `sp coverage` lists what is held."
        return empty_state("·", f"There are no {spec} bars", why, size, (("t", "another length"),))

    def _study_problem(self, width: int) -> list[Line]:
        """A study that could not be computed is said in words; a lost engine says so itself, in the banner."""
        if self.shell.status.state != LIVE:
            return []
        for text in self.state.studies:
            problem = self.feed.study(self.instrument_id, self.state.spec, text).problem
            if problem:
                words = (
                    Span(f"  ! {outside(text, 40)}  ", "warn", "raised", bold=True),
                    Span(outside(problem), "text", "raised"),
                )
                return [fit(words, width, bg="raised")]
        return []

    def data(self, instrument: Instrument, studies: tuple[StudyLine, ...]) -> ChartData:
        """Everything the drawing needs."""
        bars = self.series.bars
        last = self.store.last(self.instrument_id)
        reference = self.store.references.get(self.instrument_id)
        change = last - reference[0] if last is not None and reference is not None and reference[0] else None
        quote = self.store.quotes.get(self.instrument_id)
        state = self.state
        return ChartData(
            symbol=outside(instrument.symbol, 24),
            name=outside(instrument.name, 40),
            venue=instrument.venue,
            tick=instrument.tick_size,
            bars=bars,
            spec=self.bar_spec,
            zone=self.store.clock.time_zone if self.store.clock else "UTC",
            last=last,
            change=change,
            change_ratio=change / reference[0] if change is not None and reference is not None else None,
            studies=studies,
            orders=self._orders(instrument),
            fills=self._fills(),
            trade=self.draft.line(quote) if self.draft is not None else None,
            offset=state.offset,
            cursor=self.cursor_at(),
            cursor_price=state.cursor_price,
            zoom=state.zoom,
            style=state.style,
            is_focused=self.is_active,
            specs=SPECS,
            stale_for=self._stale_for(),
        )

    def _stale_for(self) -> str:
        lost = self.shell.status.prices_lost_ns()
        if lost >= 0:
            return format_age(lost)
        quote = self.store.quotes.get(self.instrument_id)
        if quote is None or not self.shell.status.is_market_open:
            return ""
        age = self.shell.status.market_ns() - quote.ts_event
        return format_age(age) if age > STALE_NS else ""

    def study_lines(self, series: BarSeries) -> tuple[StudyLine, ...]:
        """Over the price the colours go up from the first, in panes of their own down from the last."""
        lines: list[StudyLine] = []
        over = under = 0
        for text in self.state.studies:
            study = self.feed.study(self.instrument_id, self.state.spec, text)
            is_over = study.view is not None and study.view.is_overlay
            lines += study.lines(series.bars, series.version, 1 + over % 4 if is_over else 4 - under % 4)
            over, under = over + is_over, under + (not is_over)
        return tuple(lines)

    def _orders(self, instrument: Instrument) -> tuple[ChartOrder, ...]:
        picked = self.pick.ids if self.pick is not None else frozenset()
        made = []
        for order in self.store.orders.values():
            if order.terms.instrument_id != instrument.instrument_id or not _is_on_chart(order):
                continue
            is_picked = order.client_order_id in picked
            shown = self.pick.moved(order) if is_picked and self.pick is not None else order
            price = price_of(shown.terms)
            if price is not None:
                is_buy = order.terms.side is Side.BUY
                made.append(ChartOrder(is_buy=is_buy, price=price, label=order_label(order), is_picked=is_picked))
        return tuple(made)

    def _fills(self) -> tuple[ChartFill, ...]:
        return tuple(
            ChartFill(is_buy=fill.sign > 0, quantity=fill.quantity, price=fill.price, ts_event=fill.ts_event)
            for fill in self.store.fills.values()
            if fill.instrument_id == self.instrument_id
        )

    # -- what comes in

    def _fed(self) -> None:
        self.redraw()
        if self.is_mounted and self.display:
            self.prefetch()

    def topics(self) -> frozenset[str]:
        """Live bars and the newest value of each study, while it is shown."""
        if not self.instrument_id:
            return frozenset()
        head = f"{self.instrument_id}:{self.state.spec}"
        studies = (self.feed.study(self.instrument_id, self.state.spec, text) for text in self.state.studies)
        names = [
            state.view.study if state.view else text for state, text in zip(studies, self.state.studies, strict=True)
        ]
        return frozenset({f"bars:{head}", *(f"study:{head}:{name}" for name in names)})

    def on_store(self, changes: Changes) -> None:
        """Frames were applied."""
        if not self.instrument_id:
            return
        if changes.is_reset and self.series.has_answer:
            self.feed.again(self.instrument_id, self.state.spec)
        self.trade_on_store()
        is_moved = self.instrument_id in changes.quotes
        if changes.touches("bars", "studies"):
            is_moved = self._joined() or is_moved
        if changes.touches(*self.kinds):
            self.redraw()
        elif is_moved and self._timer is None:
            self._timer = self.shell.call_after(FOLLOW_S, self._market_moved)

    def on_second(self) -> None:
        """While the engine is lost the age of the price moves on; what was not answered is asked for again."""
        if self.instrument_id and self.shell.status.state == LIVE:
            self.feed.tend(self.instrument_id, self.state.spec)
        if self._is_stale or self._stale_for():
            self._is_stale = bool(self._stale_for())
            self.redraw()

    def _joined(self) -> bool:
        before = self.series.rolled
        is_changed = self.feed.on_store(self.instrument_id, self.state.spec)
        if self.state.offset:
            self.state.offset += self.series.rolled - before
        return is_changed

    def _market_moved(self) -> None:
        self._timer = None
        self.redraw()

    def show_instrument(self, instrument_id: str) -> None:
        """Follow the desk; a trade line or a pick belongs to the instrument it was opened on."""
        if instrument_id != self.instrument_id:
            self.drop_trade()
            self.state.leave_bar()
        super().show_instrument(instrument_id)

    def cell(self) -> Cell | None:
        """The bar under the cross-hair, else the newest."""
        bars, instrument = self.series.bars, self.instrument
        if not bars or instrument is None:
            return None
        at = self.cursor_at()
        bar = bars[-1 if at is None else at]
        tick = instrument.tick_size
        row = {name: format_price(getattr(bar, name), tick) for name in ("open", "high", "low", "close")}
        return Cell(
            name=f"close of the {self.state.spec} bar",
            value=row["close"],
            instrument_id=self.instrument_id,
            source=outside(bar.source, 40),
            formula="the last trade of the bar" + (", which is still open" if bar.is_open else ""),
            inputs={**row, "volume": format_quantity(bar.volume)},
            ts_event=bar.known_at,
            row=row,
        )


def _is_on_chart(order: Order) -> bool:
    return order.is_open or order.status is OrderStatus.INITIALIZED


def order_label(order: Order) -> str:
    """The chip of a working order: `buy 45 LMT`, `stop 60`, `staged buy 45 LMT`."""
    size = format_quantity(order.leaves_quantity or order.terms.quantity)
    word = EXITS.get(order.role)
    if word:
        return f"{word} {size}"
    label = f"{order.terms.side.value.lower()} {size} {TYPES[order.terms.order_type.value]}"
    if order.is_unknown:
        return f"! {label}"
    return f"staged {label}" if order.status is OrderStatus.INITIALIZED else label
