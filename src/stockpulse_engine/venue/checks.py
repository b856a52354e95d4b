"""What the venue refuses, each with a code and a sentence that says the fix."""

from __future__ import annotations

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


class Refusal(msgspec.Struct, frozen=True):
    """A definite no."""

    code: str
    reason: str


_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_AUCTIONS = (TimeInForce.AT_THE_OPEN, TimeInForce.AT_THE_CLOSE)
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
_BRACKET = (OrderRole.ENTRY, OrderRole.TAKE, OrderRole.STOP)


def check_group(orders: Sequence[NewOrder]) -> Refusal | None:
    """Whether this is one order, or an entry with its take and stop."""
    if len(orders) == 1:
        alone = orders[0]
        if alone.role in (OrderRole.TAKE, OrderRole.STOP):
            return Refusal("bad_group", "A bracket's take or stop cannot come without its entry.")
        return None
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
    is_right = theirs.order_type is OrderType.LIMIT if leg.role is OrderRole.TAKE else theirs.order_type in _STOPS
    if not is_right or leg.role not in (OrderRole.TAKE, OrderRole.STOP):
        return Refusal("bad_group", "The take is a limit order, the stop a stop or stop-limit order.")
    if theirs.time_in_force not in (TimeInForce.DAY, TimeInForce.GTC):
        return Refusal("bad_group", "Take and stop are DAY or GTC.")
    return None


def check_terms(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    """Whether the instruction makes sense for this instrument, whatever the market does."""
    return _check_quantity(terms, book) or _check_prices(terms, book) or _check_kind(terms)


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
    if terms.order_type is OrderType.TRAILING_STOP or terms.time_in_force is TimeInForce.GTD:
        return Refusal(
            "unsupported", "This venue takes MARKET, LIMIT, STOP and STOP_LIMIT; DAY, GTC, IOC, FOK and auctions."
        )
    if terms.session is SessionHours.EXTENDED and (
        terms.order_type is not OrderType.LIMIT or terms.time_in_force in _AUCTIONS
    ):
        return Refusal("extended_needs_limit", "Outside regular hours only limit orders trade.")
    if terms.order_type in _STOPS and terms.time_in_force in (*_AUCTIONS, *_IMMEDIATE):
        return Refusal("unsupported", "A stop is DAY or GTC.")
    return None


def check_phase(terms: OrderTerms, book: InstrumentBook) -> Refusal | None:
    """Whether an order of this kind may be entered at this hour."""
    phase, tif = book.phase, terms.time_in_force
    if tif is TimeInForce.GTC:
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
    total, brackets = ZERO, dict[str, Decimal]()
    for order in desk.open_orders(terms.account_id):
        if order.sign > 0 or order.terms.instrument_id != terms.instrument_id:
            continue
        if order.is_child:
            brackets[order.parent_id] = max(brackets.get(order.parent_id, ZERO), order.leaves)
        else:
            total += order.leaves
    return total + sum(brackets.values(), ZERO)
