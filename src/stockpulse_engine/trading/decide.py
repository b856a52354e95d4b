"""A person's word about an order that the venue does not answer for: no timer ever takes this decision."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError
from stockpulse_engine.domain.orders import Order, OrderEventKind
from stockpulse_engine.domain.reports import VenueOrder
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import WORKING

WORD: Final = "DEAD"
"""What must be typed: the order frees what it binds, and if it lives after all it executes unexpected."""


class Decider:
    """Takes a signed decision. Executions stay facts: what comes later is booked, flagged and told."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def declare_dead(self, key: str, *, reason: str, word: str, actor: str) -> Order:
        """The order does not work at the broker: it never arrived there, or is over.

        Raises:
            ConflictError: its outcome is known, or the venue itself says that it works.
            ForbiddenError: the typed word is missing. InvalidValueError: there is no reason.
        """
        desk, order = self._desk, self._desk.order(key)
        reason = clean_line(reason, 160)
        if not reason:
            raise InvalidValueError("Why it is dead stays in the journal for ever.", fix="Give a reason.")
        if word != WORD:
            raise ForbiddenError(f"To declare it dead type the word {WORD}.", fix=f"Type {WORD} in capital letters.")
        if not order.is_unknown:
            raise ConflictError(f"{key} is {order.status.value}: its outcome is known.", fix="Cancel it instead.")
        shown = await self._ask(order)
        if shown is not None and shown.status in WORKING:
            raise ConflictError(f"The broker shows {key} {shown.status}: it is not dead.", fix="Cancel it instead.")
        order = desk.order(key)
        if not order.is_unknown:  # the question itself brought the answer
            return order
        kind = OrderEventKind.RESOLVE if order.status.is_terminal else OrderEventKind.CANCEL
        said = f"declared dead by {actor}: {reason}"
        await desk.recorder.write([desk.event(kind, key, reason=said, actor=actor)])
        desk.alert("warn", f"{key} was {said}.", key)
        return desk.order(key)

    async def _ask(self, order: Order) -> VenueOrder | None:
        """What the venue says now; nothing when it does not answer, which is why a person is asked."""
        try:
            broker = self._desk.router.broker_of(order.terms.account_id)
            return await broker.fetch_order(order.terms.account_id, order.client_order_id)
        except Exception:  # noqa: BLE001 - no answer proves nothing, either way
            return None
