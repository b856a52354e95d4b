"""The one attempt to send: started when the intent is durable, never repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderStatus
from stockpulse_engine.trading import milestones as at
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.ports import RejectedByBrokerError
from stockpulse_engine.trading.router import NotSentError

_K, _S = OrderEventKind, OrderStatus
_UNANSWERED = frozenset({_S.SUBMITTED, _S.PENDING_CANCEL})


class Sender:
    """Sends orders, changes and cancels; whatever happens to a request ends as an event or as UNKNOWN.

    `ask` starts the queries about an order whose outcome is unknown.
    """

    def __init__(self, desk: Desk, ask: Callable[[str], None]) -> None:
        self._desk = desk
        self._ask = ask

    def expect(self, keys: Sequence[str]) -> None:
        """These orders are about to be sent: cancels wait for them."""
        for key in keys:
            self._desk.sending[key] = asyncio.Event()

    def on_durable(self, keys: Sequence[str], *, is_durable: bool) -> None:
        """The intent is on disk (send it, whether or not its caller still waits) or could not be recorded."""
        if not is_durable:
            self._sent(keys)
            return
        self._desk.note(keys[0], at.FSYNC)
        try:
            self._desk.spawn(self._send(keys), name=f"send {keys[0]}")
        except BaseException:
            self._sent(keys)
            raise

    async def _send(self, keys: Sequence[str]) -> None:
        desk = self._desk
        # Runs when the broker first waits, and that is for the venue's answer: the last byte has left then.
        left = asyncio.get_running_loop().call_soon(desk.note, keys[0], at.SENT)
        try:
            orders = [desk.order(key) for key in keys]
            await desk.router.send(orders)
        except NotSentError as refused:
            left.cancel()
            await self._conclude(keys, _K.CANCEL, f"never left: {refused.args[0]}")
        except RejectedByBrokerError as refused:
            reason, code = _words(refused)
            await self._conclude(keys, _K.REJECT, reason, code)
        except Exception as error:  # noqa: BLE001 - no definite answer, whatever the reason: it may be at the venue
            await self._doubt(keys, error)
        finally:
            self._sent(keys)

    async def send_cancel(self, key: str, request_id: str) -> None:
        """Send a cancel once the order itself is out; the proof arrives as a report."""
        desk = self._desk
        if pending := desk.sending.get(key):
            await pending.wait()
        order = desk.order(key)
        if order.status.is_terminal and not order.is_unknown:
            return
        try:
            await desk.router.cancel(order, request_id)
        except RejectedByBrokerError as refused:
            if desk.order(key).status is _S.PENDING_CANCEL:
                reason, code = _words(refused)
                await self._write(_K.CANCEL_REJECT, [key], reason, code)
        except Exception as error:  # noqa: BLE001 - no definite answer
            await self._doubt([key], error)

    async def send_change(self, key: str, request_id: str) -> None:
        """Send the pending terms of an order."""
        desk = self._desk
        order = desk.order(key)
        terms = order.pending_terms
        if terms is None:
            return
        try:
            await desk.router.replace(order, terms, request_id)
        except NotSentError as refused:
            await self._refuse_change(key, f"never left: {refused.args[0]}")
        except RejectedByBrokerError as refused:
            await self._refuse_change(key, *_words(refused))
        except Exception as error:  # noqa: BLE001 - no definite answer
            await self._doubt([key], error)

    async def _refuse_change(self, key: str, reason: str, code: str = "") -> None:
        if self._desk.order(key).pending_terms is not None:
            await self._write(_K.UPDATE_REJECT, [key], reason, code)

    async def _conclude(self, keys: Sequence[str], kind: OrderEventKind, reason: str, code: str = "") -> None:
        """A definite no, for those of them about which the venue has not said otherwise meanwhile."""
        await self._write(kind, [key for key in keys if _is_unanswered(self._desk.order(key))], reason, code)

    async def _doubt(self, keys: Sequence[str], error: Exception) -> None:
        keys = [key for key in keys if not self._desk.order(key).status.is_terminal]
        await self._write(_K.MARK_UNKNOWN, keys, clean_line(str(error) or type(error).__name__, 200))
        for key in keys:
            self._ask(key)

    async def _write(self, kind: OrderEventKind, keys: Sequence[str], reason: str, code: str = "") -> None:
        desk = self._desk
        events = [desk.event(kind, key, reason=reason, code=code, actor="engine") for key in keys]
        if not events:
            return
        try:
            await desk.recorder.write(events)
        except UnavailableError as error:
            desk.alert("danger", f"{kind.value} of {keys[0]} could not be recorded: {error.message}", keys[0])

    def _sent(self, keys: Sequence[str]) -> None:
        for key in keys:
            if event := self._desk.sending.pop(key, None):
                event.set()


def _is_unanswered(order: Order) -> bool:
    return order.status in _UNANSWERED and not order.filled_quantity and not order.venue_order_id


def _words(refused: RejectedByBrokerError) -> tuple[str, str]:
    reason, code, *_ = (*refused.args, "", "")
    return clean_line(str(reason), 200), clean_line(str(code), 64)
