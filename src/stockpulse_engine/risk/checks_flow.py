"""Checks of state and flow: trading state, reconciliation, duplicates, rates, our own orders on the other side."""

from __future__ import annotations

from functools import partial

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.orders import Order, OrderType, Side
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.proposal import MissingInputError, Proposal
from stockpulse_engine.risk.rows import amount, denied, passed, price
from stockpulse_engine.risk.verdict import CheckRow
from stockpulse_engine.risk.view import Sent

_ACTIVE = passed("trading state", "ACTIVE")
_REDUCES = passed("trading state", "REDUCING, and this reduces")
_MATCHES = passed("reconciled", "matches the venue")
_NO_DUPLICATE = passed("duplicate", "none")
_NO_CROSSING = passed("self-cross", "none of your own in the way")


def check_trading_state(order: Proposal) -> CheckRow:
    """HALTED lets nothing leave, REDUCING only what reduces."""
    state = order.view.trading_state
    if state is TradingState.ACTIVE:
        return _ACTIVE
    if state is TradingState.REDUCING:
        if order.is_reducing:
            return _REDUCES
        return denied(
            "trading state",
            DenialCode.REDUCING_ONLY,
            nearest=order.to_lot(order.closable),
            opening=amount(order.opening),
        )
    return denied("trading state", DenialCode.TRADING_HALTED)


def check_reconciled(order: Proposal) -> CheckRow:
    """Nothing leaves while our orders are not known to match the venue's."""
    if order.view.is_reconciled is not True:
        return denied("reconciled", DenialCode.STREAM_RECONCILING)
    return _MATCHES


def check_duplicate(order: Proposal) -> CheckRow:
    """The same order again within the window is a double press until told otherwise."""
    since = order.view.wall_ns - order.limits.duplicate_window_ms * 1_000_000
    for sent in reversed(order.view.sent):
        if sent.wall_ns > since and _is_same(order, sent) and not (sent.key and order.view.is_void(sent.key)):
            return _repeated(order, sent)
    return _NO_DUPLICATE


def _repeated(order: Proposal, sent: Sent) -> CheckRow:
    age = str((order.view.wall_ns - sent.wall_ns) // 1_000_000)
    if order.allow_duplicate:
        return order.to_read("duplicate", lambda: f"same order {age} ms ago, allowed", lambda: {"age": age})
    return denied("duplicate", DenialCode.DUPLICATE, age=age)


def _is_same(order: Proposal, sent: Sent) -> bool:
    ours, theirs = order.terms, sent.terms
    return (
        ours.side is theirs.side
        and ours.instrument_id == theirs.instrument_id
        and ours.quantity == theirs.quantity
        and ours.order_type is theirs.order_type
        and ours.time_in_force is theirs.time_in_force
        and ours.session is theirs.session
        and ours.limit_price == theirs.limit_price
        and ours.stop_price == theirs.stop_price
    )


def check_rate(order: Proposal) -> CheckRow:
    """Orders within the last second and in the trading session stay below their limits."""
    view, limits = order.view, order.limits
    within = view.sent_last_second
    if within >= limits.max_orders_per_second:
        return denied("rate", DenialCode.RATE_SECOND, count=str(within), limit=str(limits.max_orders_per_second))
    if view.sent_today is None:
        raise MissingInputError(DenialCode.CANNOT_CHECK, problem="the trading session is not known")
    if view.sent_today >= limits.max_orders_per_day:
        return denied("rate", DenialCode.RATE_DAY, count=str(view.sent_today), limit=str(limits.max_orders_per_day))
    return order.holds("rate", lambda: f"{view.sent_today} of {limits.max_orders_per_day} today")


def check_open_orders(order: Proposal) -> CheckRow:
    """Orders working at once, this one with its bracket included."""
    legs = 1 + (order.take is not None) + (order.stop is not None)
    count, limit = order.view.open_orders, order.limits.max_open_orders
    if count + legs > limit and not (order.terms.is_reduce_only and order.is_reducing):
        return denied("open orders", DenialCode.OPEN_ORDERS, count=str(count), limit=str(limit))
    return order.holds("open orders", lambda: f"{count + legs} of {limit}")


def check_self_cross(order: Proposal) -> CheckRow:
    """Our own working order on the other side would meet this one: allowed, but worth reading."""
    for other in order.view.orders:
        if other.is_open and other.terms.side is not order.terms.side and _meets(order, other):
            return order.to_read("self-cross", partial(_crossing, other))
    return _NO_CROSSING


def _crossing(other: Order) -> str:
    at = other.terms.limit_price
    where = f" at {price(at)}" if at is not None else ""
    return f"meets your own {other.terms.side.value} of {amount(other.leaves_quantity)}{where}"


def _meets(order: Proposal, other: Order) -> bool:
    """Whether the two would trade with each other: the resting one needs a limit, ours a price that reaches it."""
    resting = other.terms.limit_price
    if other.terms.order_type is not OrderType.LIMIT or resting is None:
        return False
    if order.terms.order_type is OrderType.MARKET:
        return True
    ours = order.terms.limit_price
    if order.terms.order_type is not OrderType.LIMIT or ours is None:
        return False
    return ours >= resting if order.terms.side is Side.BUY else ours <= resting
