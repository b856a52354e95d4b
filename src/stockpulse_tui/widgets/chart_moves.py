"""Looking around in a chart: bars, screens, sessions, zoom, bar lengths, studies, and the mouse."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import BarSpec, parse_bar_spec
from stockpulse_engine.render.chart import ChartData, StudyLine, columns_ahead, visible_range
from stockpulse_engine.render.pricepane import axis_width
from stockpulse_tui.bar_series import BarSeries
from stockpulse_tui.chart_feed import ChartFeed
from stockpulse_tui.chart_view_state import RIBBON_BELOW, SPECS, ChartState
from stockpulse_tui.widgets.order_state import outside
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

    from stockpulse_tui.messages import LineEntered

HOUR_NS = 3_600_000_000_000


class ChartMoves(Panel):
    """The part of the chart pane that looks around."""

    state: ChartState

    @property
    def feed(self) -> ChartFeed:
        """Bars and studies."""
        raise AssertionError("the chart has its feed")

    @property
    def instrument(self) -> Instrument | None:
        """What it shows."""
        return self.store.instruments.get(self.instrument_id)

    @property
    def series(self) -> BarSeries:
        """The bars it shows."""
        return self.feed.series(self.instrument_id, self.state.spec)

    @property
    def bar_spec(self) -> BarSpec:
        """The bar length shown."""
        return parse_bar_spec(self.state.spec)

    def data(self, instrument: Instrument, studies: tuple[StudyLine, ...]) -> ChartData:
        """Everything the drawing needs."""
        raise AssertionError("the chart has its data")

    def study_lines(self, series: BarSeries) -> tuple[StudyLine, ...]:
        """The studies as they are drawn."""
        raise AssertionError("the chart has its studies")

    def cursor_at(self) -> int | None:
        """The bar under the cross-hair, None without one."""
        if self.state.cursor_ts is None:
            return None
        return self.state.index(self.series.bars, self.series.index_of(self.state.cursor_ts))

    def _visible(self) -> tuple[int, int]:
        instrument = self.instrument
        if instrument is None:
            return 0, 0
        return visible_range(self.data(instrument, self.study_lines(self.series)), self.size.width)

    def _go(self, step: int) -> None:
        bars = self.series.bars
        if not bars:
            return
        at = self.cursor_at()
        start = self._visible()[1] - 1 if at is None else at
        self.state.go(bars, start + step)
        self.state.offset = max(0, len(bars) - self._visible()[1])
        self.prefetch()
        self.redraw()

    def prefetch(self) -> None:
        """Ask for older bars before the left edge comes near."""
        start, end = self._visible()
        if start < 2 * (end - start):
            self.feed.older(self.instrument_id, self.state.spec)

    def do_move_left(self) -> None:
        """One bar back."""
        self._go(-1)

    def do_move_right(self) -> None:
        """One bar on."""
        self._go(1)

    def do_chart_screen_left(self) -> None:
        """One screen back."""
        start, end = self._visible()
        self._go(start - end)

    def do_chart_screen_right(self) -> None:
        """One screen on."""
        start, end = self._visible()
        self._go(end - start)

    def do_chart_day_left(self) -> None:
        """To the first bar of the session before."""
        self._go_day(-1)

    def do_chart_day_right(self) -> None:
        """To the first bar of the session after."""
        self._go_day(1)

    def _go_day(self, step: int) -> None:
        bars = self.series.bars
        at = self.cursor_at()
        here = len(bars) - 1 if at is None else at
        gap = max(self.bar_spec.duration_ns * 3 // 2, 3_600_000_000_000)
        edges = [i for i in range(1, len(bars)) if bars[i].ts_event - bars[i - 1].ts_event > gap] or [0]
        wanted = [i for i in edges if (i < here if step < 0 else i > here)]
        target = (wanted[-1] if step < 0 else wanted[0]) if wanted else (0 if step < 0 else len(bars) - 1)
        self._go(target - (self._visible()[1] - 1 if at is None else at))

    def do_move_last(self) -> None:
        """The newest bar, without a cross-hair."""
        self.state.leave_bar()
        self.redraw()

    def do_move_up(self) -> None:
        """The cross-hair's price up."""
        self._move_price(1)

    def do_move_down(self) -> None:
        """The cross-hair's price down."""
        self._move_price(-1)

    def _move_price(self, step: int) -> None:
        instrument, bars = self.instrument, self.series.bars
        if instrument is None or not bars:
            return
        start, end = self._visible()
        self.state.move_price(bars[start:end], self.cursor_price(), step, instrument.tick_size)
        self.redraw()

    def cursor_price(self) -> Decimal:
        """The price under the cross-hair; without one the last price."""
        at, bars = self.cursor_at(), self.series.bars
        if self.state.cursor_price is not None:
            return self.state.cursor_price
        if at is not None:
            return bars[at].close
        last = self.store.last(self.instrument_id)
        return last if last is not None else bars[-1].close if bars else Decimal(1)

    def do_chart_crosshair(self) -> None:
        """Show the cross-hair, or take it away."""
        if self.state.cursor_ts is None:
            self._go(0)
        else:
            self.state.cursor_ts = self.state.cursor_price = None
            self.redraw()

    # -- what is shown

    def do_chart_zoom_in(self) -> None:
        """Wider bars."""
        self._zoom(1)

    def do_chart_zoom_out(self) -> None:
        """Narrower bars, so more of them."""
        self._zoom(-1)

    def _zoom(self, step: int) -> None:
        self.state.step_zoom(step, self.size.width)
        self.prefetch()
        self.redraw()

    def do_chart_style(self) -> None:
        """Candles, or a line of closes."""
        self.state.style = "line" if self.state.style == "candles" else "candles"
        self.redraw()

    def do_chart_timeframe(self) -> None:
        """The next bar length, or the one named on the command line."""
        words = self.shell.command.arguments if self.shell.command else ()
        if words and not self.state.choose_spec(words[0].lower()):
            self.shell.notify_line(f"{outside(words[0], 12)} is not offered: {', '.join(SPECS)}", "warn")
        elif not words:
            self.state.step_spec(1)
        self._spec_changed()

    def do_chart_timeframe_back(self) -> None:
        """The previous bar length."""
        self.state.step_spec(-1)
        self._spec_changed()

    def do_chart_intraday(self) -> None:
        """Today in minutes."""
        self.state.choose_spec("1m")
        self._spec_changed()

    def _spec_changed(self) -> None:
        self.shell.resubscribe()
        self.redraw()

    def do_chart_study(self) -> None:
        """Ask which study; `STUDY rsi 14` on the command line names it."""
        words = self.shell.command.arguments if self.shell.command else ()
        if words:
            self._add_study(" ".join(words))
        else:
            from stockpulse_tui.widgets.study_prompt import (
                StudyPrompt,
            )  # the names of all studies, when one is asked for

            self.shell.windows.open(StudyPrompt(self))

    def on_line_entered(self, message: LineEntered) -> None:
        """The study was named."""
        if message.purpose == "chart.study":
            message.stop()
            self._add_study(message.text)

    def _add_study(self, text: str) -> None:
        wanted = " ".join(text.lower().split())[:60]
        if wanted:
            self.shell.in_background(self._try_study(wanted))

    async def _try_study(self, text: str) -> None:
        """Shown once the engine has computed it; a wrong one is said in words and not kept."""
        try:
            view = await self.shell.link.commands.study(self.instrument_id, self.state.spec, text, 2)
        except StockPulseError as error:
            self.shell.notify_line(str(error), "warn")
            return
        if not self.state.add_study(view.study):
            self.shell.notify_line(f"{view.study} is shown already, or there are too many studies", "warn")
            return
        self.shell.resubscribe()
        self.redraw()

    def do_chart_study_remove(self) -> None:
        """Take the study added last away."""
        if self.state.studies:
            self.feed.forget_study(self.state.studies.pop())
            self.shell.resubscribe()
            self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in."""
        event.stop()
        self._zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out."""
        event.stop()
        self._zoom(-1)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cross-hair on the bar under it."""
        start, end = self._visible()
        bars = self.series.bars
        if event.y < 2 or not bars or end <= start:
            return
        instrument = self.instrument
        if instrument is None:
            return
        width = self.size.width
        step = self.state.zoom or (1 if width < RIBBON_BELOW else 2)
        data = self.data(instrument, self.study_lines(self.series))
        right = width - axis_width(data) - 1 - columns_ahead(data, width)
        self.state.go(bars, end - 1 - max(0, (right - event.x) // step))
        self.redraw()
