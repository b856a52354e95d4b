"""Flattening one position: its working orders are canceled, then one reduce-only order closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import PositionView
from stockpulse_tui.asker import why_not
from stockpulse_tui.courier import Courier
from stockpulse_tui.intent import Intent, Phase

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.messages import LineEntered


class FlattenWord:
    """Mixed into panes with a position: `F` asks for a word, the symbol closes one position, FLATTEN all of them."""

    shell: StockPulseApp
    _flattening: PositionView | None = None

    def ask_flatten(self, position: PositionView | None) -> None:
        """Ask. From the command line only FLATTEN is offered: it says what it means."""
        self._flattening = position if self.shell.command is None else None
        one = f"{symbol_of(self._flattening.instrument_id)} to close it, " if self._flattening else ""
        count = len(self.shell.store.positions)
        self.shell.windows.ask(
            "trading.flatten", f"type {one}FLATTEN to close all {count} position{'' if count == 1 else 's'}"
        )

    def on_line_entered(self, message: LineEntered) -> None:
        """The symbol closes one; any other word goes on to what closes everything."""
        position = self._flattening
        if message.purpose != "trading.flatten" or position is None:
            return
        if message.text.strip().upper() == symbol_of(position.instrument_id):
            message.stop()
            FlattenOne(self.shell, position).start()


class FlattenOne:
    """One intent to get out of one position. Its symbol was typed; SAFE stages the closing order, armed sends it."""

    def __init__(self, shell: StockPulseApp, position: PositionView) -> None:
        self._shell = shell
        self._position = position
        self._intent = Intent()
        self._courier = Courier(shell, self._intent, self._told)
        self._said: Phase | None = None

    def start(self) -> None:
        """Cancel first, then close."""
        problem = why_not(self._shell)
        if problem:
            self._shell.notify_line(problem, "danger")
        else:
            self._shell.in_background(self._run(), is_intent=True)

    async def _run(self) -> None:
        position, shell = self._position, self._shell
        try:
            await shell.link.commands.cancel_orders(position.instrument_id, position.account_id, new_id("R"))
        except StockPulseError as error:
            shell.notify_line(f"not flattened: its orders could not be canceled: {error}", "danger")
            return
        self._courier.enter(self._body())

    def _body(self) -> SubmitOrder:
        position = self._position
        terms = OrderTerms(
            account_id=position.account_id,
            instrument_id=position.instrument_id,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            quantity=abs(position.quantity),
            order_type=OrderType.MARKET,
            is_reduce_only=True,
        )
        return SubmitOrder(client_order_id="", terms=terms, is_staged=not self._courier.is_armed, source="tui")

    def _told(self) -> None:
        phase, symbol = self._intent.phase, symbol_of(self._position.instrument_id)
        if phase is self._said:
            return
        self._said = phase
        problem = self._intent.problem
        if problem is not None:
            self._shell.notify_line(f"{symbol} not flattened: {problem}", "danger")
        elif phase is Phase.STAGED:
            self._shell.notify_line(
                f"{symbol}: the closing order is staged; A arms, Enter on it in Orders sends", "warn"
            )
        elif phase is Phase.SENT:
            self._shell.notify_line(f"{symbol}: its orders are being canceled, the closing order is sent", "warn")
