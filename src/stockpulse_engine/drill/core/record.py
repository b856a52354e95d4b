"""What the simulated broker keeps: every order by its ids, what works, and what happened in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from typing import Any, Final

from stockpulse_engine.drill.core.orders import DrillOrder, News, NewsKind, Refused

MAX_ORDERS: Final = 200_000
MAX_NEWS: Final = 500_000
Body = tuple[object, ...]


class Record:
    """Orders and news of one venue. `stem` makes its ids unlike those of any other."""

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._orders: dict[str, DrillOrder] = {}
        self._working: dict[str, dict[str, DrillOrder]] = {}
        self._by_client: dict[tuple[str, str], list[DrillOrder]] = {}
        self._bodies: dict[str, Body] = {}
        self._news: deque[News] = deque(maxlen=MAX_NEWS)
        self._told = 0
        self.seq = 0
        """Number of the last news."""
        self.number = 0
        """Running number of the last order, as brokers with integer ids count."""

    # --- orders -------------------------------------------------------------------------------------------

    def register(self, order: DrillOrder, now: int) -> None:
        """Take an order in: from now on it has ids and works. Raises Refused when there is no room."""
        if len(self._orders) >= MAX_ORDERS:
            raise Refused("full", "The venue takes no more orders.")
        self.number += 1
        order.number, order.venue_order_id = self.number, f"{self._stem}-O{len(self._orders) + 1}"
        order.received_ns = order.changed_ns = now
        self._orders[order.venue_order_id] = order
        self._bodies[order.venue_order_id] = body_of(order)
        self._by_client.setdefault((order.account_id, order.client_order_id), []).append(order)
        self.working_of(order)[order.venue_order_id] = order

    def retire(self, order: DrillOrder) -> None:
        """It works no more."""
        self.working_of(order).pop(order.venue_order_id, None)

    def working_of(self, order: DrillOrder) -> dict[str, DrillOrder]:
        """What works in the order's instrument."""
        return self._working.setdefault(order.instrument_id, {})

    def working_in(self, instrument_id: str) -> tuple[DrillOrder, ...]:
        """What works or is held in an instrument, oldest first."""
        return tuple(self._working.get(instrument_id, {}).values())

    def working(self) -> list[DrillOrder]:
        """What works or is held anywhere."""
        return [one for some in self._working.values() for one in some.values()]

    def open_of(self, account_id: str) -> list[DrillOrder]:
        """What works or is held in an account, oldest first."""
        found = [one for one in self.working() if one.account_id == account_id]
        return sorted(found, key=lambda one: (one.received_ns, len(one.venue_order_id), one.venue_order_id))

    def all_of(self, account_id: str) -> Iterator[DrillOrder]:
        """Every order there ever was of an account."""
        return (one for one in self._orders.values() if one.account_id == account_id)

    def find(self, account_id: str, venue_order_id: str) -> DrillOrder | None:
        """An order of an account by the venue's id."""
        order = self._orders.get(venue_order_id)
        return order if order is not None and order.account_id == account_id else None

    def named(self, account_id: str, client_order_id: str) -> list[DrillOrder]:
        """Orders of an account by the client's id, oldest first."""
        return self._by_client.get((account_id, client_order_id), [])

    def count(self, client_order_id: str) -> int:
        """Orders made from this id in all accounts; refused ones and successors of a change do not count."""
        same = (one for (_, key), some in self._by_client.items() if key == client_order_id for one in some)
        return sum(1 for one in same if one.status != "REJECTED" and not one.replaces)

    def was_sent_as(self, first: DrillOrder, again: DrillOrder) -> bool:
        """Whether a repeated order says what the first one said when it was sent."""
        return self._bodies[first.venue_order_id] == body_of(again)

    def __len__(self) -> int:
        return len(self._orders)

    # --- news ---------------------------------------------------------------------------------------------

    def tell(self, kind: NewsKind, account_id: str, now: int, order: DrillOrder | None, **more: Any) -> None:
        """Something happened."""
        self.seq += 1
        shown = copy(order) if order is not None else None
        self._news.append(News(seq=self.seq, kind=kind, account_id=account_id, ts_ns=now, order=shown, **more))

    def news(self, after: int) -> Iterator[News]:
        """What happened after this number, as far as it is kept."""
        if self._news and self._news[0].seq > after:
            return iter(tuple(self._news))
        return iter(tuple(self._tail(after)))

    def take_news(self) -> list[News]:
        """What happened since this was last asked."""
        fresh = self._tail(self._told)
        self._told = self.seq
        return fresh

    def _tail(self, after: int) -> list[News]:
        fresh: list[News] = []
        for one in reversed(self._news):
            if one.seq <= after:
                break
            fresh.append(one)
        return fresh[::-1]


def body_of(order: DrillOrder) -> Body:
    """What an order says: the same id with another body is another order."""
    return (
        order.instrument_id,
        order.side,
        order.quantity,
        order.order_type,
        order.limit_price,
        order.stop_price,
        order.trail,
        order.trail_percent,
        order.time_in_force,
        order.session,
        order.role,
    )
