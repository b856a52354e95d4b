"""A ticket at work: keys change it, the engine previews it, Enter hands it to the courier or says why it does not.

Previews are debounced and the latest wins: an answer about an order that is no longer on screen is dropped. While the
market moves the line is read again with each quote, so that `mid` stays what it says; the preview follows more slowly.
Enter waits for no preview: the gate judges whatever is sent. What it can not send it refuses at once, in words.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stockpulse_engine.actions.orderline import OrderContext
from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Quote
from stockpulse_tui.courier import Courier
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.order_context import order_context
from stockpulse_tui.ticket import Ticket, Zone
from stockpulse_tui.widgets.order_state import asked_words, fate_words

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

DEBOUNCE_S = 0.06
"""From the last key to the question: a fast typist asks once per word."""
FOLLOW_S = 0.5
"""How often the preview follows a moving market."""


class TicketSession:
    """One ticket and its way to the engine. `changed` draws it again.

    With `keeps_instrument` a line without a symbol goes on meaning what it meant first, whatever is picked elsewhere.
    """

    def __init__(
        self, shell: StockPulseApp, ticket: Ticket, changed: Callable[[], None], *, keeps_instrument: bool = False
    ) -> None:
        self._shell = shell
        self.ticket = ticket
        self._changed = changed
        self._courier = self._new_courier()
        self._left: list[Intent] = []
        """Intents whose answer is awaited, but no longer on the screen."""
        self._timer: TimerHandle | None = None
        self._serial = 0
        self._quote: Quote | None = None
        self._keeps_instrument = keeps_instrument
        self._instrument_id = ""
        self.awaits_symbol = False
        """Whether the line was begun before any instrument was known; its place behind the side is filled then."""
        self.is_asking = False
        """Whether an answer is awaited."""

    def context(self) -> OrderContext:
        """What the line's words refer to now."""
        if not self._keeps_instrument or not self._instrument_id:
            self._instrument_id = self._shell.instrument_id
        return order_context(self._shell.store, self._instrument_id)

    def open(self) -> None:
        """Read the line for the first time."""
        self.ticket.read(self.context())
        self._plan(DEBOUNCE_S)

    def close(self) -> None:
        """Nothing is asked any more; what was sent is still heard of."""
        self._leave_intent()
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
        problem = self.ticket.paste(text, self.context())
        if problem:
            self._shell.notify_line(problem, "warn")
        self._after_edit(before)

    def point_at(self, zone: Zone, place: int) -> None:
        """The mouse points at a character, a field or a row."""
        self.ticket.point_at(zone, place)
        self._changed()

    def set_line(self, text: str) -> None:
        """Another line."""
        self._leave_intent()
        self.ticket.set_line(text, self.context())
        self._after_edit("")

    def _after_edit(self, before: str) -> None:
        self._adopt()
        if self.ticket.edit.text != before:
            self._plan(DEBOUNCE_S, is_again=True)
        self._changed()

    def take_nearest(self) -> bool:
        """The nearest quantity that would pass."""
        before = self.ticket.edit.text
        taken = self.ticket.take_nearest(self.context())
        if taken:
            self._after_edit(before)
        return taken

    def duplicate(self) -> bool:
        """The same order once more, as a new intent."""
        self._leave_intent()
        done = self.ticket.duplicate(self.context())
        if done:
            self._after_edit("")
        return done

    # -- Enter, and what becomes of it

    @property
    def intent(self) -> Intent:
        """The intent under way."""
        return self.ticket.intent

    def enter(self) -> None:
        """Enter: stage when safe, send when armed, ask again after silence; whatever it does not do it says."""
        ticket = self.ticket
        ticket.refusal = self._why_not() if self.intent.is_open else ""
        if ticket.refusal:
            self._put_on_record()
            self._ask()  # what denied it may be over
            self._changed()
            return
        words = self._courier.idle_words()
        if self.intent.phase is Phase.SENT:
            words += f": {self._shell.keymap.key_of('ticket.duplicate', Context.TICKET)} begins the same order again"
        if words:
            self._shell.notify_line(words)
        body = ticket.body(is_staged=not self._courier.is_armed)
        self._courier.enter(body, is_small=self._is_small())

    def _is_small(self) -> bool:
        """Whether the engine judged this very order and found nothing in it that has to be read twice."""
        rows = {row.name: row.verdict for row in self.ticket.rows} if self.ticket.is_fresh else {}
        return rows.get("checks") == "ok"

    def _why_not(self) -> str:
        if self.ticket.edit.text.strip() and not self._shell.store.instruments:
            return "The market is not here yet. Press Enter again when it is."
        return self.ticket.why_not()

    def _put_on_record(self) -> None:
        """A trader who is armed tried to send what the gate refuses: the journal and the day's review say so."""
        body = self.ticket.body(is_staged=False)
        if body is not None and self.ticket.is_denied and self._courier.is_armed:
            self._shell.in_background(self._record(replace(body, client_order_id=new_id(), is_for_record=True)))

    async def _record(self, command: SubmitOrder) -> None:
        """Nothing is sent by this, and whatever goes wrong loses a note, no order."""
        with suppress(StockPulseError):
            await self._shell.link.commands.submit_order(command)

    def drop_words(self) -> str:
        """What closing the ticket leaves behind, in words; "" when there is nothing to say."""
        intent, order = self.intent, self.ticket.order
        if intent.phase is Phase.DRAFT and order is not None:
            return f"not sent: {asked_words(order.terms)}"
        if intent.phase in (Phase.ASKING, Phase.DOUBT):
            return fate_words(intent)
        return ""

    def _leave_intent(self) -> None:
        """The intent goes out of sight; what becomes of it is told in the footer."""
        if self.intent.phase is Phase.ASKING and self.intent not in self._left:
            self._left.append(self.intent)

    def _new_courier(self) -> Courier:
        return Courier(self._shell, self.ticket.intent, partial(self._heard, self.ticket.intent))

    def _adopt(self) -> None:
        if self._courier.intent is not self.ticket.intent:
            self._courier = self._new_courier()

    def _heard(self, intent: Intent) -> None:
        if intent not in self._left:
            self._changed()
        elif intent.phase is not Phase.ASKING:
            self._left.remove(intent)
            is_bad = intent.phase in (Phase.REFUSED, Phase.DOUBT)
            self._shell.notify_line(fate_words(intent), "danger" if is_bad else "info")

    # -- the market and the engine

    def on_store(self) -> None:
        """Frames were applied."""
        self._courier.on_store()
        if not self.ticket.intent.is_open:
            return
        if self.awaits_symbol and self._shell.instrument_id in self._shell.store.instruments:
            self.awaits_symbol = False
            before = self.ticket.edit.text
            self.ticket.fill_symbol(symbol_of(self._shell.instrument_id), self.context())
            self._after_edit(before)
        if self.ticket.order is not None:
            self._follow(self.ticket.instrument_id)
        elif self.ticket.edit.text:
            self.ticket.read(self.context())
            if self.ticket.order is not None:
                self._plan(DEBOUNCE_S)
                self._changed()

    def _follow(self, instrument_id: str) -> None:
        quote = self._shell.store.quotes.get(instrument_id)
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
        if self._timer is not None:
            self._timer.cancel()
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
        if self.ticket.instrument_id == body.terms.instrument_id:
            self.ticket.take_preview(line, preview, problem)
        self._changed()
