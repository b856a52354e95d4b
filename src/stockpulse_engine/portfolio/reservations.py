"""Worst case of open orders: what they could still cost if every one filled, UNKNOWN ones included (L9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, Side

FeeEstimate = Callable[[int, Decimal, Decimal], Decimal]
"""(sign, quantity, notional) → fee of an order that executes so; positive is a cost."""

_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)


def no_fee(sign: int, quantity: Decimal, notional: Decimal) -> Decimal:  # noqa: ARG001 - the signature is FeeEstimate's
    """The estimate of a venue without fees."""
    return ZERO


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What one open order may still do.

    Attributes:
        quantity: still to execute at worst, positive.
        price: worst price of a buy, highest expected of a sell.
        fee: estimated for the whole of `quantity`.
        is_closing: it can only reduce (reduce-only, or a bracket's take or stop).
        group: id of the bracket's entry for a take or stop: of a group only one executes. Else "".
    """

    instrument_id: str
    sign: int
    quantity: Decimal
    price: Decimal
    fee: Decimal
    is_closing: bool
    group: str = ""
    client_order_id: str = ""


def worst_price(terms: OrderTerms, bid: Decimal | None, ask: Decimal | None, collar: Decimal) -> Decimal | None:
    """The price that makes an order dearest: its limit, or the market (or stop) plus the collar for a buy.

    A sell is taken at the higher of its limit and the bid, since that is what a short would be worth. The trigger of
    a trailing buy only falls: at worst it stands its whole distance from the market it began at, until it has a limit.
    None when nothing bounds it.
    """
    if terms.side is Side.BUY:
        if terms.order_type in _LIMITED or (terms.is_trailing and terms.limit_price is not None):
            return terms.limit_price
        if terms.is_trailing:
            return _worst_trail(terms, ask, collar)
        touch = max((price for price in (terms.stop_price, ask) if price is not None), default=None)
        return None if touch is None else touch * (1 + collar)
    return max((price for price in (terms.limit_price, terms.stop_price, bid) if price is not None), default=None)


def _worst_trail(terms: OrderTerms, ask: Decimal | None, collar: Decimal) -> Decimal | None:
    """Dearest price of a trailing buy: its trigger, as told or where it would begin, and what lies beyond."""
    first = None if ask is None else terms.trail_from(ask)
    start = terms.stop_price if terms.stop_price is not None else first
    if start is None:
        return None
    touch = start if ask is None else max(start, ask)
    return touch * (1 + collar) if terms.limit_offset is None else touch + terms.limit_offset


def claim_of(order: Order, collar: Decimal, fee: FeeEstimate = no_fee) -> Claim | None:
    """The worst case of one order; None when it can cost nothing any more.

    An order with a pending change is taken at the dearer of both terms. The price of an order with no bound of
    its own is the quote it arrived at, plus the collar.
    """
    if not order.is_open:
        return None
    terms, wanted = order.terms, order.pending_terms
    quantity = max(terms.quantity, wanted.quantity if wanted is not None else ZERO) - order.filled_quantity
    if quantity <= 0:
        return None
    price = worst_price(terms, order.arrival_bid, order.arrival_ask, collar) or ZERO
    if wanted is not None:
        price = max(price, worst_price(wanted, order.arrival_bid, order.arrival_ask, collar) or ZERO)
    is_child = order.role in (OrderRole.TAKE, OrderRole.STOP)
    return Claim(
        terms.instrument_id,
        terms.side.sign,
        quantity,
        price,
        fee(terms.side.sign, quantity, quantity * price),
        is_child or terms.is_reduce_only,
        (order.parent_id or order.client_order_id) if is_child else "",
        order.client_order_id,
    )


def claims_alike(before: Order, order: Order) -> bool:
    """Whether two states of one order claim the same for certain: nothing that a claim is made of was replaced."""
    return before is order or (
        before.terms is order.terms
        and before.pending_terms is order.pending_terms
        and before.filled_quantity is order.filled_quantity
        and before.is_open is order.is_open
        and before.arrival_bid is order.arrival_bid
        and before.arrival_ask is order.arrival_ask
        and before.role is order.role
        and before.parent_id == order.parent_id
    )


def in_flight(claims: Iterable[Claim], sign: int) -> Decimal:
    """Quantity working in one direction; a bracket's take and stop count once, at the larger of the two."""
    total, groups = ZERO, dict[str, Decimal]()
    for claim in claims:
        if claim.sign != sign:
            continue
        if claim.group:
            groups[claim.group] = max(groups.get(claim.group, ZERO), claim.quantity)
        else:
            total += claim.quantity
    return total + sum(groups.values(), ZERO)


def opening_notional(claims: Sequence[Claim], held: Decimal) -> Decimal:
    """Worst-case notional that the claims of one instrument may open beyond what they close of `held`."""
    return OpeningSide(claims, 1).notional_beside(held) + OpeningSide(claims, -1).notional_beside(held)


def pending_notional(claims: Sequence[Claim], held: Callable[[str], Decimal]) -> Decimal:
    """Worst-case notional all open orders of an account may open."""
    by_instrument: dict[str, list[Claim]] = {}
    for claim in claims:
        group = by_instrument.get(claim.instrument_id)
        if group is None:
            by_instrument[claim.instrument_id] = [claim]
        else:
            group.append(claim)
    total = ZERO
    for key, group in by_instrument.items():
        total += opening_notional(group, held(key))
    return total


def fees_of(claims: Iterable[Claim]) -> Decimal:
    """Estimated fees of all claims; rebates set nothing free."""
    return sum((claim.fee for claim in claims if claim.fee > 0), ZERO)


class OpeningSide:
    """What the claims of one direction add up to, those that can only close left out."""

    __slots__ = ("_sign", "dearest", "notional", "quantity")

    def __init__(self, claims: Iterable[Claim], sign: int) -> None:
        self._sign = sign
        self.quantity = self.notional = self.dearest = ZERO
        for claim in claims:
            if claim.sign == sign and not claim.is_closing:
                self.add(claim.quantity, claim.price)

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Take one more in."""
        self.quantity += quantity
        self.notional += quantity * price
        self.dearest = max(self.dearest, price)

    def notional_beside(self, held: Decimal) -> Decimal:
        """Its notional beside what is held, less the cheapest units, which close that."""
        cover = held if self._sign < 0 else -held
        if cover <= 0 or not self.quantity:
            return self.notional
        return min(self.notional, max(ZERO, self.quantity - cover) * self.dearest)


class ClaimCache:
    """Claims of a changing set of immutable orders: an order is worked out again only when it changed."""

    def __init__(self, collar: Decimal, fee: FeeEstimate = no_fee) -> None:
        self._collar = collar
        self._fee = fee
        self._known: dict[str, tuple[Order, Claim | None]] = {}

    def claims(self, orders: Iterable[Order]) -> list[Claim]:
        """Claims of `orders` (one account); what is not among them any more is forgotten."""
        known, found = {}, []
        for order in orders:
            entry = self._known.get(order.client_order_id)
            if entry is None or not claims_alike(entry[0], order):
                entry = (order, claim_of(order, self._collar, self._fee))
            known[order.client_order_id] = entry
            if entry[1] is not None:
                found.append(entry[1])
        self._known = known
        return found
