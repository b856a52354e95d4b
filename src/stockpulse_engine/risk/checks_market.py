"""Checks against the market: session and halt, the quote, the price collar, the side of a stop."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.orders import OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.risk.checks_terms import AUCTIONS, IMMEDIATE
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.proposal import LIMITED, REGULAR_PHASES, SILENT, STOPS, Proposal
from stockpulse_engine.risk.rows import denied, passed, percent, price
from stockpulse_engine.risk.verdict import CheckRow

FAR = 3
"""A passive price this many collars away is worth reading: it may be a slip of the finger."""
_AFTER = "Use GTC or at-the-open, or `ext` with a limit."
_PRICED = {
    MarketPhase.PRE: "Use a limit price, or at-the-open.",
    MarketPhase.OPENING_AUCTION: "Use a limit price, or at-the-open.",
    MarketPhase.CLOSING_AUCTION: "Use a limit price, or at-the-close.",
    MarketPhase.POST: "Use at-the-open, or a limit price with `ext` or GTC.",
    MarketPhase.CLOSED: "Use at-the-open, or a limit price with GTC.",
}
"""What can be entered instead of a market order while the market is not open."""
_NO_PRINT = passed("last price", "nothing was printed yet")
_NO_STOP = passed("stop side", "no stop")
_WAITS = passed("stop side", "waits for its entry")
_WORDS = {
    MarketPhase.CLOSED: "closed",
    MarketPhase.PRE: "in pre-market hours",
    MarketPhase.OPENING_AUCTION: "in its opening auction",
    MarketPhase.OPEN: "open",
    MarketPhase.CLOSING_AUCTION: "in its closing auction",
    MarketPhase.POST: "in after-hours",
}


def check_session(order: Proposal) -> CheckRow:
    """The instrument is not halted, and an order of this kind may be entered at this hour."""
    status = order.status
    if status.is_halted:
        return denied(
            "session",
            DenialCode.INSTRUMENT_HALTED,
            instrument=order.terms.instrument_id,
            reason=status.reason.rstrip(".") or "no reason given",
        )
    refusal = _hour_problem(order, status.phase)
    if refusal is not None:
        what, how = refusal
        return denied("session", DenialCode.MARKET_CLOSED, what=what, phase=_WORDS[status.phase], how=how)
    return order.holds("session", lambda: f"the market is {_WORDS[status.phase]}")


def _hour_problem(order: Proposal, phase: MarketPhase) -> tuple[str, str] | None:
    """What can not be entered in `phase`, and what can; None when it is fine."""
    terms = order.terms
    tif = terms.time_in_force
    if tif in AUCTIONS:
        return _auction_problem(tif, phase)
    if terms.order_type is OrderType.MARKET and phase is not MarketPhase.OPEN:
        return "A market order", _PRICED[phase]
    if tif in (TimeInForce.GTC, TimeInForce.GTD):
        return None
    if phase is MarketPhase.CLOSED:
        return _named(tif), "Use GTC or at-the-open."
    if terms.session is SessionHours.EXTENDED:
        return None
    if phase is MarketPhase.POST:
        return f"{_named(tif)} for regular hours", _AFTER
    if tif in IMMEDIATE and phase is not MarketPhase.OPEN:
        return _named(tif), "Use DAY, or `ext` with a limit."
    return None


def _named(tif: TimeInForce) -> str:
    return f"{'An' if tif.value[0] in 'AEIO' else 'A'} {tif.value} order"


def _auction_problem(tif: TimeInForce, phase: MarketPhase) -> tuple[str, str] | None:
    if tif is TimeInForce.AT_THE_OPEN and phase in (MarketPhase.OPEN, MarketPhase.CLOSING_AUCTION):
        return "An at-the-open order", "The open is over; use DAY, or at-the-close."
    if tif is TimeInForce.AT_THE_CLOSE and phase in (MarketPhase.POST, MarketPhase.CLOSED):
        return "An at-the-close order", "The close is over; use at-the-open or GTC."
    return None


def check_quote(order: Proposal) -> CheckRow:
    """The quote is there, fresh while quotes should flow, and its spread sane for an order without a limit."""
    quote, limits = order.quote, order.limits
    for field in ("bid", "ask", "bid_size", "ask_size"):
        order.money(field, getattr(quote, field))
    age_ms, limit_ms = order.view.quote_age_ns // 1_000_000, _age_limit(order)
    if order.view.quote_age_ns < 0 or (limit_ms is not None and age_ms > limit_ms):
        return denied(
            "quote", DenialCode.QUOTE_STALE, age=_seconds(age_ms), limit=_seconds(limit_ms or limits.max_quote_age_ms)
        )
    if order.is_silent and order.is_spread_sane:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"bid": price(quote.bid), "ask": price(quote.ask), "age_ms": str(age_ms)}

    if order.terms.time_in_force in AUCTIONS:
        return order.holds("quote", lambda: "executes in the auction, whatever the book shows now", numbers)
    if order.is_spread_sane:
        return order.holds("quote", lambda: f"{percent(order.spread_fraction)} wide", numbers)
    if order.terms.order_type in LIMITED:
        return order.to_read("quote", lambda: "crossed or very wide; the limit bounds the price", numbers)
    if quote.bid_size <= 0 or quote.ask_size <= 0:
        sides = [name for name, size in (("bid", quote.bid_size), ("ask", quote.ask_size)) if size <= 0]
        instrument = order.terms.instrument_id
        return denied("quote", DenialCode.QUOTE_ONE_SIDED, instrument=instrument, side=" and the ".join(sides))
    return denied(
        "quote",
        DenialCode.SPREAD_TOO_WIDE,
        bid=price(quote.bid),
        ask=price(quote.ask),
        spread=percent(order.spread_fraction),
        limit=percent(limits.max_spread_fraction),
    )


def check_last_price(order: Proposal) -> CheckRow:
    """The quote and the last print tell the same: one of two that lie far apart is stale or wrong."""
    quote, limit = order.quote, order.limits.max_last_gap_fraction
    if quote.last is None:
        return _NO_PRINT
    last, mid = order.money("last print", quote.last), (quote.bid + quote.ask) / 2
    gap = abs(mid - last) / abs(mid)
    if order.is_silent and gap <= limit:
        return SILENT

    def numbers() -> dict[str, str]:
        return {"mid": price(mid), "last": price(last), "gap": percent(gap), "limit": percent(limit)}

    if gap <= limit:
        return order.holds("last price", lambda: f"{percent(gap)} from the last print", numbers)
    if order.terms.order_type in LIMITED or order.terms.time_in_force in AUCTIONS:
        return order.to_read("last price", lambda: f"the last print at {price(last)} is {percent(gap)} away", numbers)
    return denied("last price", DenialCode.QUOTE_DISAGREES, nearest=None, **numbers())


def _age_limit(order: Proposal) -> int | None:
    """Oldest quote allowed now in ms; None while the market is closed and none are made."""
    phase = order.status.phase
    if phase is MarketPhase.CLOSED:
        return None
    limits = order.limits
    allowed = limits.max_quote_age_ms if phase in REGULAR_PHASES else limits.max_quote_age_extended_ms
    return min(allowed, limits.max_quote_age_auto_ms) if order.is_auto else allowed


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}"


def check_collar(order: Proposal) -> CheckRow:
    """No price reaches further into the market than the collar.

    A limit is measured from the market, the limit of a stop-limit from its trigger. On the passive side nothing
    can go wrong but a slip of the finger, so that side is only worth reading. An exit that waits for its entry is
    measured from the entry.
    """
    terms, collar = order.terms, order.collar
    if terms.order_type is OrderType.STOP_LIMIT and terms.stop_price is not None:
        reference = terms.stop_price
    else:
        reference = order.money("reference", order.awaited_price or order.reference)
    chosen = terms.limit_price if terms.order_type in LIMITED else terms.stop_price
    if chosen is None:
        return order.holds("collar", lambda: f"worst fill {price(_worst_fill(order))}")
    beyond = (chosen - reference) * terms.side.sign / abs(reference)
    if order.is_silent and beyond <= collar:
        return SILENT

    def words() -> dict[str, str]:
        return {"price": price(chosen), "reference": price(reference), "limit": percent(collar)}

    is_trigger = terms.order_type is OrderType.STOP or terms.is_trailing
    if beyond > collar and not is_trigger:
        bound = reference + abs(reference) * collar * terms.side.sign
        edge = round_to_tick(bound, order.instrument.tick_size, up=terms.side is Side.SELL)
        return denied(
            "collar", DenialCode.PRICE_COLLAR, nearest=None, away=percent(beyond), bound=price(edge), **words()
        )
    if abs(beyond) > collar * FAR:
        return order.to_read("collar", lambda: f"{percent(abs(beyond))} away from {price(reference)}", words)
    return order.holds("collar", lambda: f"{percent(abs(beyond))} of {percent(collar)}", words)


def _worst_fill(order: Proposal) -> Decimal:
    return round_to_tick(order.worst, order.instrument.tick_size)


def check_stop_side(order: Proposal) -> CheckRow:
    """A stop lies beyond the market, or it would trigger at once; one that waits for its entry is not there yet."""
    terms = order.terms
    if terms.order_type not in STOPS or terms.stop_price is None:
        return _NO_STOP
    if order.awaited_price is not None:
        return _WAITS
    touch = order.touch
    if (terms.stop_price - touch) * terms.side.sign <= Decimal(0):
        where = "above" if terms.side is Side.BUY else "below"
        return denied(
            "stop side",
            DenialCode.STOP_SIDE,
            side=terms.side.value,
            price=price(terms.stop_price),
            touch=price(touch),
            where=where,
        )
    return order.holds("stop side", lambda: f"market {price(touch)}")
