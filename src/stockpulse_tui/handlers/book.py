"""Orders, lots and the day by name, from the command line and from anywhere: `WHY C01…`, `LOT AAPL`, `DAY`."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import cached_property

from stockpulse_engine.client import calls
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.wire.rest import DeclareDead
from stockpulse_tui.asker import Asker
from stockpulse_tui.handlers import Handler
from stockpulse_tui.order_names import named_order


class BookHandler(Handler):
    """What happens to orders and positions that no pane has under its cursor."""

    _dead = ""
    """The order that is about to be declared dead."""

    @cached_property
    def asker(self) -> Asker:
        """Carries requests, each under a key minted once."""
        return Asker(self.shell, lambda: None)

    @property
    def _words(self) -> tuple[str, ...]:
        return self.shell.command.arguments if self.shell.command else ()

    def do_day_review(self) -> None:
        """Review the newest session, or the one named."""
        from stockpulse_tui.widgets.day import Day

        shell, words = self.shell, self._words

        def show() -> None:
            pane = shell.view.panes.get("day")
            if isinstance(pane, Day):
                pane.show_session(words[0])

        shell.show_view("day.review", then=show if words else None)

    def do_day_write(self) -> None:
        """Write the newest session's review."""
        self.shell.in_background(self._write_day())

    async def _write_day(self) -> None:
        from stockpulse_tui.widgets.day import write_page

        try:
            review = await self.shell.link.commands.day()
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
        else:
            write_page(self.shell, review)

    def do_order_unknown(self) -> None:
        """The orders screen on its UNKNOWN tab."""
        from stockpulse_tui.blotter_rows import Tab
        from stockpulse_tui.widgets.blotter import Blotter

        def show() -> None:
            pane = self.shell.view.panes.get("orders")
            if isinstance(pane, Blotter):
                pane.show_tab(Tab.UNKNOWN)

        self.shell.show_view("screen.orders", then=show)

    def do_order_why(self) -> None:
        """The life of the order named."""
        order = named_order(self.shell)
        if order is not None:
            self._show("screen.orders", "orders", order.client_order_id)

    def do_order_dead(self) -> None:
        """Ask for the word and the reason; of the order named, or of the unknown one under the cursor."""
        order = named_order(self.shell) if self.shell.command else self._unknown_one()
        if order is None:
            return
        if not order.is_unknown:
            self.shell.notify_line(f"{order.client_order_id} is {order.status.value}: its outcome is known")
            return
        self._dead = order.client_order_id
        self.shell.windows.ask("order.dead", f"{self._dead} does not work at its broker: type DEAD and why")

    def _unknown_one(self) -> Order | None:
        from stockpulse_tui.widgets.blotter import Blotter

        pane = self.shell.view.panes.get("orders")
        current = pane.current if isinstance(pane, Blotter) else None
        unknown = self.shell.live.unknown_orders()
        if current is None and not unknown:
            self.shell.notify_line("no order is UNKNOWN")
        return current or (unknown[0] if unknown else None)

    def entered_order_dead(self, text: str) -> None:
        """The word, and the reason after it."""
        word, _, reason = text.strip().partition(" ")
        if word.upper() != "DEAD" or not reason.strip():
            self.shell.notify_line("nothing was changed: DEAD, then why", "warn")
            return
        key, send = self._dead, self.shell.link.commands.send

        def ask(asked: str) -> Awaitable[Order]:
            return send(calls.declare_dead(key, DeclareDead(request_id=asked, reason=reason.strip(), word="DEAD")))

        self.asker.ask(("dead", key, reason), ask, f"{key} is declared dead; what it executes after all is told")

    def do_order_cancel(self) -> None:
        """Cancel the order named."""
        order = named_order(self.shell)
        if order is not None:
            cancel = self.shell.link.commands.cancel_order
            key = order.client_order_id
            words = f"asked to cancel {key}; canceling until proven"
            self.asker.ask(("cancel", key), lambda asked: cancel(key, asked), words)

    def do_order_cancel_many(self) -> None:
        """Cancel what matches the pattern named; without one it is asked for."""
        words = self._words
        symbol = self.shell.command.symbol if self.shell.command else ""
        pattern = symbol or (words[0].upper() if words else "")
        if pattern:
            self.entered_order_cancel_many(pattern)
        else:
            self.shell.windows.ask("order.cancel_many", "cancel every working order of", initial="*")

    def entered_order_cancel_many(self, text: str) -> None:
        """The pattern was typed."""
        pattern = text.strip().upper()
        if pattern:
            cancel = self.shell.link.commands.cancel_orders
            words = f"asked to cancel every order of {pattern}; canceling until proven"
            self.asker.ask(("cancel many", pattern), lambda key: cancel(pattern, request_id=key), words)

    def do_position_lots(self) -> None:
        """The lots of the instrument named, else of the one in sight."""
        shell = self.shell
        account, instrument_id = shell.store.account, shell.instrument_id
        if account is None or not shell.store.held(instrument_id):
            shell.notify_line(f"{symbol_of(instrument_id)}: nothing is held" if instrument_id else "nothing is held")
            return
        key = f"{account.account.account_id}/{instrument_id}"

        def open_lots() -> None:
            from stockpulse_tui.widgets.positions import Positions

            pane = shell.view.panes.get("positions")
            if isinstance(pane, Positions):
                pane.select_key(key)
                pane.do_position_lots()

        shell.show_view("screen.positions", then=open_lots)

    def _show(self, view: str, name: str, key: str) -> None:
        from stockpulse_tui.widgets.list_pane import ListPane

        def select() -> None:
            pane = self.shell.view.panes.get(name)
            if isinstance(pane, ListPane):
                pane.select_key(key)

        self.shell.show_view(view, then=select)
