"""Why a market cell shows what it shows: value, source, age, formula, inputs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.views import Explanation
from stockpulse_engine.marketdata.cache import QuoteCache

Inputs = dict[str, str]
_Cell = Callable[[Quote, QuoteCache], tuple[Decimal | None, str, Inputs]]


def explain_cell(name: str, instrument_id: str, cache: QuoteCache, age_ns: int) -> Explanation:
    """Explain one named cell of one instrument.

    Raises:
        NotFoundError: for an unknown cell name or an instrument without a quote.
    """
    cell = _CELLS.get(name)
    if cell is None:
        raise NotFoundError(f"No cell {name[:20]!r}.", fix=f"Cells: {', '.join(sorted(_CELLS))}.")
    quote = cache.quotes.get(instrument_id)
    if quote is None:
        raise NotFoundError(f"No quote of {instrument_id} yet.", fix="Wait for the feed, or see `sp doctor`.")
    value, formula, inputs = cell(quote, cache)
    shown = "·" if value is None else f"{value:f}"
    return Explanation(name=name, value=shown, source=quote.source, age_ns=age_ns, formula=formula, inputs=inputs)


def change_percent(last: Decimal | None, previous_close: Decimal | None) -> Decimal | None:
    """(last / previous close - 1) × 100, exact to 1e-4; None where either is missing."""
    if last is None or not previous_close:
        return None
    return ((last / previous_close - 1) * 100).quantize(Decimal("0.0001"))


def spread_bp(quote: Quote) -> Decimal:
    """(ask - bid) / mid × 10,000, to 1e-2."""
    mid = (quote.bid + quote.ask) / 2
    return ((quote.ask - quote.bid) / mid * 10_000).quantize(Decimal("0.01"))


def _last(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    trade = cache.trades.get(quote.instrument_id)
    inputs = {"print": f"{trade.price} × {trade.size}"} if trade is not None else {"quote.last": str(quote.last)}
    return cache.last_price(quote.instrument_id), "price of the last public print", inputs


def _change(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    reference = cache.references.get(quote.instrument_id)
    previous = reference.previous_close if reference is not None else None
    last = cache.last_price(quote.instrument_id)
    inputs = {"last": str(last), "previous_close": str(previous)}
    return change_percent(last, previous), "(last / previous_close - 1) × 100", inputs


def _spread(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    del cache
    inputs = {"bid": str(quote.bid), "ask": str(quote.ask)}
    return spread_bp(quote), "(ask - bid) / ((bid + ask) / 2) × 10000", inputs


def _volume(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    del cache
    return quote.volume, "sum of the sizes of today's prints", {"volume": str(quote.volume)}


def _low(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    reference = cache.references.get(quote.instrument_id)
    return reference.low if reference is not None else None, "lowest print of the session", {}


def _high(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
    reference = cache.references.get(quote.instrument_id)
    return reference.high if reference is not None else None, "highest print of the session", {}


def _side(field: str, words: str) -> _Cell:
    def cell(quote: Quote, cache: QuoteCache) -> tuple[Decimal | None, str, Inputs]:
        del cache
        value: Decimal = getattr(quote, field)
        return value, words, {field: str(value)}

    return cell


_CELLS: dict[str, _Cell] = {
    "last": _last,
    "chg%": _change,
    "bp": _spread,
    "volume": _volume,
    "low": _low,
    "high": _high,
    "bid": _side("bid", "best bid"),
    "ask": _side("ask", "best ask"),
    "bid_size": _side("bid_size", "size displayed at the best bid"),
    "ask_size": _side("ask_size", "size displayed at the best ask"),
}
