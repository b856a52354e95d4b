"""Time and sales: the newest print first, large ones tinted."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.market import Trade
from stockpulse_engine.render.format import format_clock, format_price, format_size
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.order_words import DEFAULT_TICK
from stockpulse_tui.print_log import LARGE, rate_of, usual_size
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state


class Tape(Panel):
    """The tape pane."""

    context = Context.LADDER
    title = "Tape"
    kinds = frozenset({"trades"})

    def topics(self) -> frozenset[str]:
        """The prints of its instrument."""
        return frozenset({f"trades:{self.instrument_id}"}) if self.instrument_id else frozenset()

    @property
    def trades(self) -> Sequence[Trade]:
        """What is known, oldest first."""
        return tuple(self.store.trades.get(self.instrument_id, ()))

    def title_left(self) -> Line:
        """What it is."""
        return (Span("time and sales", "muted", self.title_bg),)

    def title_right(self) -> Line:
        """Prints a second."""
        trades = self.trades
        if not trades:
            return ()
        rate = rate_of(trades, self.shell.status.market_ns())
        return (Span(f"{rate:.1f}/s", "muted", self.title_bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Newest first."""
        trades = self.trades
        if not trades:
            return empty_state("·", "No prints yet", "Nothing traded since this was opened.", (width, height))
        instrument = self.store.instruments.get(self.instrument_id)
        tick = instrument.tick_size if instrument else DEFAULT_TICK
        zone, usual = zone_of(self.store.clock), usual_size(trades)
        lines = []
        for place in range(len(trades) - 1, max(-1, len(trades) - 1 - height), -1):
            before = trades[place - 1] if place else None
            is_large = usual > 0 and trades[place].size >= usual * LARGE
            texts = format_clock(trades[place].ts_event, zone, digits=3), format_price(trades[place].price, tick)
            lines.append(print_line(trades[place], before, texts, width, is_large=is_large))
        return lines


def print_line(trade: Trade, before: Trade | None, texts: tuple[str, str], width: int, *, is_large: bool) -> Line:
    """One print: time, price, who pressed, size."""
    is_up = trade.aggressor == "B" or (trade.aggressor != "S" and before is not None and trade.price > before.price)
    glyph, token, tint = ("▲", "up", "up_bg") if is_up else ("▼", "down", "down_bg")
    bg = tint if is_large else "panel"
    return fit(
        (
            Span(f"  {texts[0]}", "muted" if is_large else "faint", bg),
            Span(f"{texts[1]:>11} ", token, bg, bold=is_large),
            Span(glyph, token, bg),
            Span(f"{format_size(trade.size):>8} ", "strong" if is_large else "text", bg, bold=is_large),
        ),
        width,
        bg=bg,
    )
