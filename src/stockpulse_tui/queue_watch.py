"""How much is ahead of our resting orders at their price: an upper bound that only falls. Pure.

When an order is first seen, everything displayed at its price stands before it. From then on the queue can only get
shorter: prints at the price eat it from the front, and it is never longer than what is displayed now.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.market import Depth, Trade
from stockpulse_engine.domain.orders import Order, OrderType, Side

MAX_ORDERS = 1_000


class _Place(msgspec.Struct):
    """Where one order stands."""

    price: Decimal
    ahead: Decimal


class QueueWatch:
    """Places of resting limit orders, bounded."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}

    def ahead(self, order: Order) -> Decimal | None:
        """Quantity before it; None when it does not rest or its price was never in sight."""
        place = self._places.get(order.client_order_id)
        return place.ahead if place is not None and place.price == order.terms.limit_price and order.is_open else None

    def see_depth(self, order: Order, depth: Depth) -> None:
        """Take in the visible book for one working order."""
        price = order.terms.limit_price
        if order.terms.order_type is not OrderType.LIMIT or price is None or not order.is_open:
            self._places.pop(order.client_order_id, None)
            return
        displayed = _displayed(depth, order.terms.side, price)
        if displayed is None:
            return
        place = self._places.get(order.client_order_id)
        if place is None or place.price != price:
            self._places[order.client_order_id] = _Place(price, displayed)
            while len(self._places) > MAX_ORDERS:
                self._places.pop(next(iter(self._places)))
        else:
            place.ahead = min(place.ahead, displayed)

    def see_trade(self, order: Order, trade: Trade) -> None:
        """A print at its price takes from the front of the queue."""
        place = self._places.get(order.client_order_id)
        if place is not None and place.price == trade.price:
            place.ahead = max(Decimal(0), place.ahead - trade.size)


def _displayed(depth: Depth, side: Side, price: Decimal) -> Decimal | None:
    """Displayed at the price on its side; 0 inside the spread, None beyond what is visible."""
    levels = depth.bids if side is Side.BUY else depth.asks
    if not levels:
        return None
    for level in levels:
        if level.price == price:
            return level.size
    worst = levels[-1].price
    is_visible = price > worst if side is Side.BUY else price < worst
    return Decimal(0) if is_visible else None


def short_size(value: Decimal) -> str:
    """A size in at most four characters: `312`, `2.4k`, `24k`, `1.2m`."""
    for unit, letter in ((Decimal(1_000_000), "m"), (Decimal(1_000), "k")):
        if value >= unit:
            scaled = value / unit
            return f"{scaled:.1f}{letter}" if scaled < 10 and scaled % 1 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}"
