"""Carries an intent to the engine and brings back what became of it: answer, refusal or silence, then the hops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.live_words import live_sentences
from stockpulse_tui.widgets.confirm import Confirm

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


class Courier:
    """One intent's way to the engine; `changed` is called whenever there is something new to show."""

    def __init__(self, shell: StockPulseApp, intent: Intent, changed: Callable[[], None]) -> None:
        self._shell = shell
        self.intent = intent
        self._changed = changed
        self._told: OrderStatus | None = None
        self._is_asking_life = False

    @property
    def is_armed(self) -> bool:
        """Whether Enter sends."""
        return bool(self._shell.status.armed_until())

    def idle_words(self) -> str:
        """Why an Enter now begins nothing new for this intent, "" when it does."""
        phase = self.intent.phase
        if phase is Phase.ASKING:
            return "the engine is asked already: nothing is sent twice"
        if phase is Phase.SENT:
            return "it is sent already"
        if phase is Phase.STAGED and not self.is_armed:
            key = self._shell.keymap.key_of("trading.arm", self._shell.context)
            return f"SAFE: it stays staged; {key} arms, then Enter sends it"
        return ""

    def enter(self, body: SubmitOrder | None, *, is_small: bool = False) -> None:
        """Enter was pressed: submit (or stage), send what was staged, or ask again after silence.

        What would send LIVE money is read once more first, unless it is under the limit for that (R13).
        """
        terms = self._new_live_terms(body)
        if terms is None or is_small:
            self._go(body)
            return
        intent = self.intent
        self._shell.windows.open(
            Confirm("LIVE order", live_sentences(self._shell, terms), "sends it", lambda: self._go_on(intent, body))
        )

    def _go_on(self, intent: Intent, body: SubmitOrder | None) -> None:
        """It was read twice; whatever ended meanwhile is not sent."""
        if self.intent is intent and self.is_armed:
            self._go(body)

    def _new_live_terms(self, body: SubmitOrder | None) -> OrderTerms | None:
        """What Enter would send of LIVE money and was not asked before; None for everything else."""
        view = self._shell.live.account
        if not self.is_armed or view is None or view.account.kind is not AccountKind.LIVE:
            return None
        if self.intent.phase is Phase.STAGED:
            staged = self._shell.store.orders.get(self.intent.order_id)
            return staged.terms if staged is not None else None
        is_new = self.intent.phase is Phase.DRAFT and body is not None and not body.is_staged
        return body.terms if is_new and body is not None else None

    def _go(self, body: SubmitOrder | None) -> None:
        now = self._shell.clock.now_ns()
        intent = self.intent
        if intent.phase is Phase.STAGED:
            if self.is_armed and (key := intent.begin_sending(now)):
                self._shell.in_background(self._send(intent.order_id, key), is_intent=True)
        elif (wanted := intent.command if intent.phase is Phase.DOUBT else body) is not None:
            command = intent.begin(wanted, now)
            if command is not None:
                self._shell.in_background(self._submit(command), is_intent=True)
        self._changed()

    async def _submit(self, command: SubmitOrder) -> None:
        try:
            answer = await self._shell.link.commands.submit_order(command)
        except UnavailableError as error:
            self.intent.doubt(error)
        except StockPulseError as error:
            self.intent.refuse(error)
        else:
            self.intent.accept(answer.orders[0])
        await self._after()

    async def _send(self, order_id: str, key: str) -> None:
        try:
            answer = await self._shell.link.commands.send_order(order_id, key)
        except StockPulseError as error:
            self.intent.refuse(error)
        else:
            self.intent.accept(answer.orders[0])
        await self._after()

    async def _after(self) -> None:
        self.intent.hear(self._shell.store.orders)
        self._changed()
        await self._ask_life()

    def on_store(self) -> None:
        """Frames were applied: the order may have moved on."""
        if self.intent.hear(self._shell.store.orders):
            self._changed()
            self._shell.in_background(self._ask_life())

    async def _ask_life(self) -> None:
        """The hops in milliseconds, asked once per status; they are told, never waited for."""
        intent = self.intent
        order = intent.order
        if order is None or intent.phase is not Phase.SENT or order.status is self._told or self._is_asking_life:
            return
        self._is_asking_life, self._told = True, order.status
        try:
            intent.hops = (await self._shell.link.commands.order_life(intent.order_id)).hops
        except StockPulseError:
            self._told = None  # asked again with the next word about the order
        finally:
            self._is_asking_life = False
        self._changed()
