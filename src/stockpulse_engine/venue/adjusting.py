"""Working orders meet a split: their sizes and prices are told in new shares, or they end where that can not be done.

Rounding never costs more than was asked for: sizes down to the lot, a buyer's limit down and a seller's up, a stop away
from the market, so that no split makes one fire. What an entry bought before counts old shares; its exits close what
came out of them, and stand on their own from then on as a pair.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from stockpulse_engine.domain.corporate import adjusted_terms, exact_price
from stockpulse_engine.domain.orders import OrderEventKind, OrderRole
from stockpulse_engine.venue import trailing
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.matching import Matcher
from stockpulse_engine.venue.orders import ACCEPTED, CANCELED, HELD, WorkingOrder
from stockpulse_engine.venue.source import DueAction

CODE = "corporate_action"


class Adjusted(NamedTuple):
    """How many orders of each account were adjusted and ended, and those to be put back into the book."""

    changed: Counter[str]
    ended: Counter[str]
    live: list[WorkingOrder]


def adjust_orders(matcher: Matcher, book: InstrumentBook, due: DueAction) -> Adjusted:
    """Give every open order of the instrument its new terms and take it out of the book."""
    ratio = (due.action.numerator, due.action.denominator)
    words = f"split {ratio[0]} for {ratio[1]}"
    done = Adjusted(Counter(), Counter(), [])
    for order in _orders(matcher, book):
        if order.is_open and order.role is OrderRole.ENTRY and order.filled:
            matcher.end(order, CANCELED, f"{words}: the rest was asked for in old shares; send it anew", CODE)
            done.ended[order.account_id] += 1
    for order in _orders(matcher, book):
        if order.is_open:
            _stand_alone(matcher, order)
            _adjust(matcher, book, order, ratio, done)
    return done


def put_back(matcher: Matcher, done: Adjusted) -> None:
    """The market is told in new shares by now: the orders go back to where they were, behind everybody else."""
    for order in done.live:
        if order.is_open:
            matcher.place(order)


def _orders(matcher: Matcher, book: InstrumentBook) -> list[WorkingOrder]:
    name = book.instrument.instrument_id
    found = [order for order in matcher.desk.orders.values() if order.terms.instrument_id == name and order.is_open]
    return sorted(found, key=lambda order: order.number)


def _stand_alone(matcher: Matcher, order: WorkingOrder) -> None:
    """An exit whose entry has executed no longer measures itself by that."""
    if order.is_child and matcher.desk.entry_of(order).filled:
        order.pair_id, order.open_quantity = order.parent_id, None
        if order.status == HELD:
            order.status = ACCEPTED


def _adjust(
    matcher: Matcher, book: InstrumentBook, order: WorkingOrder, ratio: tuple[int, int], done: Adjusted
) -> None:
    words, desk = f"split {ratio[0]} for {ratio[1]}", matcher.desk
    instrument = book.instrument
    terms = None
    if not order.is_auction:
        terms = adjusted_terms(order.terms, order.filled, ratio, tick=instrument.tick_size, lot=instrument.lot_size)
    if terms is None:
        why = "its size or price can not be told in new shares" if not order.is_auction else "it was for one auction"
        matcher.end(order, CANCELED, f"{words}: {why}; send it anew", CODE)
        done.ended[order.account_id] += 1
        return
    if order.replace_ns:
        desk.report(order, OrderEventKind.UPDATE_REJECT, reason=f"{words}: it was asked in old shares", code=CODE)
        order.replace_ns, order.replace_terms = 0, None
    book.remove(order)
    order.terms = terms
    if order.trail_best is not None and order.is_trailing:
        order.trail_best = exact_price(order.trail_best, *ratio)
        trailing.settle(order, instrument.tick_size)
    desk.report(order, OrderEventKind.UPDATE, terms=order.terms, reason=words)
    done.changed[order.account_id] += 1
    if order.is_live:
        done.live.append(order)
