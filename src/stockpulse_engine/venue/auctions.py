"""Auctions: on-open and on-close orders execute at the auction's print, at most as much as it printed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from stockpulse_engine.domain.money import ZERO, round_down_to_lot
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.venue.orders import WorkingOrder


def allocate(
    orders: Iterable[WorkingOrder], price: Decimal, size: Decimal, lot: Decimal
) -> list[tuple[WorkingOrder, Decimal]]:
    """Share the printed size among orders that accept the price: market orders, better limits, then time.

    Each side gets at most `size`: what traded had a buyer and a seller for every share.
    """
    left = {Side.BUY: size, Side.SELL: size}
    shares: list[tuple[WorkingOrder, Decimal]] = []
    for order in sorted((each for each in orders if each.accepts(price)), key=_priority):
        share = round_down_to_lot(min(order.leaves, left[order.terms.side]), lot)
        if share > 0:
            left[order.terms.side] -= share
            shares.append((order, share))
    return shares


def _priority(order: WorkingOrder) -> tuple[bool, Decimal, int]:
    limit = order.limit
    if limit is None:
        return (False, ZERO, order.number)
    return (True, -limit * order.sign, order.number)
