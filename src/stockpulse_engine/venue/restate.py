"""A quote of old shares told in new ones."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from stockpulse_engine.domain.corporate import scaled_price
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.venue.source import DueAction


def restated(quote: Quote, due: DueAction, tick: Decimal) -> Quote:
    """The last quote before a split in new shares, rounded outward, with nothing for sale.

    Until the market opens again what is held is worth what it was.
    """
    ratio = (due.action.numerator, due.action.denominator)
    bid, ask = scaled_price(quote.bid, *ratio), scaled_price(quote.ask, *ratio)
    return Quote(
        quote.instrument_id,
        max((bid / tick).to_integral_value(ROUND_FLOOR), Decimal(1)) * tick,
        max((ask / tick).to_integral_value(ROUND_CEILING), Decimal(2)) * tick,
        ZERO,
        ZERO,
        due.at_ns,
        quote.source,
        None if quote.last is None else scaled_price(quote.last, *ratio),
        ZERO,
    )
