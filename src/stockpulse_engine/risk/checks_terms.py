"""Checks of the instruction itself: numbers, prices, names, increments, bracket."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.domain.money import ZERO, is_multiple, round_to_tick
from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, TimeInForce
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.proposal import LARGEST, LIMITED, SIGNED, STOPS, MissingInputError, Proposal
from stockpulse_engine.risk.rows import amount, denied, passed, price
from stockpulse_engine.risk.verdict import CheckRow

AUCTIONS = (TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE)
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
_POSITIVE = passed("numbers", "finite and positive")
_COMPLETE = passed("prices", "complete")
_NO_BRACKET = passed("bracket", "none")


def check_finite(order: Proposal) -> CheckRow:
    """Every number of the order is an exact decimal of the right sign: NaN would pass any comparison that follows.

    Quantities lie above zero, and so do prices of anything but what may trade below it. Nor is any larger than the
    ledger could hold, so that no product of such numbers is beyond arithmetic.
    """
    terms, instrument = order.terms, order.view.instrument
    lowest = -LARGEST if instrument is not None and instrument.asset_class in SIGNED else ZERO
    numbers: tuple[tuple[str, object], ...] = (
        ("quantity", terms.quantity),
        ("limit price", terms.limit_price),
        ("stop price", terms.stop_price),
        ("take", order.take),
        ("stop", order.stop),
        ("distance", terms.trail_amount),
        ("distance", terms.trail_fraction),
        ("offset", terms.limit_offset or None),
    )
    for field, value in numbers:
        if value is None and field != "quantity":
            continue
        low = ZERO if field == "quantity" else lowest
        if not isinstance(value, Decimal) or not value.is_finite() or not low < value < LARGEST:
            expected = "finite" if low else "positive, finite"
            return denied("numbers", DenialCode.INVALID_NUMBER, field=field, value=str(value)[:40], expected=expected)
    return _POSITIVE


def check_prices(order: Proposal) -> CheckRow:
    """The order has the prices its type needs, and no others."""
    terms = order.terms
    if terms.is_trailing:
        return _check_distance(terms)
    if not (terms.trail_amount is terms.trail_fraction is terms.limit_offset is None):
        problem = "takes no distance"
        return denied("prices", DenialCode.INCOMPLETE_TERMS, order_type=terms.order_type.value, problem=problem)
    wanted = (
        ("limit price", terms.limit_price, terms.order_type in LIMITED),
        ("stop price", terms.stop_price, terms.order_type in STOPS),
    )
    for field, value, is_needed in wanted:
        if (value is not None) != is_needed:
            problem = f"needs a {field}" if is_needed else f"takes no {field}"
            return denied("prices", DenialCode.INCOMPLETE_TERMS, order_type=terms.order_type.value, problem=problem)
    return _COMPLETE


def _check_distance(terms: OrderTerms) -> CheckRow:
    """A trailing stop has one distance; where trigger and limit stand is the venue's to say."""
    if (terms.trail_amount is None) is (terms.trail_fraction is None):
        problem = "needs a distance: an amount or a part of the price"
    elif terms.trail_fraction is not None and terms.trail_fraction >= 1:
        problem = "needs a distance below the whole price"
    elif terms.limit_price is not None and terms.stop_price is None:
        problem = "takes no limit price"
    else:
        return _COMPLETE
    return denied("prices", DenialCode.INCOMPLETE_TERMS, order_type=terms.order_type.value, problem=problem)


def check_supported(order: Proposal) -> CheckRow:
    """Type and time in force go together, as the venue takes them."""
    terms = order.terms
    if refusal := _check_end(order):
        return refusal
    if (terms.order_type in STOPS or terms.is_trailing) and terms.time_in_force in (*AUCTIONS, *IMMEDIATE):
        what = f"A stop that is {terms.time_in_force.value}"
        return denied("kind", DenialCode.UNSUPPORTED, what=what, how="Send the stop with DAY or GTC.")
    is_auction = terms.time_in_force in AUCTIONS
    if terms.session is SessionHours.EXTENDED and (terms.order_type is not OrderType.LIMIT or is_auction):
        return denied("kind", DenialCode.EXTENDED_NEEDS_LIMIT)
    return order.holds("kind", lambda: f"{terms.order_type.value} {terms.time_in_force.value}")


def _check_end(order: Proposal) -> CheckRow | None:
    """A GTD order, and no other, says until when, and that lies ahead."""
    terms = order.terms
    has_one = bool(terms.expires_at) is not bool(terms.expires_on)
    if (terms.time_in_force is TimeInForce.GTD) is not has_one or (terms.expires_at and terms.expires_on):
        how = "Give it a session like 2026-11-27, or a moment, and use GTD."
        return denied(
            "kind", DenialCode.UNSUPPORTED, what="A GTD order without one end, or an end without GTD", how=how
        )
    if terms.expires_at and terms.expires_at <= order.view.now_ns:
        return denied("kind", DenialCode.UNSUPPORTED, what="An order whose time is over", how="Give it a later time.")
    return None


def check_instrument(order: Proposal) -> CheckRow:
    """The instrument is known, tradable, not restricted, and in the account's currency."""
    instrument, account = order.instrument, order.account
    name = instrument.instrument_id
    if name != order.terms.instrument_id:
        raise MissingInputError(DenialCode.INSTRUMENT_UNKNOWN, instrument=order.terms.instrument_id)
    if instrument.asset_class is AssetClass.INDEX:
        return denied("instrument", DenialCode.NOT_TRADABLE, instrument=name)
    if name in order.limits.restricted:
        return denied("instrument", DenialCode.RESTRICTED, instrument=name)
    if instrument.currency != account.currency:
        return denied(
            "instrument",
            DenialCode.CURRENCY_MISMATCH,
            instrument=name,
            theirs=instrument.currency,
            ours=account.currency,
        )
    return order.holds("instrument", lambda: name)


def check_increments(order: Proposal) -> CheckRow:
    """Quantity on the lot, every price on the tick."""
    terms, instrument = order.terms, order.instrument
    if not is_multiple(terms.quantity, instrument.lot_size):
        nearest = order.to_lot(terms.quantity)
        return denied(
            "increments",
            DenialCode.OFF_LOT,
            nearest=nearest,
            quantity=amount(terms.quantity),
            lot=amount(instrument.lot_size),
        )
    prices = (
        ("limit price", terms.limit_price),
        ("stop price", terms.stop_price),
        ("take", order.take),
        ("stop", order.stop),
        ("distance", terms.trail_amount),
        ("offset", terms.limit_offset),
    )
    tick = instrument.tick_size
    for field, value in prices:
        if value is not None and not is_multiple(value, tick):
            below, above = round_to_tick(value, tick, up=False), round_to_tick(value, tick, up=True)
            return denied(
                "increments",
                DenialCode.OFF_TICK,
                field=field,
                price=f"{value:f}",
                tick=f"{tick:f}",
                below=price(below),
                above=price(above),
            )
    return order.holds("increments", lambda: f"tick {tick:f}, lot {amount(instrument.lot_size)}")


def check_protection(order: Proposal) -> CheckRow:
    """A bracket's take lies beyond the entry in our favour, its stop on the losing side."""
    entry, sign, take, stop = order.entry_price, order.terms.side.sign, order.take, order.stop
    if order.awaited_price is not None:  # an exit is moved before its entry has filled
        entry, sign, take, stop = order.awaited_price, -sign, order.terms.limit_price, order.terms.stop_price
    if take is None and stop is None:
        return _NO_BRACKET
    legs = (("take", take, sign), ("stop", stop, -sign))
    for leg, value, direction in legs:
        if value is not None and (value - entry) * direction <= 0:
            where = "above" if direction > 0 else "below"
            return denied(
                "bracket", DenialCode.PROTECTION_SIDE, leg=leg, price=price(value), where=where, entry=price(entry)
            )
    side = "below" if sign > 0 else "above"
    return order.holds("bracket", lambda: f"stop {side} the entry, take beyond it")
