"""Orders as lines of the order language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from stockpulse_engine.actions.orderline_reader import KEYWORDS, SIDES
from stockpulse_engine.actions.orderline_types import ParsedOrder
from stockpulse_engine.domain.conditions import Condition, PriceKind, TimeCondition
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.render.format import for_copy, format_price
from stockpulse_engine.render.sentence import ZONE, Exits, trail_words

_TIME_TOKENS = {
    TimeInForce.GTD: "gtd",
    TimeInForce.GTC: "gtc",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.AT_THE_OPEN: "moo",
    TimeInForce.AT_THE_CLOSE: "moc",
}


def format_order_line(order: ParsedOrder) -> str:
    """The order as the one line that gives the same terms again, sizes and prices as numbers."""
    exits = (order.take_price, order.stop_price, order.oco_stop_price)
    return terms_line(order.terms, order.instrument, exits=exits, condition=order.condition)


def terms_line(
    terms: OrderTerms,
    instrument: Instrument,
    *,
    exits: Exits = (None, None, None),
    condition: Condition | None = None,
    zone: str = ZONE,
) -> str:
    """`format_order_line` for terms that did not come from a line: an order to duplicate or to copy."""
    take_price, stop_price, oco_stop = exits
    parts = [
        terms.side.value.lower(),
        symbol_word(instrument),
        _plain(terms.quantity),
        *_price_words(terms, instrument.tick_size, oco_stop),
    ]
    if take_price is not None:
        parts += ["take", _typed_price(take_price, instrument.tick_size)]
    if stop_price is not None:
        parts += ["stop", _typed_price(stop_price, instrument.tick_size)]
    if terms.time_in_force in _TIME_TOKENS:
        parts += [_TIME_TOKENS[terms.time_in_force], *_until_words(terms, zone)]
    if terms.session is SessionHours.EXTENDED:
        parts.append("ext")
    if terms.is_reduce_only and oco_stop is None:
        parts.append("reduce")
    if terms.lots:
        parts += ["lots", ",".join(terms.lots)]
    return " ".join([*parts, *(_condition_words(condition, zone) if condition else ())])


def _until_words(terms: OrderTerms, zone: str) -> list[str]:
    if terms.expires_at:
        return [_moment(terms.expires_at, zone)]
    return [terms.expires_on] if terms.expires_on else []


def _moment(at_ns: int, zone: str) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")


def _condition_words(condition: Condition, zone: str) -> list[str]:
    """The condition as it is typed; what it watches by its whole id, which no other symbol can be taken for."""
    words: list[str] = []
    for place, part in enumerate(condition.parts):
        if place:
            words.append("and" if condition.needs_all else "or")
        if isinstance(part, TimeCondition):
            words += ["at", _moment(part.at_ns, zone)]
            continue
        kind = [] if part.what is PriceKind.LAST else [part.what.value.lower()]
        words += ["if", part.instrument_id, *kind, part.sign, _plain(part.price)]
    return words


def symbol_word(instrument: Instrument) -> str:
    """The symbol, or the whole id where the symbol would read as another word of the language."""
    symbol = instrument.symbol
    is_plain = symbol[0].isalpha() and symbol.lower() not in (*KEYWORDS, *SIDES)
    return symbol if is_plain else instrument.instrument_id


def _price_words(terms: OrderTerms, tick: Decimal, oco_stop: Decimal | None) -> list[str]:
    limit, stop = _typed_price(terms.limit_price, tick), _typed_price(terms.stop_price, tick)
    if oco_stop is not None:
        return ["oco", limit, _typed_price(oco_stop, tick)]
    if terms.order_type is OrderType.TRAILING_STOP:
        distance = trail_words(terms, tick).replace(",", "")
        offset = terms.limit_offset
        return ["trail", distance] if offset is None else ["traillmt", distance, _typed_price(offset, tick)]
    if terms.order_type is OrderType.STOP_LIMIT:
        return ["stplmt", stop, limit]
    if terms.order_type is OrderType.STOP:
        return ["stp", stop]
    return ["lmt", limit] if terms.order_type is OrderType.LIMIT else ["mkt"]


def _typed_price(value: Decimal | None, tick: Decimal) -> str:
    return for_copy(format_price(value, tick)).replace(",", "")


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
