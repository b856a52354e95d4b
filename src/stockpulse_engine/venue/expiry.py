"""When an order's life is over."""

from __future__ import annotations

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import TimeInForce
from stockpulse_engine.venue.orders import WorkingOrder

TIME_IS_UP = "its time is up"

_REGULAR_OVER = frozenset({MarketPhase.POST, MarketPhase.CLOSED})


def set_session(order: WorkingOrder, phase: MarketPhase, today: str) -> None:
    """Note the session an order was entered for; an on-open order sent after the close is for the one to come."""
    is_next = order.terms.time_in_force is TimeInForce.AT_THE_OPEN and phase is MarketPhase.POST
    order.session_date = "" if is_next else today


def is_late(order: WorkingOrder, now: int) -> bool:
    """Whether the moment at which it ends has come."""
    return 0 < order.terms.expires_at <= now


def is_over(order: WorkingOrder, phase: MarketPhase, today: str) -> str:
    """Why an order has to expire in this phase, in words; "" while it may stay."""
    tif = order.terms.time_in_force
    if tif is TimeInForce.GTC:
        return ""
    last = order.terms.expires_on
    if tif is TimeInForce.GTD and (not last or today < last):
        return ""
    if tif is TimeInForce.GTD and today > last:
        return f"{last} is over"
    if tif is not TimeInForce.GTD and order.session_date and order.session_date < today:
        return "its trading session is over"
    if tif is TimeInForce.AT_THE_OPEN:
        is_missed = bool(order.session_date) and phase in (MarketPhase.CLOSING_AUCTION, MarketPhase.POST)
        return "no opening auction was seen" if is_missed else ""
    if order.is_extended:
        return "the day is over" if phase is MarketPhase.CLOSED else ""
    if phase not in _REGULAR_OVER:
        return ""
    return "no closing auction was seen" if tif is TimeInForce.AT_THE_CLOSE else "regular hours are over"
