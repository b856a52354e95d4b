"""Trading from the ladder: lines at the cursor's price as on the chart, sizes, cancels by price, and no frozen book."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order, Side
from stockpulse_engine.render.format import for_copy, format_age, format_quantity
from stockpulse_tui.asker import Asker, why_not
from stockpulse_tui.order_names import named_order
from stockpulse_tui.order_pick import price_of
from stockpulse_tui.order_words import gone_words
from stockpulse_tui.tickets import open_line
from stockpulse_tui.widgets.chart_trade import ChartTrade
from stockpulse_tui.widgets.flatten_one import FlattenWord


class LadderTrade(FlattenWord, ChartTrade):
    """What a ladder does with an order; mixed into the pane."""

    sizing: str | None = None
    """Digits typed after `#`, None while none are."""
    _aim_at: tuple[Decimal, Decimal, str] | None = None
    _aimed: frozenset[str] = frozenset()
    """Own orders in the cursor's row, and which row that is: once gone they stay meant until the cursor moves."""

    if TYPE_CHECKING:

        @property
        def is_frozen(self) -> bool:
            """Whether the book is too old to act on."""

        @property
        def step(self) -> Decimal:
            """Price between two rows."""

        def age_ns(self) -> int:
            """Age of the book."""

        def working(self) -> list[Order]:
            """Own open orders of the instrument."""

    @cached_property
    def asker(self) -> Asker:
        """Carries cancels, each under a key minted once."""
        return Asker(self.shell, self.redraw)

    def take_key(self, key: str) -> bool:
        """Digits after `#` are the size; else the line's own keys."""
        if self.sizing is None:
            return super().take_key(key)
        if len(key) == 1 and key.isascii() and key.isdigit():
            self.sizing = (self.sizing + key).lstrip("0")[:9]
        elif key == "Backspace":
            self.sizing = self.sizing[:-1]
        else:
            self._end_sizing(is_kept=key != "Esc")
            return key in ("Enter", "Esc")
        self.redraw()
        return True

    def do_line_size(self) -> None:
        """Type the size of the next line."""
        if self.draft is not None and self._may_edit():
            super().do_line_size()
        else:
            self.sizing = ""
            self.redraw()

    def _end_sizing(self, *, is_kept: bool) -> None:
        if self.sizing and is_kept:
            self._quantities[self.instrument_id] = Decimal(self.sizing)
        self.sizing = None
        self.redraw()

    def next_size(self, side: Side) -> Decimal:
        """The quantity a line would begin with."""
        instrument = self.instrument
        return Decimal(0) if instrument is None else self._first_quantity(instrument, side)

    def do_line_send(self) -> None:
        """Send or stage what is open; never on a frozen book or a lost link."""
        if self.draft is None and self.pick is None and (self.intent is None or self.intent.is_open):
            self.shell.notify_line("b or v opens a line at the cursor, o picks an order")
            return
        problem = why_not(self.shell)
        if not problem and self.is_frozen:
            problem = f"the book is {format_age(max(0, self.age_ns()))} old: nothing is sent from here; cancels work"
        if problem:
            self.shell.notify_line(problem, "danger")
        else:
            super().do_line_send()

    def do_ladder_buy_market(self) -> None:
        """A ticket to buy the ladder's size at market."""
        self._open_market(Side.BUY)

    def do_ladder_sell_market(self) -> None:
        """A ticket to sell the ladder's size at market."""
        self._open_market(Side.SELL)

    def _open_market(self, side: Side) -> None:
        instrument = self.instrument
        if instrument is not None:
            size = for_copy(format_quantity(self.next_size(side))).replace(",", "")
            open_line(self.shell, f"{side.value.lower()} {instrument.symbol} {size} mkt")

    def do_order_cancel(self) -> None:
        """The picked order, else all of ours at the cursor's price."""
        if self.shell.command is not None:
            order = named_order(self.shell)
            if order is not None:
                self._cancel_one(order.client_order_id)
        elif self.pick is not None or self.lost_pick:
            super().do_order_cancel()
        else:
            self._cancel_here()

    def _cancel_here(self) -> None:
        meant, here = self.watch_aim(), self.at_cursor()
        if meant and meant.isdisjoint(order.client_order_id for order in here):
            gone = gone_words(self.store.orders.get(min(meant)), self.store.orders)
            self.shell.notify_line(f"nothing was canceled: {gone}", "warn")
            self._aim_at = None
            return
        if not here:
            self.shell.notify_line("nothing of yours is in this row")
        for order in here:
            self._cancel_one(order.client_order_id)

    def watch_aim(self) -> frozenset[str]:
        """Own orders a cancel in the cursor's row is meant for; they stay meant when they go."""
        aim = (self.cursor_price(), self.step, self.instrument_id)
        here = frozenset(order.client_order_id for order in self.at_cursor())
        if aim != self._aim_at or not self._aimed or here & self._aimed:
            self._aim_at, self._aimed = aim, here
        return self._aimed

    def _cancel_one(self, order_id: str) -> None:
        cancel = self.shell.link.commands.cancel_order
        self.asker.ask(("cancel", order_id), lambda key: cancel(order_id, key))

    def at_cursor(self) -> list[Order]:
        """Own orders in the cursor's row."""
        low = self.cursor_price()
        return [o for o in self.working() if low <= (price_of(o.terms) or Decimal(0)) < low + self.step]

    def do_order_cancel_many(self) -> None:
        """All of ours in this instrument, at once: a cancel is never held back."""
        name, commands = self.instrument_id, self.shell.link.commands
        words = f"asked to cancel every order of {symbol_of(name)}; canceling until proven"
        self.asker.ask(("cancel many", name), lambda key: commands.cancel_orders(name, request_id=key), words)

    def do_trading_flatten(self) -> None:
        """The word is asked for: the symbol closes this position, FLATTEN everything."""
        held = (p for p in self.store.positions.values() if p.instrument_id == self.instrument_id)
        self.ask_flatten(next(held, None))
