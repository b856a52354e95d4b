"""Our orders as the JSON Alpaca takes. What it can not hold is a definite no before a byte leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn

from stockpulse_engine.adapters.alpaca.parse import AlpacaOrder
from stockpulse_engine.adapters.alpaca.symbols import LONGEST_ID, wire_id
from stockpulse_engine.adapters.alpaca.words import TIMES, TYPES
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.trading.ports import RejectedByBrokerError

_LINK_DIGITS: Final = 12
_HUNDRED: Final = Decimal(100)
_PAIR: Final = 2
_LASTING: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})


def body_of(orders: Sequence[Order], symbol: str) -> dict[str, Any]:
    """The request for one order, for an entry with its exits (bracket, OTO), or for two exits alone (OCO)."""
    first, *others = orders
    if not others:
        return _single(first, symbol)
    if first.role is OrderRole.ENTRY:
        return _entry_with_exits(first, others, symbol)
    return _exits(orders, symbol)


def replace_body(order: Order, terms: OrderTerms, now: AlpacaOrder, left: Decimal, request_id: str) -> dict[str, str]:
    """The change from what works now to the new terms; `left` is what is still to execute of them (F11)."""
    body: dict[str, str] = {}
    if left != now.quantity:
        body["qty"] = plain(left)
    if terms.limit_price is not None and terms.limit_price != now.limit_price:
        body["limit_price"] = plain(terms.limit_price)
    if not terms.is_trailing and terms.stop_price is not None and terms.stop_price != now.stop_price:
        body["stop_price"] = plain(terms.stop_price)
    trail = _trail(terms)
    if trail and (terms.trail_amount, _percent(terms)) != (now.trail_price, now.trail_percent):
        body["trail"] = next(iter(trail.values()))
    if not body:
        _refuse("nothing would change", "UNCHANGED")
    body["client_order_id"] = _id(order.client_order_id, link_of(request_id))
    return body


def link_of(request_id: str) -> str:
    """The part of a changed order's id that tells one change from another: the same request, the same id."""
    return hashlib.sha256(request_id.encode()).hexdigest()[:_LINK_DIGITS]


def plain(value: Decimal) -> str:
    """A number as Alpaca reads it: no exponent, no zeros that mean nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def same_order(body: dict[str, Any], there: AlpacaOrder) -> bool:
    """Whether an order that is there already is the one that was to be sent."""
    names = ("qty",) if body["type"] == "trailing_stop" else ("qty", "limit_price", "stop_price")
    numbers = {"qty": there.quantity, "limit_price": there.limit_price, "stop_price": there.stop_price}
    words = (body["symbol"], body["side"], body["type"]) == (there.symbol, there.side, there.order_type)
    return words and all(body.get(name) == _shown(numbers[name]) for name in names)


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _single(order: Order, symbol: str) -> dict[str, Any]:
    terms = order.terms
    body = _common(order, symbol)
    if terms.limit_price is not None:
        body["limit_price"] = plain(terms.limit_price)
    if terms.stop_price is not None and not terms.is_trailing:
        body["stop_price"] = plain(terms.stop_price)
    return {**body, **_trail(terms)}


def _entry_with_exits(entry: Order, exits: Sequence[Order], symbol: str) -> dict[str, Any]:
    body = _single(entry, symbol)
    for one in exits:
        if one.terms.quantity != entry.terms.quantity:
            _refuse("an exit closes as much as its entry opens", "LEG_QUANTITY")
        _require_lasting(one.terms)
    if entry.terms.time_in_force not in _LASTING:
        _refuse("a bracket works for the day or until canceled", "LEG_TIME")
    times = {one.terms.time_in_force for one in exits}
    if times != {entry.terms.time_in_force}:
        if entry.terms.order_type is not OrderType.MARKET:
            _refuse("Alpaca gives a bracket one time in force: send the entry GTC as well", "LEG_TIME")
        body["time_in_force"] = TIMES[TimeInForce.GTC]  # it is executed at once: only its exits last
    body["order_class"] = "bracket" if len(exits) == _PAIR else "oto"
    return {**body, **_legs(exits)}


def _exits(orders: Sequence[Order], symbol: str) -> dict[str, Any]:
    """Alpaca's OCO is its limit order; the stop hangs on it."""
    take = next((one for one in orders if one.role is OrderRole.TAKE), None)
    if take is None or len(orders) != _PAIR or take.terms.limit_price is None:
        _refuse("these orders are no group that Alpaca knows", "GROUP")
    if len({(one.terms.quantity, one.terms.time_in_force) for one in orders}) != 1:
        _refuse("both exits of an OCO have one quantity and one time in force", "LEG_TIME")
    body = _common(take, symbol)
    return {**body, "order_class": "oco", **_legs(orders)}


def _legs(exits: Sequence[Order]) -> dict[str, Any]:
    legs: dict[str, Any] = {}
    for one in exits:
        terms = one.terms
        if one.role is OrderRole.TAKE and terms.order_type is OrderType.LIMIT and terms.limit_price is not None:
            legs["take_profit"] = {"limit_price": plain(terms.limit_price)}
        elif one.role is OrderRole.STOP and terms.stop_price is not None and not terms.is_trailing:
            legs["stop_loss"] = {"stop_price": plain(terms.stop_price)}
            if terms.limit_price is not None:
                legs["stop_loss"]["limit_price"] = plain(terms.limit_price)
        else:
            _refuse("an exit at Alpaca is a limit or a stop", "LEG_TYPE")
    return legs


def _common(order: Order, symbol: str) -> dict[str, Any]:
    terms = order.terms
    if terms.time_in_force not in TIMES:
        _refuse(f"Alpaca knows no time in force {terms.time_in_force.value}", "TIME_IN_FORCE")
    body: dict[str, Any] = {
        "symbol": symbol,
        "qty": plain(terms.quantity),
        "side": terms.side.value.lower(),
        "type": TYPES[terms.order_type],
        "time_in_force": TIMES[terms.time_in_force],
        "client_order_id": _id(order.client_order_id),
    }
    if terms.session is SessionHours.EXTENDED:
        if terms.order_type is not OrderType.LIMIT or terms.time_in_force not in _LASTING:
            _refuse("outside regular hours Alpaca takes limit orders for the day or until canceled", "EXTENDED")
        body["extended_hours"] = True
    return body


def _trail(terms: OrderTerms) -> dict[str, str]:
    if not terms.is_trailing:
        return {}
    if terms.limit_offset is not None:
        _refuse("a trailing stop at Alpaca becomes a market order, never a limit", "TRAIL_LIMIT")
    if terms.trail_amount is not None:
        return {"trail_price": plain(terms.trail_amount)}
    percent = _percent(terms)
    return (
        _refuse("a trailing stop needs its distance", "TRAIL") if percent is None else {"trail_percent": plain(percent)}
    )


def _percent(terms: OrderTerms) -> Decimal | None:
    return None if terms.trail_fraction is None else terms.trail_fraction * _HUNDRED


def _require_lasting(terms: OrderTerms) -> None:
    if terms.time_in_force not in _LASTING:
        _refuse("an exit works for the day or until canceled", "LEG_TIME")


def _id(client_order_id: str, link: str = "") -> str:
    found = wire_id(client_order_id, link)
    if not client_order_id or len(found) > LONGEST_ID - (0 if link else _LINK_DIGITS + 1):
        _refuse("the order's id is too long for Alpaca", "ORDER_ID")
    return found


def _refuse(words: str, code: str) -> NoReturn:
    raise RejectedByBrokerError(words, code)
