"""An order as a sentence: the same words in the ticket, in the preview, in the journal and before `sp buy` asks."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from stockpulse_engine.domain.conditions import Condition, ConditionPart, PriceKind, TimeCondition
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.render.format import format_price, format_quantity, local_words

_CENT: Final = Decimal("0.01")
_TIMES: Final = {
    TimeInForce.DAY: "day order",
    TimeInForce.GTC: "good till canceled",
    TimeInForce.GTD: "good till date",
    TimeInForce.IOC: "immediate or cancel",
    TimeInForce.FOK: "fill or kill",
    TimeInForce.AT_THE_OPEN: "at the open",
    TimeInForce.AT_THE_CLOSE: "at the close",
}
Exits = tuple[Decimal | None, Decimal | None, Decimal | None]
"""Take and stop of a bracket, and the stop of a pair."""
ZONE: Final = "America/New_York"
"""Where times are told when nobody says otherwise."""


def describe_order(
    terms: OrderTerms,
    *,
    tick: Decimal | None = None,
    take_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    zone: str = ZONE,
) -> str:
    """The order in words: `Buy 45 AAPL at 232.11 limit, day order; take 236.75, stop 229.79`.

    Prices have the decimals of `tick`; where it is not known as many as they were given with, at least two.
    """
    return describe_command(terms, tick=tick, exits=(take_price, stop_price, None), zone=zone)


def describe_command(
    terms: OrderTerms,
    *,
    tick: Decimal | None = None,
    exits: Exits = (None, None, None),
    condition: Condition | None = None,
    zone: str = ZONE,
) -> str:
    """`describe_order` with everything a command may carry: a pair's stop, and what the engine waits for."""
    take, stop, oco_stop = exits
    what = f"{terms.side.value.capitalize()} {_quantity(terms.quantity)} {symbol_of(terms.instrument_id)}"
    prices = _price_words(terms, tick)
    if oco_stop is not None:
        prices += f" or {_price(oco_stop, tick)} stop (OCO)"
    parts = [f"{what} at {prices}", _lives(terms, zone)]
    if terms.session is SessionHours.EXTENDED:
        parts.append("extended hours too")
    if terms.is_reduce_only:
        parts.append("reduce only")
    if terms.lots:
        parts.append(f"lots {' '.join(terms.lots)}")
    legs = [f"{name} {_price(price, tick)}" for name, price in (("take", take), ("stop", stop)) if price is not None]
    held = f"; held by the engine until {describe_condition(condition, zone=zone)}" if condition else ""
    return ", ".join(parts) + ("; " + ", ".join(legs) if legs else "") + held


def describe_condition(condition: Condition, *, zone: str = ZONE) -> str:
    """What an order waits for: `SPY last < 480.00 and 15:55 has come`."""
    word = " and " if condition.needs_all else " or "
    return word.join(_part_words(part, zone) for part in condition.parts)


def _part_words(part: ConditionPart, zone: str) -> str:
    if isinstance(part, TimeCondition):
        return f"it is {local_words(part.at_ns, zone)}"
    kind = "" if part.what is PriceKind.LAST else f" {part.what.value.lower()}"
    return f"{symbol_of(part.instrument_id)}{kind} {part.sign} {_price(part.price, None)}"


def _lives(terms: OrderTerms, zone: str) -> str:
    """How long it lives."""
    if terms.expires_at:
        return f"good till {local_words(terms.expires_at, zone)}"
    return f"good till {terms.expires_on}" if terms.expires_on else _TIMES[terms.time_in_force]


def trail_words(terms: OrderTerms, tick: Decimal | None = None) -> str:
    """How far a trailing stop follows: `2%` or `0.50`."""
    if terms.trail_fraction is not None:
        text = f"{terms.trail_fraction * 100:f}"
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"
    return _price(terms.trail_amount, tick) if terms.trail_amount is not None else ""


def _price_words(terms: OrderTerms, tick: Decimal | None) -> str:
    limit, stop = _price(terms.limit_price, tick), _price(terms.stop_price, tick)
    if terms.order_type is OrderType.TRAILING_STOP:
        return _trailing_words(terms, tick)
    return {
        OrderType.MARKET: "market",
        OrderType.LIMIT: f"{limit} limit",
        OrderType.STOP: f"{stop} stop",
        OrderType.STOP_LIMIT: f"{limit} limit once {stop} trades",
    }[terms.order_type]


def _trailing_words(terms: OrderTerms, tick: Decimal | None) -> str:
    distance = trail_words(terms, tick)
    words = f"a {distance} trailing stop" if distance else "a trailing stop"
    words += f" (now {_price(terms.stop_price, tick)})" if terms.stop_price is not None else ""
    return words if terms.limit_offset is None else f"{words}, limit {_price(terms.limit_offset, tick)} beyond"


def _quantity(value: Decimal | None) -> str:
    """A preview is asked for what is not an order yet: what is missing or no number shows as a question."""
    return format_quantity(value) if value is not None and value.is_finite() else "?"


def _price(value: Decimal | None, tick: Decimal | None) -> str:
    if tick is None and value is not None and value.is_finite() and decimals_of(value) > decimals_of(_CENT):
        tick = value
    return format_price(value, tick or _CENT)
