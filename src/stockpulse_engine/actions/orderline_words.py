"""Orders as lines of the order language."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.actions.orderline_reader import KEYWORDS, SIDES
from stockpulse_engine.actions.orderline_types import ParsedOrder
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.render.format import for_copy, format_price

_TIME_TOKENS = {
    TimeInForce.GTC: "gtc",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.AT_THE_OPEN: "moo",
    TimeInForce.AT_THE_CLOSE: "moc",
}


def format_order_line(order: ParsedOrder) -> str:
    """The order as the one line that gives the same terms again, sizes and prices as numbers."""
    return terms_line(order.terms, order.instrument, take_price=order.take_price, stop_price=order.stop_price)


def terms_line(
    terms: OrderTerms, instrument: Instrument, *, take_price: Decimal | None = None, stop_price: Decimal | None = None
) -> str:
    """`format_order_line` for terms that did not come from a line: an order to duplicate or to copy."""
    parts = [
        terms.side.value.lower(),
        symbol_word(instrument),
        _plain(terms.quantity),
        *_price_words(terms, instrument.tick_size),
    ]
    if take_price is not None:
        parts += ["take", _typed_price(take_price, instrument.tick_size)]
    if stop_price is not None:
        parts += ["stop", _typed_price(stop_price, instrument.tick_size)]
    if terms.time_in_force in _TIME_TOKENS:
        parts.append(_TIME_TOKENS[terms.time_in_force])
    if terms.session is SessionHours.EXTENDED:
        parts.append("ext")
    if terms.is_reduce_only:
        parts.append("reduce")
    if terms.lots:
        parts += ["lots", ",".join(terms.lots)]
    return " ".join(parts)


def symbol_word(instrument: Instrument) -> str:
    """The symbol, or the whole id where the symbol would read as another word of the language."""
    symbol = instrument.symbol
    is_plain = symbol[0].isalpha() and symbol.lower() not in (*KEYWORDS, *SIDES)
    return symbol if is_plain else instrument.instrument_id


def _price_words(terms: OrderTerms, tick: Decimal) -> list[str]:
    limit, stop = _typed_price(terms.limit_price, tick), _typed_price(terms.stop_price, tick)
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
