"""One intent to trade, from the first Enter to the last word about it. Pure: no engine, no screen.

The id under which the engine knows the order is minted once, when the intent begins. Pressing Enter again while the
answer is awaited does nothing; after a lost answer it repeats the very same request, which the engine answers without
making a second order. Only a proven refusal ends the intent, so that the next Enter is a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec.structs import replace

from stockpulse_engine.base.ids import IdFactory, new_id
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.orders import Order, OrderStatus


class Phase(Enum):
    """Where an intent stands."""

    DRAFT = "draft"
    ASKING = "asking"
    DOUBT = "doubt"
    """No answer came: the order may exist."""
    REFUSED = "refused"
    STAGED = "staged"
    SENT = "sent"


class Intent:
    """One intent and what became of it."""

    def __init__(self, ids: IdFactory = new_id) -> None:
        self._ids = ids
        self.phase = Phase.DRAFT
        self.command: SubmitOrder | None = None
        self.order: Order | None = None
        """The order it made (the entry of a bracket), as last heard of."""
        self.problem: StockPulseError | None = None
        self.hops: dict[str, int] = {}
        """Milestone → nanoseconds since the one before."""
        self.asked_at = 0
        self.sending_id = ""
        """Key of the request that sends the staged order; minted once as well."""

    @property
    def order_id(self) -> str:
        """The client order id, "" before the first Enter."""
        return self.command.client_order_id if self.command else ""

    @property
    def is_open(self) -> bool:
        """Whether its terms may still be edited."""
        return self.phase in (Phase.DRAFT, Phase.REFUSED)

    def begin(self, body: SubmitOrder, now_ns: int = 0) -> SubmitOrder | None:
        """The request to make now, None when there is none to make. `body` carries no id yet."""
        if self.phase in (Phase.ASKING, Phase.STAGED, Phase.SENT):
            return None
        if self.phase is not Phase.DOUBT or self.command is None:
            self.command = replace(body, client_order_id=self._ids())
        self.phase, self.problem, self.asked_at = Phase.ASKING, None, now_ns
        return self.command

    def begin_sending(self, now_ns: int = 0) -> str:
        """The key of the request that sends the staged order, "" when there is nothing to send."""
        if self.phase is not Phase.STAGED:
            return ""
        self.sending_id = self.sending_id or self._ids()
        self.phase, self.problem, self.asked_at = Phase.ASKING, None, now_ns
        return self.sending_id

    def accept(self, order: Order) -> None:
        """The engine has it; a denied one is refused in its own words."""
        self.order = order
        self.problem = None
        if order.status is OrderStatus.INITIALIZED:
            self.phase = Phase.STAGED
        elif order.status is OrderStatus.DENIED:
            self.phase = Phase.REFUSED
            self.problem = StockPulseError(order.reason or "The order was denied.", fix=order.fix)
        else:
            self.phase = Phase.SENT

    def doubt(self, problem: StockPulseError) -> None:
        """No answer came; a staged order that was to be sent stays as it is known."""
        self.problem = problem
        self.phase = Phase.STAGED if self.sending_id else Phase.DOUBT

    def refuse(self, problem: StockPulseError) -> None:
        """The engine said no: this intent is over, unless it had been staged before."""
        self.problem = problem
        self.phase = Phase.STAGED if self.sending_id else Phase.REFUSED

    def hear(self, orders: Mapping[str, Order]) -> bool:
        """Take in what the stream says of it; True when something changed."""
        order = orders.get(self.order_id) if self.command else None
        if order is None or order is self.order or self.phase is Phase.DRAFT:
            return False
        if self.phase is Phase.ASKING and order.status is OrderStatus.INITIALIZED and self.sending_id:
            self.order = order
            return True
        self.accept(order)
        return True
