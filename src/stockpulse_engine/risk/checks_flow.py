"""Checks of state and flow: trading state, reconciliation, duplicates, rates, our own orders on the other side."""

from __future__ import annotations

from stockpulse_engine.domain.accounts import AccountKind, TradingState
from stockpulse_engine.domain.orders import Order, OrderType, Side
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.proposal import MissingInputError, Proposal
from stockpulse_engine.risk.rejections import is_same_instruction
from stockpulse_engine.risk.rows import amount, denied, passed, price
from stockpulse_engine.risk.verdict import CheckRow
from stockpulse_engine.risk.view import Sent

_ACTIVE = passed("trading state", "ACTIVE")
_REDUCES = passed("trading state", "REDUCING, and this reduces")
_BY_HAND = passed("armed", "sent by a person")
_NOT_REFUSED = passed("rejections", "not refused before")
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
    suspended = order.view.suspended
    if suspended != "":
        return denied("reconciled", DenialCode.SUSPENSE, difference=suspended or "nobody knows whether it does")
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
    return is_same_instruction(order.terms, sent.terms)


def check_armed(order: Proposal) -> CheckRow:
    """Live money needs arming; a strategy sends nothing before it is armed; a person always may send on paper."""
    strategy = order.terms.strategy
    if (refusal := _live_refusal(order)) is not None:
        return refusal
    if not order.is_auto:
        return _BY_HAND
    if strategy not in order.limits.armed:
        return denied("armed", DenialCode.STRATEGY_NOT_ARMED, strategy=strategy)
    return order.holds("armed", lambda: f"{strategy} is armed")


def _live_refusal(order: Proposal) -> CheckRow | None:
    """Why a live account is not armed for this order; None where it is, or where no money is real."""
    account, arming = order.view.account, order.view.arming
    if arming is None:
        raise MissingInputError(DenialCode.CANNOT_CHECK, problem="whether it is armed is not known")
    if account is None or account.kind is not AccountKind.LIVE:
        return None
    if arming.problem:
        return denied("armed", DenialCode.NOT_ARMED, problem=arming.problem)
    if arming.beyond and not order.is_reducing:
        return denied("armed", DenialCode.ARMED_AMOUNT, problem=arming.beyond)
    return None


def check_rejections(order: Proposal) -> CheckRow:
    """What the broker refused alike so often is not sent again at once; an exit of another form is never held up."""
    seen, limits = order.refusals, order.limits
    if seen.count < limits.rejections_to_pause:
        return _NOT_REFUSED
    is_other = seen.terms is None or not is_same_instruction(order.terms, seen.terms)
    if is_other and order.is_reducing:
        return order.holds("rejections", lambda: "paused, but this is another order and only reduces")
    wait_ns = seen.sent_ns + limits.probe_interval_ms * 1_000_000 - order.view.wall_ns
    if wait_ns > 0:
        return denied(
            "rejections",
            DenialCode.REPEATED_REJECTION,
            instrument=order.terms.instrument_id,
            count=str(seen.count),
            reason=seen.reason or "no reason given",
            wait=str(-(-wait_ns // 1_000_000_000)),
        )
    return order.to_read("rejections", lambda: f"refused {seen.count} times; this one tries again")


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


def check_strategy_rate(order: Proposal) -> CheckRow:
    """The same of one strategy in the account: it slows down before it stops the others."""
    view, limits = order.view, order.limits
    if view.strategy_last_second >= limits.max_strategy_orders_per_second:
        return _too_many(order, view.strategy_last_second, limits.max_strategy_orders_per_second, "within a second")
    if view.strategy_today is None:
        raise MissingInputError(DenialCode.CANNOT_CHECK, problem="the trading session is not known")
    if view.strategy_today >= limits.max_strategy_orders_per_day:
        return _too_many(order, view.strategy_today, limits.max_strategy_orders_per_day, "today")
    return order.holds("strategy rate", lambda: f"{view.strategy_today} of {limits.max_strategy_orders_per_day} today")


def _too_many(order: Proposal, count: int, limit: int, when: str) -> CheckRow:
    return denied(
        "strategy rate",
        DenialCode.RATE_STRATEGY,
        strategy=order.terms.strategy,
        count=str(count),
        limit=str(limit),
        when=when,
    )


def check_open_orders(order: Proposal) -> CheckRow:
    """Orders working at once, this one with its bracket included."""
    legs = 1 + (order.take is not None) + (order.stop is not None)
    count, limit = order.view.open_orders, order.limits.max_open_orders
    if count + legs > limit and not (order.terms.is_reduce_only and order.is_reducing):
        return denied("open orders", DenialCode.OPEN_ORDERS, count=str(count), limit=str(limit))
    return order.holds("open orders", lambda: f"{count + legs} of {limit}")


def check_self_cross(order: Proposal) -> CheckRow:
    """No working order of our own on the other side would meet this one: such a trade moves nothing but the tape."""
    for other in order.view.orders:
        if other.is_open and other.terms.side is not order.terms.side and _meets(order, other):
            return denied("self-cross", DenialCode.SELF_TRADE, crossing=_crossing(other))
    return _NO_CROSSING


def _crossing(other: Order) -> str:
    at = other.terms.limit_price
    where = f" at {price(at)}" if at is not None else ""
    return f"meets your own {other.terms.side.value} of {amount(other.leaves_quantity)}{where}"


def _meets(order: Proposal, other: Order) -> bool:
    """Whether the two would trade with each other: the resting one needs a limit, ours a price that reaches it.

    A market order reaches the touch: what rests behind it is met by others first.
    """
    resting = other.terms.limit_price
    if other.terms.order_type is not OrderType.LIMIT or resting is None:
        return False
    kind = order.terms.order_type
    ours = order.touch if kind is OrderType.MARKET else order.terms.limit_price if kind is OrderType.LIMIT else None
    if ours is None:
        return False
    return ours >= resting if order.terms.side is Side.BUY else ours <= resting
