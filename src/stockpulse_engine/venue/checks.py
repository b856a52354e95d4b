"""What the venue refuses, each with a code and a sentence that says the fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.money import ZERO, is_multiple
from stockpulse_engine.domain.orders import OrderRole, OrderTerms, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.desk import AccountState, Desk
from stockpulse_engine.venue.orders import NewOrder

MAX_QUANTITY = Decimal(10_000_000)
MAX_PRICE = Decimal(10_000_000)
MAX_ID = 64
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")


class Refusal(msgspec.Struct, frozen=True):
    """A definite no."""

    code: str
    reason: str


_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_EXITS = (*_STOPS, OrderType.TRAILING_STOP)
_LASTING = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD)
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_AUCTIONS = (TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE)
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
_PAIR = 2
_BRACKET = (OrderRole.ENTRY, OrderRole.TAKE, OrderRole.STOP)


def check_group(orders: Sequence[NewOrder]) -> Refusal | None:
    """Whether this is one order, an entry with its take and stop, or a take and a stop of which one executes."""
    if len(orders) == 1:
        alone = orders[0]
        if alone.role in (OrderRole.TAKE, OrderRole.STOP):
            return Refusal("bad_group", "A bracket's take or stop cannot come without its entry.")
        return None
    if is_pair(orders):
        return _check_pair(*orders)
    if not 2 <= len(orders) <= len(_BRACKET) or orders[0].role is not OrderRole.ENTRY:
        return Refusal("bad_group", "Send one order, or an entry followed by its take and stop.")
    entry, legs = orders[0], orders[1:]
    roles = [leg.role for leg in legs]
    if len({order.client_order_id for order in orders}) != len(orders) or len(set(roles)) != len(roles):
        return Refusal("bad_group", "Each order of a bracket needs its own id and role.")
    for leg in legs:
        if refusal := _check_leg(entry, leg):
            return refusal
    return None


def is_pair(orders: Sequence[NewOrder]) -> bool:
    """Whether these are a take and a stop without an entry."""
    return len(orders) == _PAIR and orders[0].role is OrderRole.TAKE


def _check_pair(take: NewOrder, stop: NewOrder) -> Refusal | None:
    ours, theirs = take.terms, stop.terms
    fits = (
        stop.role is OrderRole.STOP
        and not take.parent_id
        and stop.parent_id == take.client_order_id != stop.client_order_id
        and theirs.account_id == ours.account_id
        and theirs.instrument_id == ours.instrument_id
        and theirs.side is ours.side
        and theirs.quantity == ours.quantity
    )
    if not fits:
        return Refusal("bad_group", "Take and stop of a pair close the same: one account, instrument, side and size.")
    if ours.order_type is not OrderType.LIMIT or theirs.order_type not in _EXITS:
        return Refusal("bad_group", "The take is a limit order, the stop any kind of stop.")
    if ours.time_in_force not in _LASTING or theirs.time_in_force not in _LASTING:
        return Refusal("bad_group", "Take and stop are DAY, GTC or GTD.")
    return None


def _check_leg(entry: NewOrder, leg: NewOrder) -> Refusal | None:
    ours, theirs = entry.terms, leg.terms
    fits = (
        leg.parent_id == entry.client_order_id
        and theirs.account_id == ours.account_id
        and theirs.instrument_id == ours.instrument_id
        and theirs.side is ours.side.opposite
        and theirs.quantity == ours.quantity
    )
    if not fits:
        return Refusal("bad_group", "Take and stop close the entry: same account, instrument and size, other side.")
    is_right = theirs.order_type is OrderType.LIMIT if leg.role is OrderRole.TAKE else theirs.order_type in _EXITS
    if not is_right or leg.role not in (OrderRole.TAKE, OrderRole.STOP):
        return Refusal("bad_group", "The take is a limit order, the stop a stop or stop-limit order.")
    if theirs.time_in_force not in (TimeInForce.DAY, TimeInForce.GTC):
        return Refusal("bad_group", "Take and stop are DAY or GTC.")
    return None


def check_terms(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    """Whether the instruction makes sense for this instrument, whatever the market does."""
    return _check_quantity(terms, book) or _check_prices(terms, book) or _check_trail(terms, book) or _check_kind(terms)


def check_expiry(terms: OrderTerms, now: int, today: str) -> Refusal | None:
    """Whether a GTD order says until when, nothing else does, and that lies ahead."""
    if (terms.time_in_force is TimeInForce.GTD) is not (bool(terms.expires_at) is not bool(terms.expires_on)):
        return Refusal("bad_expiry", "A GTD order has either a moment or a session at which it ends; no other has one.")
    if terms.expires_at and terms.expires_at <= now:
        return Refusal("bad_expiry", "The moment at which it would end is past.")
    if terms.expires_on and (not _DATE.fullmatch(terms.expires_on) or terms.expires_on < today):
        return Refusal("bad_expiry", f"The session {terms.expires_on[:20]} is no day to come.")
    return None


def _check_trail(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    """A trailing stop has one distance, and nothing else has any."""
    given = [each for each in (terms.trail_amount, terms.trail_fraction) if each is not None]
    if not terms.is_trailing:
        has_any = given or terms.limit_offset is not None
        return Refusal("extra_price", "Only a TRAILING_STOP order has a distance.") if has_any else None
    if len(given) != 1:
        return Refusal("missing_price", "A TRAILING_STOP order needs a distance: an amount or a part of the price.")
    tick, offset = book.instrument.tick_size, terms.limit_offset
    if not given[0].is_finite() or not 0 < given[0] < (MAX_PRICE if terms.trail_fraction is None else 1):
        return Refusal("bad_price", f"The distance {given[0]} is no positive amount, or not less than the whole price.")
    if offset is not None and not (offset.is_finite() and 0 <= offset <= MAX_PRICE and is_multiple(offset, tick)):
        return Refusal("bad_increment", f"The limit's offset {offset} is not a multiple of the tick of {tick}.")
    if terms.trail_amount is not None and not is_multiple(terms.trail_amount, tick):
        return Refusal("bad_increment", f"The distance {terms.trail_amount} is off the tick of {tick}.")
    return None


def _check_quantity(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    quantity, lot = terms.quantity, book.instrument.lot_size
    if not quantity.is_finite() or quantity <= 0:
        return Refusal("bad_quantity", f"Quantity {quantity} is not a positive number.")
    if quantity > MAX_QUANTITY:
        return Refusal("bad_quantity", f"Quantity {quantity} is over this venue's {MAX_QUANTITY}.")
    if not is_multiple(quantity, lot):
        return Refusal("bad_increment", f"Quantity {quantity} is not a multiple of {lot}.")
    return None


def _check_prices(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    wanted = (
        ("limit price", terms.limit_price, terms.order_type in _LIMITS),
        ("stop price", terms.stop_price, terms.order_type in _STOPS),
    )
    for name, price, is_needed in wanted:
        if price is None:
            if is_needed:
                return Refusal("missing_price", f"A {terms.order_type.value} order needs a {name}.")
        elif not is_needed:
            return Refusal("extra_price", f"A {terms.order_type.value} order takes no {name}.")
        elif not price.is_finite() or price <= 0:
            return Refusal("bad_price", f"The {name} {price} is not a positive number.")
        elif price > MAX_PRICE:
            return Refusal("bad_price", f"The {name} {price} is over this venue's {MAX_PRICE}.")
        elif not is_multiple(price, book.instrument.tick_size):
            return Refusal("bad_increment", f"The {name} {price} is off the tick of {book.instrument.tick_size}.")
    return None


def _check_kind(terms: OrderTerms) -> Refusal | None:
    if terms.session is SessionHours.EXTENDED and (
        terms.order_type is not OrderType.LIMIT or terms.time_in_force in _AUCTIONS
    ):
        return Refusal("extended_needs_limit", "Outside regular hours only limit orders trade.")
    if terms.order_type in _EXITS and terms.time_in_force in (*_AUCTIONS, *_IMMEDIATE):
        return Refusal("unsupported", "A stop is DAY, GTC or GTD.")
    return None


def check_phase(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    """Whether an order of this kind may be entered at this hour."""
    phase, tif = book.phase, terms.time_in_force
    if tif in (TimeInForce.GTC, TimeInForce.GTD):
        return None
    if tif is TimeInForce.AT_THE_OPEN:
        is_late = book.has_opened and phase in (MarketPhase.OPEN, MarketPhase.CLOSING_AUCTION)
        return Refusal("closed", "The open is over; send it tonight or use AT_THE_CLOSE.") if is_late else None
    if phase is MarketPhase.CLOSED:
        return Refusal("closed", "The market is closed; use GTC or AT_THE_OPEN.")
    if tif is TimeInForce.AT_THE_CLOSE:
        return Refusal("closed", "The close is over; use AT_THE_OPEN.") if phase is MarketPhase.POST else None
    if terms.session is SessionHours.EXTENDED:
        return None
    if phase is MarketPhase.POST:
        return Refusal("closed", "Regular hours are over; use an EXTENDED limit order, GTC or AT_THE_OPEN.")
    if tif in _IMMEDIATE and phase is not MarketPhase.OPEN:
        return Refusal("closed", f"{tif.value} needs an open market; use DAY or an EXTENDED limit order.")
    return None


def check_short(terms: OrderTerms, book: InstrumentBook, state: AccountState, desk: Desk) -> Refusal | None:
    """Whether selling would go short where that is not allowed. Legs of a bracket close what their entry opened."""
    if terms.side is not Side.SELL:
        return None
    is_cash = state.account.account_type is AccountType.CASH
    if book.instrument.shortable and not is_cash:
        return None
    held = state.positions.get(terms.instrument_id, ZERO)
    selling = _selling(terms, desk)
    if held - selling >= terms.quantity:
        return None
    spare = max(ZERO, held - selling)
    why = "a cash account cannot sell short" if is_cash else "no shares can be borrowed"
    return Refusal("no_short", f"{terms.instrument_id}: {why}; {spare} can be sold.")


def _selling(terms: OrderTerms, desk: Desk) -> Decimal:
    """Quantity of working sells: of a bracket's two legs only one can execute."""
    total, groups = ZERO, dict[str, Decimal]()
    for order in desk.open_orders(terms.account_id):
        if order.sign > 0 or order.terms.instrument_id != terms.instrument_id:
            continue
        if order.group_id:
            groups[order.group_id] = max(groups.get(order.group_id, ZERO), order.leaves)
        else:
            total += order.leaves
    return total + sum(groups.values(), ZERO)
