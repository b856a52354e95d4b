"""How many units an order begins with when nobody has said: what was last ordered, else a tenth of the account.

The one place where this is decided: the chart's and the ladder's lines and the ticket's example begin with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus

SHARE = Decimal("0.1")
"""Of equity; well inside the gate's limit for one position."""
_REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)


def usual_size(
    instrument: Instrument, price: Decimal | None, equity: Decimal | None, orders: Iterable[Order] = ()
) -> Decimal:
    """The size of the first of `orders` (newest first) that opened in the instrument, else one round in one digit."""
    for order in orders:
        if order.terms.instrument_id == instrument.instrument_id and _is_own_choice(order):
            return order.terms.quantity
    return round_size(instrument, price, equity)


def round_size(instrument: Instrument, price: Decimal | None, equity: Decimal | None) -> Decimal:
    """The largest size of one digit and zeros (40, 900) that costs at most a tenth of equity; one lot at least."""
    lot = instrument.lot_size
    if not price or not equity or price <= 0 or equity <= 0:
        return lot
    lots = int(equity * SHARE / (price * lot))
    if lots < 1:
        return lot
    power = int("1".ljust(len(str(lots)), "0"))
    return lot * (lots // power * power)


def _is_own_choice(order: Order) -> bool:
    is_leg = order.role in (OrderRole.TAKE, OrderRole.STOP)
    return not is_leg and not order.terms.is_reduce_only and order.status not in _REFUSED
