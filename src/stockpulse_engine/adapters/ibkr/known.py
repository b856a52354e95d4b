"""What is known of orders at the gateway, under all the names they have there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from stockpulse_engine.adapters.ibkr.numbers import quantity
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms

if TYPE_CHECKING:
    from ib_async.objects import Execution
    from ib_async.order import Order as IbOrder

MOST: Final = 20_000
FOREIGN: Final = "ibkr-"
"""Begins our name of an order that has no reference."""


@dataclass(eq=False)
class Entry:
    """One order.

    Attributes:
        ours: our client order id; of an order of others its reference, or its permanent number.
        number: under our client id; 0 of an order of another client.
        terms: as we said them; None of an order that we learned of.
        status, filled: the gateway's last word.
        executed: the sum of the executions that were told.
        refused, doubt: reason and number of a refusal, or of a message that nobody understands.
        answer, change: who waits for the first definite word, and for that of a change to `wanted`.
    """

    ours: str
    number: int = 0
    client_id: int = -1
    perm_id: int = 0
    instrument_id: str = ""
    terms: OrderTerms | None = None
    role: OrderRole = OrderRole.SINGLE
    parent: str = ""
    theirs: IbOrder | None = None
    status: str = ""
    filled: Decimal = ZERO
    executed: Decimal = ZERO
    is_over: bool = False
    reason: str = ""
    refused: tuple[str, str] | None = None
    doubt: tuple[str, str] | None = None
    told: set[str] = field(default_factory=set)
    answer: asyncio.Future[None] | None = None
    change: asyncio.Future[None] | None = None
    wanted: OrderTerms | None = None


class Known:
    """The memory; the oldest that are over are forgotten first."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self._entries: dict[str, Entry] = {}
        self._by_number: dict[tuple[int, int], Entry] = {}
        self._by_perm: dict[int, Entry] = {}

    def expect(self, orders: Sequence[Order], numbers: Sequence[int]) -> list[Entry]:
        """These are about to be sent: their names are known before the gateway's first word."""
        found = []
        loop = asyncio.get_running_loop()
        for order, number in zip(orders, numbers, strict=True):
            entry = self._entry(order.client_order_id)
            entry.number, entry.client_id, entry.terms = number, self._client_id, order.terms
            entry.instrument_id, entry.role, entry.parent = order.terms.instrument_id, order.role, order.parent_id
            entry.answer = loop.create_future()
            self._by_number[self._client_id, number] = entry
            found.append(entry)
        return found

    def get(self, ours: str) -> Entry | None:
        """By our id."""
        return self._entries.get(ours)

    def by_number(self, number: int) -> Entry | None:
        """By the number under our own client id."""
        return self._by_number.get((self._client_id, number))

    def of_status(self, number: int, client_id: int, perm_id: int) -> Entry | None:
        """Whom a status is about: the permanent number decides where a number was used twice (F04)."""
        if perm_id and (entry := self._by_perm.get(perm_id)):
            return entry
        entry = self._by_number.get((client_id, number))
        if entry is None or (entry.perm_id and perm_id and entry.perm_id != perm_id):
            return None
        self._join(entry, number, client_id, perm_id)
        return entry

    def of_order(self, order: IbOrder) -> Entry:
        """Whose order this is; one of others gets a name."""
        entry = self._by_perm.get(order.permId) if order.permId else None
        entry = entry or self._entry(order.orderRef or f"{FOREIGN}{order.permId or order.orderId}")
        self._join(entry, order.orderId, order.clientId, order.permId)
        entry.theirs = order
        entry.filled = max(entry.filled, quantity(order.filledQuantity))
        return entry

    def of_deal(self, deal: Execution) -> Entry:
        """Whose execution this is."""
        entry = self._by_perm.get(deal.permId) if deal.permId else None
        entry = entry or self._entry(deal.orderRef or f"{FOREIGN}{deal.permId or deal.orderId}")
        self._join(entry, deal.orderId, deal.clientId, deal.permId)
        return entry

    def entries(self) -> Iterable[Entry]:
        """All of them."""
        return tuple(self._entries.values())

    def _join(self, entry: Entry, number: int, client_id: int, perm_id: int) -> None:
        if perm_id:
            entry.perm_id = perm_id
            self._by_perm[perm_id] = entry
        if number > 0 and client_id == self._client_id:
            entry.number, entry.client_id = number, client_id
            self._by_number[client_id, number] = entry

    def _entry(self, ours: str) -> Entry:
        entry = self._entries.get(ours)
        if entry is None:
            entry = self._entries[ours] = Entry(ours)
            if len(self._entries) > MOST:
                self._forget()
        return entry

    def _forget(self) -> None:
        oldest = next((one for one in self._entries.values() if one.is_over), None)
        if oldest is not None:
            del self._entries[oldest.ours]
            self._by_number.pop((oldest.client_id, oldest.number), None)
            self._by_perm.pop(oldest.perm_id, None)
