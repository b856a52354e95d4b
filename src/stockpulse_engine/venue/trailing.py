"""Trailing stops: the trigger follows the best price seen since the order reached the book, and never goes back.

The price is the one that every stop looks at (the last regular print, the quote where there are no prints). The trigger
lies on the tick, rounded away from the market, so that it never comes sooner than was asked for.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.venue.orders import WorkingOrder

TELL_NS = SECOND_NS
"""Market time between two reports of where a trigger stands: each is a line of somebody's journal."""


def follow(order: WorkingOrder, price: Decimal, tick: Decimal) -> bool:
    """Take one price in; True when the trigger stands at another one now."""
    best = order.trail_best
    if best is not None and (price - best) * order.sign >= 0:
        return False
    order.trail_best = price
    return settle(order, tick)


def settle(order: WorkingOrder, tick: Decimal) -> bool:
    """Put the trigger where best price and distance say; True when that is another price."""
    if order.trail_best is None:
        return False
    raw = order.terms.trail_from(order.trail_best)
    if raw is None:
        return False
    stop = max(round_to_tick(raw, tick, up=order.terms.side is Side.BUY), tick)
    if stop == order.terms.stop_price:
        return False
    order.terms = structs.replace(order.terms, stop_price=stop)
    return True


def is_reached(order: WorkingOrder, price: Decimal) -> bool:
    """Whether `price` has come back to the trigger."""
    stop = order.terms.stop_price
    return stop is not None and (price - stop) * order.sign >= 0


def limit_beyond(order: WorkingOrder, tick: Decimal) -> Decimal | None:
    """The limit a triggered order gets; None for a market order."""
    stop, offset = order.terms.stop_price, order.terms.limit_offset
    if stop is None or offset is None:
        return None
    return max(round_to_tick(stop + offset * order.sign, tick, up=order.terms.side is Side.SELL), tick)
