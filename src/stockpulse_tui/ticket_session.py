"""A ticket at work: keys change it, the engine previews it, Enter hands it to the courier.

Previews are debounced and the latest wins: an answer about an order that is no longer on screen is dropped. While the
market moves the line is read again with each quote, so that `mid` stays what it says; the preview follows more slowly.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.actions.orderline import OrderContext
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import Quote
from stockpulse_tui.courier import Courier
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.order_context import order_context
from stockpulse_tui.ticket import Ticket

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

DEBOUNCE_S = 0.06
"""From the last key to the question: a fast typist asks once per word."""
FOLLOW_S = 0.5
"""How often the preview follows a moving market."""


class TicketSession:
    """One ticket and its way to the engine. `changed` draws it again."""

    def __init__(self, shell: StockPulseApp, ticket: Ticket, changed: Callable[[], None]) -> None:
        self._shell = shell
        self.ticket = ticket
        self._changed = changed
        self._courier = Courier(shell, ticket.intent, changed)
        self._timer: TimerHandle | None = None
        self._serial = 0
        self._quote: Quote | None = None
        self.is_asking = False
        """Whether an answer is awaited."""

    def context(self) -> OrderContext:
        """What the line's words refer to now."""
        return order_context(self._shell.store, self._shell.instrument_id)

    def open(self) -> None:
        """Read the line for the first time."""
        self.ticket.read(self.context())
        self._plan(DEBOUNCE_S)

    def close(self) -> None:
        """Nothing is asked any more."""
        self._serial += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def press(self, key: str) -> bool:
        """One key; True when the ticket used it."""
        before = self.ticket.edit.text
        used = self.ticket.press(key, self.context())
        if used:
            self._after_edit(before)
        return used

    def paste(self, text: str) -> None:
        """Pasted text."""
        before = self.ticket.edit.text
        self.ticket.paste(text, self.context())
        self._after_edit(before)

    def set_line(self, text: str) -> None:
        """Another line."""
        self.ticket.set_line(text, self.context())
        self._after_edit("")

    def _after_edit(self, before: str) -> None:
        self._adopt()
        if self.ticket.edit.text != before:
            self._plan(DEBOUNCE_S, is_again=True)
        self._changed()

    def _adopt(self) -> None:
        if self._courier.intent is not self.ticket.intent:
            self._courier = Courier(self._shell, self.ticket.intent, self._changed)

    def enter(self) -> None:
        """Enter: stage when safe, send when armed, ask again after silence."""
        armed = self._courier.is_armed
        self._courier.enter(self.ticket.body(is_staged=not armed))

    def take_nearest(self) -> bool:
        """The nearest quantity that would pass."""
        before = self.ticket.edit.text
        taken = self.ticket.take_nearest(self.context())
        if taken:
            self._after_edit(before)
        return taken

    def duplicate(self) -> bool:
        """The same order once more, as a new intent."""
        done = self.ticket.duplicate(self.context())
        if done:
            self._after_edit("")
        return done

    @property
    def intent(self) -> Intent:
        """The intent under way."""
        return self.ticket.intent

    # -- the market and the engine

    def on_store(self) -> None:
        """Frames were applied."""
        self._courier.on_store()
        order = self.ticket.order
        if not self.ticket.intent.is_open:
            return
        if order is None:
            if self.ticket.edit.text:
                self.ticket.read(self.context())
            return
        quote = self._shell.store.quotes.get(order.instrument.instrument_id)
        if quote is not self._quote:
            self._quote = quote
            self.ticket.read(self.context())
            self._plan(FOLLOW_S)
            self._changed()

    def on_second(self) -> None:
        """The account and the rules move too: ask again now and then."""
        if self.ticket.intent.is_open and self.ticket.order is not None and not self.is_asking:
            self._plan(DEBOUNCE_S)

    def _plan(self, delay_s: float, *, is_again: bool = False) -> None:
        if self._timer is not None:
            if not is_again:
                return
            self._timer.cancel()
        self._timer = self._shell.call_after(delay_s, self._ask)

    def _ask(self) -> None:
        self._timer = None
        body = self.ticket.body_to_preview()
        if body is None or self.ticket.intent.phase not in (Phase.DRAFT, Phase.REFUSED):
            return
        self._serial += 1
        self.is_asking = True
        self._shell.in_background(self._preview(self._serial, self.ticket.edit.text, body))

    async def _preview(self, serial: int, line: str, body: SubmitOrder) -> None:
        problem = ""
        preview = None
        try:
            preview = await self._shell.link.commands.preview_order(body)
        except StockPulseError as error:
            problem = str(error)
        if serial != self._serial:
            return
        self.is_asking = False
        self.ticket.take_preview(line, preview, problem)
        self._changed()
