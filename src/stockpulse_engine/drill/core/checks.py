"""What the simulated broker refuses before it takes an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderType
from stockpulse_engine.drill.core.books import Books
from stockpulse_engine.drill.core.orders import DrillOrder, Refused, Rules


def check_numbers(instrument: Instrument, quantity: Decimal | None, *prices: Decimal | None) -> None:
    """Quantity and prices are positive and on the instrument's grid. Raises Refused."""
    if quantity is not None and (not quantity.is_finite() or quantity <= 0 or quantity % instrument.lot_size):
        raise Refused("bad_quantity", f"The quantity must be a multiple of {instrument.lot_size}.")
    for price in prices:
        if price is not None and (not price.is_finite() or price <= 0 or price % instrument.tick_size):
            raise Refused("bad_price", f"The price must be a multiple of {instrument.tick_size}.")


def check_kind(order: DrillOrder) -> None:
    """A price for each kind of order that needs one. Raises Refused."""
    kind = order.order_type
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.limit_price is None:
        raise Refused("bad_price", "A limit order needs its limit.")
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_price is None:
        raise Refused("bad_price", "A stop order needs its stop.")
    if kind is OrderType.TRAILING_STOP and order.trail is None and order.trail_percent is None:
        raise Refused("bad_price", "A trailing stop needs its distance.")


def check_means(
    rules: Rules, first: DrillOrder, book: Books, working: Sequence[DrillOrder], ask: Callable[[], Decimal]
) -> None:
    """What is sold is held and what is bought can be paid, where the personality looks. Raises Refused."""
    if first.is_leg:
        return
    if not rules.takes_shorts and first.side.sign < 0:
        selling = (one.leaves for one in working if one.account_id == first.account_id and one.side.sign < 0)
        free = book.quantity(first.instrument_id) - sum(selling, ZERO)
        if first.quantity > free:
            raise Refused("short", f"{free} are held and free; more can not be sold.")
    if rules.checks_money and first.side.sign > 0:
        cost = first.quantity * (first.limit_price or ask())
        if cost > book.cash * rules.leverage:
            raise Refused("insufficient", "There is not enough buying power.")
