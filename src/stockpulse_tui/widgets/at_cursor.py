"""Beside the ladder: what `b` and `v` would make at the cursor's price, and what it would mean."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.render.format import format_money, format_price, format_quantity, format_size
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.position_rows import tone
from stockpulse_tui.widgets.ladder import Ladder
from stockpulse_tui.widgets.panel import Panel


def kind_at(side: Side, price: Decimal, quote: Quote | None) -> str:
    """A price the market has passed makes a stop, else a limit."""
    if quote is None:
        return "limit"
    is_through = price > quote.ask if side is Side.BUY else price < quote.bid
    return "stop" if is_through else "limit"


class AtCursor(Panel):
    """The pane that says what a key would do."""

    context = Context.LADDER
    title = "At the cursor"
    kinds = frozenset({"depths", "orders", "positions", "arms"})
    follows_quotes = True

    @property
    def ladder(self) -> Ladder | None:
        """The ladder of the same screen."""
        pane = self.shell.view.panes.get("ladder")
        return pane if isinstance(pane, Ladder) else None

    def title_left(self) -> Line:
        """The price."""
        ladder = self.ladder
        instrument = ladder.instrument if ladder else None
        if ladder is None or instrument is None:
            return ()
        return (Span(format_price(ladder.cursor_price(), instrument.tick_size), "text", self.title_bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Two lines that could be opened, the size, the queue, the money."""
        ladder = self.ladder
        instrument = ladder.instrument if ladder else None
        if ladder is None or instrument is None:
            return ()
        price, quote = ladder.cursor_price(), self.store.quotes.get(ladder.instrument_id)
        lines: list[Line] = [()]
        for key, side in (("b", Side.BUY), ("v", Side.SELL)):
            size, kind = ladder.next_size(side), kind_at(side, price, quote)
            lines.append(
                (
                    Span(f"  {key}  ", "accent", bold=True),
                    Span(f" {side.value:^4} ", "ink", side.value.lower(), bold=True),
                    Span(f"  {format_quantity(size)} {kind}  ", "text"),
                    Span(format_price(price, instrument.tick_size), "strong", bold=True),
                )
            )
        size = ladder.next_size(Side.BUY)
        lines += [
            (),
            (
                Span("  size ", "muted"),
                Span(format_quantity(size), "strong", bold=True),
                Span("   money ", "muted"),
                Span(format_money(size * price)),
            ),
            self._queue_line(ladder, price),
            *self._flat_line(ladder, price),
            (
                Span("  #", "accent", bold=True),
                Span(" size   ", "muted"),
                Span("B V", "accent", bold=True),
                Span(" market", "muted"),
            ),
        ]
        return lines[:height]

    def _queue_line(self, ladder: Ladder, price: Decimal) -> Line:
        depth = ladder.depth
        levels = (*depth.bids, *depth.asks) if depth else ()
        ahead = next((level.size for level in levels if level.price == price), None)
        text = "·" if ahead is None else format_size(ahead)
        return (Span("  queue if sent now ", "muted"), Span(text, "faint" if ahead is None else "text"))

    def _flat_line(self, ladder: Ladder, price: Decimal) -> list[Line]:
        position = next((p for p in self.store.positions.values() if p.instrument_id == ladder.instrument_id), None)
        if position is None or position.average_cost is None:
            return []
        amount = (price - position.average_cost) * position.quantity
        return [(Span("  P&L if flat here ", "muted"), Span(format_money(amount, signed=True), tone(amount)))]
