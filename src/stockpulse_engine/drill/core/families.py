"""Orders that hang together: a bracket's exits wait for their entry, and exits use each other up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderRole
from stockpulse_engine.drill.core.orders import ACCEPTED, CANCELED, HELD, TERMINAL, DrillOrder, NewsKind, Refused

End = Callable[[DrillOrder, str, str], None]
"""Ends an order with a status and words."""
Tell = Callable[[NewsKind, DrillOrder, str], None]


def join(orders: Sequence[DrillOrder]) -> None:
    """Tie the orders of one request together by `parent_id`; raises Refused when they do not belong together."""
    first = orders[0]
    if len(orders) == 1 and not first.is_leg:
        return
    if len({(one.instrument_id, one.account_id) for one in orders}) > 1:
        raise Refused("bad_group", "Orders of one request must be of one instrument.")
    legs = orders[1:] if first.role is OrderRole.ENTRY else orders
    if not 1 <= len(legs) <= 2 or len({leg.role for leg in legs}) < len(legs) or not all(leg.is_leg for leg in legs):  # noqa: PLR2004 - a take and a stop
        raise Refused("bad_group", "A request is one order, an entry with its exits, or a take with a stop.")
    for leg in legs:
        leg.parent_id = first.client_order_id if leg is not first else ""
        if first.role is OrderRole.ENTRY:
            leg.status, leg.open_quantity = HELD, ZERO


class Families:
    """Keeps exits in line with their entry and with each other."""

    def __init__(self, *, waits_for_all: bool, end: End, tell: Tell, place: Callable[[DrillOrder], None]) -> None:
        self._waits_for_all = waits_for_all
        self._end = end
        self._tell = tell
        self._place = place
        self._members: dict[int, list[DrillOrder]] = {}
        """id() of an order → all of its family, entry (if any) first. Orders are never dropped, so ids stay."""

    def add(self, orders: Sequence[DrillOrder]) -> None:
        """These came in one request."""
        if len(orders) > 1:
            family = list(orders)
            self._members.update((id(one), family) for one in orders)

    def hand_over(self, old: DrillOrder, new: DrillOrder) -> None:
        """A change put a new order in the place of another."""
        if family := self._members.get(id(old)):
            family[family.index(old)] = new
            self._members[id(new)] = family

    def of(self, order: DrillOrder) -> tuple[DrillOrder, ...]:
        """The order with all that hangs on it; alone when nothing does."""
        return tuple(self._members.get(id(order), [order]))

    def settle(self, order: DrillOrder) -> None:
        """Something happened to one of them: bring the exits in line."""
        family = self._members.get(id(order))
        if family is None:
            return
        legs = [one for one in family if one.is_leg]
        entry = next((one for one in family if one.role is OrderRole.ENTRY), None)
        used = sum((leg.filled for leg in legs), ZERO)
        for leg in legs:
            if not leg.is_open:
                continue
            if entry is None:
                total = min(one.quantity for one in legs) if used else leg.quantity
                is_over = any(one.status in TERMINAL for one in legs if one is not leg)
                self._settle_leg(leg, ZERO if is_over else total - used + leg.filled, leg.quantity)
            else:
                self._settle_leg(leg, *self._released(entry, leg, used))

    def resize(self, entry: DrillOrder, before: Decimal) -> None:
        """The entry's quantity was changed: exits that covered all of it still do."""
        for leg in self._members.get(id(entry), ())[1:]:
            if leg.is_open and leg.quantity == before:
                leg.quantity = entry.quantity
                self._tell(NewsKind.REPLACE, leg, "resized with its entry")

    def _released(self, entry: DrillOrder, leg: DrillOrder, used: Decimal) -> tuple[Decimal, Decimal]:
        """The most the leg may ever execute, and how much may be open now."""
        planned = entry.quantity if entry.is_open else entry.filled
        is_early = self._waits_for_all and entry.is_open
        return planned - used + leg.filled, ZERO if is_early else entry.filled - used

    def _settle_leg(self, leg: DrillOrder, total: Decimal, released: Decimal) -> None:
        if total <= leg.filled:
            self._end(leg, CANCELED, "its bracket is closed")
            return
        if total < leg.quantity:
            leg.quantity = total
            self._tell(NewsKind.REPLACE, leg, "reduced with its bracket")
        if leg.open_quantity is None:
            return
        leg.open_quantity = min(released, leg.quantity - leg.filled)
        if leg.status == HELD and leg.open_quantity > 0:
            leg.status = ACCEPTED
            self._place(leg)
