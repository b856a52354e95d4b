"""Brackets and pairs: legs wait for their entry and close no more than it filled; each exit uses up the other."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderRole
from stockpulse_engine.venue.desk import Desk
from stockpulse_engine.venue.orders import ACCEPTED, CANCELED, HELD, WorkingOrder


class Settlement(msgspec.Struct):
    """What the matcher has to do to the legs after the bracket changed."""

    activated: list[WorkingOrder]
    """Legs that reach the book now."""
    grown: list[WorkingOrder]
    """Legs in the book whose open quantity rose: they lose their place in the queue."""
    ended: list[WorkingOrder]
    """Legs that were canceled by the rule: to be taken out of the book."""


def settle(desk: Desk, order: WorkingOrder) -> Settlement:
    """Bring the legs of the bracket that `order` belongs to in line with what entry and legs have filled.

    Afterwards, for entry E and legs T and S: T.filled + S.filled + max(T.leaves, S.leaves) <= E.filled.
    """
    if order.pair_id:
        return _settle_pair(desk, order)
    done = Settlement([], [], [])
    entry = desk.entry_of(order) if order.is_child else order
    legs = desk.legs(entry)
    used = sum((leg.filled for leg in legs), ZERO)
    assert used <= entry.filled, "legs never close more than the entry filled"
    planned = entry.terms.quantity if entry.is_open else entry.filled
    for leg in legs:
        if leg.is_open:
            _settle_leg(desk, leg, planned - used + leg.filled, entry.filled - used, done)
    return done


def _settle_pair(desk: Desk, order: WorkingOrder) -> Settlement:
    """`order` was filled or changed: the other of the two may do what is left, and nothing when nothing is.

    Afterwards, for A and B of a pair that closes Q: A.filled + B.filled + max(A.leaves, B.leaves) <= Q.
    """
    done = Settlement([], [], [])
    for other in desk.pair(order):
        if other is order or not other.is_open:
            continue
        total = order.terms.quantity - order.filled + other.filled
        if total <= other.filled:
            done.ended.append(other)
            desk.close(other, CANCELED, "the other of the pair was filled", "oco")
        elif total != other.terms.quantity:
            if total > other.terms.quantity:
                done.grown.append(other)
            other.terms = msgspec.structs.replace(other.terms, quantity=total)
            desk.report(other, OrderEventKind.UPDATE, terms=other.terms, reason="follows the other of the pair")
    return done


def _settle_leg(desk: Desk, leg: WorkingOrder, total: Decimal, released: Decimal, done: Settlement) -> None:
    """`total`: the most this leg may ever execute; `released`: what is open between both legs now."""
    if total <= leg.filled:
        has_traded = total > 0 or leg.filled > 0 or desk.entry_of(leg).filled > 0
        done.ended.append(leg)
        desk.close(leg, CANCELED, "the bracket is closed" if has_traded else "the entry did not fill", "oco")
        return
    if total < leg.terms.quantity:
        leg.terms = msgspec.structs.replace(leg.terms, quantity=total)
        desk.report(leg, OrderEventKind.UPDATE, terms=leg.terms, reason="reduced with the bracket")
    before = leg.open_quantity or ZERO
    leg.open_quantity = min(released, leg.terms.quantity - leg.filled)
    if leg.status == HELD:
        if leg.open_quantity > 0:
            leg.status = ACCEPTED
            desk.touch(leg)
            done.activated.append(leg)
    elif leg.open_quantity > before:
        done.grown.append(leg)
    if leg.open_quantity != before:
        desk.touch(leg)


def resize(desk: Desk, entry: WorkingOrder, before: Decimal) -> None:
    """The entry's quantity was changed from `before`: legs that covered all of it still do."""
    for leg in desk.legs(entry):
        if leg.is_open and leg.terms.quantity == before:
            leg.terms = msgspec.structs.replace(leg.terms, quantity=entry.terms.quantity)
            desk.report(leg, OrderEventKind.UPDATE, terms=leg.terms, reason="resized with the entry")


def is_bracket(order: WorkingOrder) -> bool:
    """Whether other orders hang on this one."""
    return order.role is not OrderRole.SINGLE
