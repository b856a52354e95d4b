"""An order in the few words of a row: state, type, where it lives, how far away, what it cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import Instrument, symbol_of
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, OrderType
from stockpulse_engine.render.format import format_age, format_clock, format_number, format_price, format_quantity
from stockpulse_engine.render.sentence import describe_condition

TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STPL",
    OrderType.TRAILING_STOP: "TRL",
}
_STATES = {
    OrderStatus.INITIALIZED: ("staged", "accent"),
    OrderStatus.DENIED: ("denied", "danger"),
    OrderStatus.SUBMITTED: ("sent", "muted"),
    OrderStatus.ACCEPTED: ("working", "text"),
    OrderStatus.REJECTED: ("rejected", "danger"),
    OrderStatus.TRIGGERED: ("triggered", "accent"),
    OrderStatus.PENDING_UPDATE: ("changing", "warn"),
    OrderStatus.PENDING_CANCEL: ("canceling", "warn"),
    OrderStatus.PARTIALLY_FILLED: ("partial", "accent"),
    OrderStatus.FILLED: ("filled", "up"),
    OrderStatus.CANCELED: ("canceled", "muted"),
    OrderStatus.EXPIRED: ("expired", "muted"),
    OrderStatus.DONE_FOR_DAY: ("done", "muted"),
    OrderStatus.SUSPENDED: ("suspended", "warn"),
}
_WAITING = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED, OrderStatus.ACCEPTED)
LEGS = {OrderRole.TAKE: "take", OrderRole.STOP: "stop"}
REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)
DEFAULT_TICK = Decimal("0.01")


def price_of(order: Order) -> Decimal | None:
    """The price a person would move: the limit, else the stop; None at market."""
    terms = order.terms
    return terms.limit_price if terms.limit_price is not None else terms.stop_price


def tick_of(order: Order, instruments: Mapping[str, Instrument]) -> Decimal:
    """The price increment of its instrument, a cent where the instrument is not known."""
    instrument = instruments.get(order.terms.instrument_id)
    return instrument.tick_size if instrument is not None else DEFAULT_TICK


def is_waiting(order: Order, orders: Mapping[str, Order]) -> bool:
    """Whether it is a leg whose entry has not filled yet."""
    parent = orders.get(order.parent_id) if order.parent_id else None
    is_entry = parent is not None and parent.role is OrderRole.ENTRY
    return is_entry and order.status in _WAITING and not (parent and parent.filled_quantity)


def state_of(order: Order, orders: Mapping[str, Order], *, is_canceling: bool = False) -> tuple[str, str]:
    """The state in one word, and its colour token."""
    if order.is_unknown:
        return "! UNKNOWN", "warn"
    if is_canceling and order.is_open:
        return "canceling", "warn"
    if order.is_held:
        return "held", "accent"
    if is_waiting(order, orders):
        return ("staged", "accent") if order.status is OrderStatus.INITIALIZED else ("waits", "muted")
    return _STATES[order.status]


def gone_words(order: Order | None, orders: Mapping[str, Order]) -> str:
    """What became of an order that a key was meant for: `buy 45 AAPL is filled`."""
    if order is None:
        return "the order is gone"
    terms = order.terms
    words = f"{terms.side.value.lower()} {format_quantity(terms.quantity)} {symbol_of(terms.instrument_id)}"
    return f"{words} is {state_of(order, orders)[0].removeprefix('! ')}"


def lives_at(order: Order) -> tuple[str, str]:
    """Who holds it now, and the colour token."""
    if order.is_unknown:
        return "broker ?", "warn"
    if order.is_held:
        return "engine", "accent"
    if order.status in (OrderStatus.INITIALIZED, OrderStatus.DENIED):
        return "us", "muted"
    return ("broker" if order.venue_order_id or order.status is not OrderStatus.SUBMITTED else "on its way"), "muted"


def ticks_away(order: Order, last: Decimal | None, tick: Decimal) -> int | None:
    """Ticks between its price and the last trade; None at market or without a price."""
    price = price_of(order)
    is_over = not order.is_open and order.status is not OrderStatus.INITIALIZED
    if price is None or last is None or is_over:
        return None
    return int(abs(last - price) / tick)


def slip_ratio(order: Order) -> Decimal | None:
    """What its fills cost against the middle at arrival, as a ratio; positive is a cost, None before a fill."""
    bid, ask = order.arrival_bid, order.arrival_ask
    if order.average_price is None or bid is None or ask is None:
        return None
    middle = (bid + ask) / 2
    return (order.average_price - middle) * order.terms.side.sign / middle if middle else None


def short_terms(order: Order, tick: Decimal) -> str:
    """`sell 80 limit 149.60`."""
    terms = order.terms
    words = f"{terms.side.value.lower()} {format_quantity(terms.quantity)} {TYPE_WORDS[terms.order_type]}"
    price = price_of(order)
    return words if price is None else f"{words} {format_price(price, tick)}"


TYPE_WORDS = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop limit",
    OrderType.TRAILING_STOP: "trailing stop",
}


def short_id(client_order_id: str) -> str:
    """The end of an id, which tells orders apart: `…XS31NGJ0`."""
    return client_order_id if len(client_order_id) <= 12 else "…" + client_order_id[-11:]


def unknown_words(order: Order, now_ns: int, zone: str) -> tuple[str, str]:
    """What UNKNOWN means for this order: what, since when and why, what is assumed, and that it is asked about."""
    terms = order.terms
    since = order.unknown_since or order.updated_at
    what = f"{symbol_of(terms.instrument_id)} {terms.side.value.lower()} {format_quantity(terms.quantity)}"
    why = clean_line(order.reason, 60).rstrip(".") or "no definite answer"
    told = f"unknown since {format_clock(since, zone)}, {format_age(now_ns - since)} ago: {why}"
    return what, f"{told}. Counted as if filled at its worst; asked until proven, never resent."


def condition_words(order: Order, zone: str) -> str:
    """What a held order waits for, and where it lives meanwhile; "" for any other."""
    if not order.is_held or order.condition is None:
        return ""
    until = describe_condition(order.condition, zone=zone)
    return f"Held by the engine until {until}: does nothing while StockPulse is down."


def refusal_words(order: Order) -> list[str]:
    """Why it was refused, in words, and what to do about it; empty when it was not."""
    if order.status not in REFUSED and not order.reason:
        return []
    who = "Our own gate refused it" if order.status is OrderStatus.DENIED else "The venue refused it"
    head = f"{who} ({clean_line(order.code, 40)})." if order.code and order.status in REFUSED else ""
    parts = [head or (f"{who}." if order.status in REFUSED else ""), clean_line(order.reason, 300)]
    if order.fix:
        parts.append(f"fix  {clean_line(order.fix, 300)}")
    return [part for part in parts if part]


def signed_bp(ratio: Decimal | None) -> tuple[str, str]:
    """A cost in basis points with its colour: what cost is `down`, what was gained is `up`."""
    if ratio is None:
        return "·", "faint"
    text = format_number(ratio * 10_000, 1, signed=True)
    return text, "down" if text.startswith("+") else "up" if text.startswith("−") else "muted"
