"""Working orders picked to be moved: one, or a bracket as a whole. Pure; what is to be asked comes out as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.base.ids import IdFactory, new_id
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms
from stockpulse_engine.wire.rest import ModifyBody

MOVABLE = frozenset({OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED})


def price_of(terms: OrderTerms) -> Decimal | None:
    """The price an order stands at: its limit, else its stop."""
    return terms.limit_price if terms.limit_price is not None else terms.stop_price


def movable(orders: Iterable[Order], instrument_id: str, near: Decimal = Decimal(0)) -> list[Order]:
    """Orders of an instrument whose price can be moved, nearest to `near` first."""
    found = [
        order
        for order in orders
        if order.terms.instrument_id == instrument_id
        and order.status in MOVABLE
        and not order.is_unknown
        and price_of(order.terms) is not None
        and not order.terms.is_trailing  # its price is the market's to move
    ]
    return sorted(found, key=lambda o: (abs((price_of(o.terms) or near) - near), o.client_order_id))


def bracket_of(order: Order, orders: Iterable[Order]) -> tuple[Order, ...]:
    """The movable orders of the bracket an order belongs to, itself included, its entry first."""
    root = order.parent_id or order.client_order_id
    family = [o for o in orders if root in (o.client_order_id, o.parent_id)]
    return tuple(sorted(movable(family, order.terms.instrument_id), key=lambda o: (o.parent_id, o.client_order_id)))


class OrderPick:
    """Picked orders and how far they were moved, in ticks."""

    def __init__(self, orders: Sequence[Order], tick: Decimal, ids: IdFactory = new_id) -> None:
        self.orders = tuple(orders)
        self.tick = tick
        self.ticks = 0
        self.is_asking = False
        self.problem = ""
        self._ids = ids
        self._keys: dict[tuple[str, int], str] = {}

    @property
    def ids(self) -> frozenset[str]:
        """Client order ids of the picked orders."""
        return frozenset(order.client_order_id for order in self.orders)

    def move(self, ticks: int) -> None:
        """Move all of them, as far as the lowest stays above zero."""
        if self.is_asking:
            return
        prices = [
            p for order in self.orders for p in (order.terms.limit_price, order.terms.stop_price) if p is not None
        ]
        lowest = min(prices, default=self.tick)
        self.ticks = max(self.ticks + ticks, 1 - int(lowest / self.tick))
        self.problem = ""

    def moved(self, order: Order) -> Order:
        """The order as it would be."""
        by = self.tick * self.ticks
        terms = order.terms
        limit = None if terms.limit_price is None else terms.limit_price + by
        stop = None if terms.stop_price is None else terms.stop_price + by
        return replace(order, terms=replace(terms, limit_price=limit, stop_price=stop))

    def requests(self) -> list[tuple[str, ModifyBody]]:
        """What to ask for; the same move asked again carries the same keys."""
        if not self.ticks:
            return []
        made = []
        for order in self.orders:
            terms = self.moved(order).terms
            key = self._keys.setdefault((order.client_order_id, self.ticks), self._ids())
            made.append(
                (
                    order.client_order_id,
                    ModifyBody(request_id=key, limit_price=terms.limit_price, stop_price=terms.stop_price),
                )
            )
        return made
