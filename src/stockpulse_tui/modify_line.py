"""What is typed to change an order: `60 @ 231.40`, `qty 60`, `lmt 231.40`, `stp 229`. Pure."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import parse_decimal
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.render.format import for_copy, format_price, format_quantity
from stockpulse_engine.wire.rest import ModifyBody

_WORDS = {"@": "limit", "lmt": "limit", "limit": "limit", "stp": "stop", "stop": "stop", "qty": "quantity"}


def modify_text(order: Order, tick: Decimal) -> str:
    """The order's present terms as such a line, to be changed in place."""
    terms = order.terms
    parts = [format_quantity(terms.quantity)]
    if terms.stop_price is not None:
        parts.append(f"stp {format_price(terms.stop_price, tick)}")
    if terms.limit_price is not None:
        parts.append(f"@ {format_price(terms.limit_price, tick)}")
    return for_copy(" ".join(parts)).replace(",", "")


def parse_modify(text: str, order: Order, tick: Decimal) -> ModifyBody:
    """The change, only what differs from the order's terms; the request's key is put in when it is asked.

    Raises:
        InvalidValueError: the line says nothing new, or says what can not be read.
    """
    found: dict[str, Decimal] = {}
    name = "quantity"
    for word in text.lower().replace(",", "").replace("@", " @ ").split():
        if word in _WORDS:
            name = _WORDS[word]
            continue
        if name in found:
            raise InvalidValueError(f"{word[:20]!r} is one number too many.", fix="Write: 60 @ 231.40")
        found[name] = parse_decimal(word, field=name)
        name = "quantity"
    _check(found, order, tick)
    terms = order.terms
    new = {
        "quantity": _changed(found.get("quantity"), terms.quantity),
        "limit_price": _changed(found.get("limit"), terms.limit_price),
        "stop_price": _changed(found.get("stop"), terms.stop_price),
    }
    if all(value is None for value in new.values()):
        raise InvalidValueError("Nothing would change.", fix="Type another quantity or price: 60 @ 231.40")
    return ModifyBody(request_id="", **new)


def _changed(value: Decimal | None, old: Decimal | None) -> Decimal | None:
    return None if value == old else value


def _check(found: dict[str, Decimal], order: Order, tick: Decimal) -> None:
    for name, own in (("limit", order.terms.limit_price), ("stop", order.terms.stop_price)):
        value = found.get(name)
        if value is None:
            continue
        if own is None:
            raise InvalidValueError(f"This order has no {name} price.", fix="Cancel it and send another.")
        if value <= 0 or value % tick:
            raise InvalidValueError(f"{value} is not on the tick of {tick}.", fix="Take the nearest price.")
    if found.get("quantity", Decimal(1)) <= 0:
        raise InvalidValueError("A quantity is more than zero.", fix="`c` cancels the order.")
