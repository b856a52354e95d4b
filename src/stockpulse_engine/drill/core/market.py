"""What an instrument shows at the simulated broker, and what an order may take of it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import DrillOrder

_AUCTIONS = frozenset({TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE})
_HUNDRED = Decimal(100)


class Listing(msgspec.Struct, kw_only=True):
    """One instrument: its quote, and how much of each side has not been taken since it was last moved."""

    instrument: Instrument
    bid: Decimal
    ask: Decimal
    size: Decimal
    bid_left: Decimal
    ask_left: Decimal
    is_halted: bool = False

    def move(self, bid: Decimal, ask: Decimal) -> None:
        """A new quote with its full size."""
        self.bid, self.ask = bid, ask
        self.bid_left = self.ask_left = self.size

    def left(self, side: Side) -> Decimal:
        """How much an order of this side can still take."""
        return self.ask_left if side is Side.BUY else self.bid_left

    def take(self, side: Side, quantity: Decimal) -> None:
        """An order of this side took this much."""
        if side is Side.BUY:
            self.ask_left = max(ZERO, self.ask_left - quantity)
        else:
            self.bid_left = max(ZERO, self.bid_left - quantity)

    def price(self, order: DrillOrder, *, rests: bool) -> Decimal | None:
        """At which price the order executes now, None when it does not. What rests executes at its own limit."""
        if order.time_in_force in _AUCTIONS:
            return None
        limit, best = order.limit, self.ask if order.side is Side.BUY else self.bid
        if limit is None:
            return best
        is_within = best <= limit if order.side is Side.BUY else best >= limit
        return (limit if rests else best) if is_within else None

    def trigger(self, order: DrillOrder) -> bool:
        """Whether a stop is reached; a trailing stop is moved first."""
        if order.order_type is OrderType.TRAILING_STOP:
            self._trail(order)
        stop = order.stop_price
        if stop is None:
            return False
        return self.ask >= stop if order.side is Side.BUY else self.bid <= stop

    def _trail(self, order: DrillOrder) -> None:
        best = self.ask if order.side is Side.BUY else self.bid
        away = order.trail if order.trail is not None else best * (order.trail_percent or ZERO) / _HUNDRED
        stop = best + away if order.side is Side.BUY else best - away
        if order.stop_price is None or (stop < order.stop_price if order.side is Side.BUY else stop > order.stop_price):
            order.stop_price = stop
