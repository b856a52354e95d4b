"""An order as a sentence: the same words in the ticket, in the preview, in the journal and before `sp buy` asks."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.render.format import format_price, format_quantity

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


def describe_order(
    terms: OrderTerms,
    *,
    tick: Decimal | None = None,
    take_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> str:
    """The order in words: `Buy 45 AAPL at 232.11 limit, day order; take 236.75, stop 229.79`.

    Prices have the decimals of `tick`; where it is not known as many as they were given with, at least two.
    """
    what = f"{terms.side.value.capitalize()} {_quantity(terms.quantity)} {symbol_of(terms.instrument_id)}"
    parts = [f"{what} at {_price_words(terms, tick)}", _TIMES[terms.time_in_force]]
    if terms.session is SessionHours.EXTENDED:
        parts.append("extended hours too")
    if terms.is_reduce_only:
        parts.append("reduce only")
    if terms.lots:
        parts.append(f"lots {' '.join(terms.lots)}")
    legs = (("take", take_price), ("stop", stop_price))
    exits = [f"{name} {_price(price, tick)}" for name, price in legs if price is not None]
    return ", ".join(parts) + ("; " + ", ".join(exits) if exits else "")


def _price_words(terms: OrderTerms, tick: Decimal | None) -> str:
    limit, stop = _price(terms.limit_price, tick), _price(terms.stop_price, tick)
    return {
        OrderType.MARKET: "market",
        OrderType.LIMIT: f"{limit} limit",
        OrderType.STOP: f"{stop} stop",
        OrderType.STOP_LIMIT: f"{limit} limit once {stop} trades",
        OrderType.TRAILING_STOP: "a trailing stop",
    }[terms.order_type]


def _quantity(value: Decimal | None) -> str:
    """A preview is asked for what is not an order yet: what is missing or no number shows as a question."""
    return format_quantity(value) if value is not None and value.is_finite() else "?"


def _price(value: Decimal | None, tick: Decimal | None) -> str:
    if tick is None and value is not None and value.is_finite() and decimals_of(value) > decimals_of(_CENT):
        tick = value
    return format_price(value, tick or _CENT)
