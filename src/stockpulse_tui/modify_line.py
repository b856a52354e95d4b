"""What is typed to change an order: `60 @ 231.40`, `qty 60`, `lmt 231.40`, `stp 229`, `60 trail 2%`. Pure."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import parse_decimal
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.render.format import for_copy, format_price, format_quantity
from stockpulse_engine.render.sentence import trail_words
from stockpulse_engine.wire.rest import ModifyBody

_WORDS = {"@": "limit", "lmt": "limit", "limit": "limit", "stp": "stop", "stop": "stop", "qty": "quantity"}


def modify_text(order: Order, tick: Decimal) -> str:
    """The order's present terms as such a line, to be changed in place."""
    terms = order.terms
    parts = [format_quantity(terms.quantity)]
    if terms.is_trailing:
        return for_copy(f"{parts[0]} trail {trail_words(terms, tick)}").replace(",", "")
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
    if order.terms.is_trailing:
        return _parse_trailing(text, order, tick)
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


def _parse_trailing(text: str, order: Order, tick: Decimal) -> ModifyBody:
    """Of a trailing stop quantity and distance change; where its trigger stands is the market's."""
    quantity, _, distance = text.lower().replace(",", "").partition("trail")
    terms, is_share = order.terms, distance.strip().endswith("%")
    number = distance.strip().removesuffix("%")
    size = parse_decimal(quantity.split()[-1], field="quantity") if quantity.split() else terms.quantity
    width = parse_decimal(number, field="trail") if number else None
    if size <= 0 or (width is not None and (width <= 0 or (not is_share and width % tick))):
        raise InvalidValueError("Quantity and distance are above zero, on the tick.", fix="Write: 60 trail 2%")
    amount = None if width is None or is_share else _changed(width, terms.trail_amount)
    share = _changed(width / 100, terms.trail_fraction) if width is not None and is_share else None
    new = _changed(size, terms.quantity)
    if new is None and amount is None and share is None:
        raise InvalidValueError("Nothing would change.", fix="Type another quantity or distance: 60 trail 2%")
    return ModifyBody(request_id="", quantity=new, trail_amount=amount, trail_fraction=share)


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
