"""Corporate actions at the venue: before the open of the ex-date they meet every account that holds the share.

The rule for orders: a split cancels every working order of its instrument, because prices and sizes meant other
shares; a dividend leaves orders as they are. A fraction of a lot is paid out at the last close in new shares; a
dividend is paid on what is held, and a short position pays it.
"""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.corporate import ActionStatement, scaled_price, split_parts
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.columns import from_e8
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.matching import Matcher
from stockpulse_engine.venue.orders import CANCELED
from stockpulse_engine.venue.restate import restated
from stockpulse_engine.venue.source import DueAction

SPLITS = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
APPLIED = (*SPLITS, ActionKind.DIVIDEND)
"""What is applied; the rest is said to be not."""


def apply_action(matcher: Matcher, due: DueAction) -> list[MarketEvent]:
    """Let one action meet every account; returns the quote in new shares, where there was one in old ones."""
    action, book = due.action, matcher.books.get(due.action.instrument_id)
    if book is None or action.kind not in APPLIED:
        return []
    matcher.desk.now = max(matcher.desk.now, due.at_ns)
    price = _worth(action, book)
    canceled = _cancel_orders(matcher, book, due) if action.kind in SPLITS else {}
    for account_id, state in matcher.desk.accounts.items():
        held = state.positions.get(action.instrument_id, ZERO)
        if held:
            matcher.desk.act(_statement(due, account_id, held, price, book.instrument.lot_size, canceled))
    return _restate(book, due) if action.kind in SPLITS else []


def _statement(  # noqa: PLR0917 - one row of facts
    due: DueAction, account_id: str, held: Decimal, price: Decimal, lot_size: Decimal, canceled: dict[str, int]
) -> ActionStatement:
    action = due.action
    amount = from_e8(action.amount_e8) if action.kind is ActionKind.DIVIDEND else ZERO
    whole, cash = held, to_minor(held * amount)
    if action.kind in SPLITS:
        whole, fraction = split_parts(held, action.numerator, action.denominator, lot_size)
        cash = to_minor(fraction * price)
    return ActionStatement(
        action_id=due.action_id,
        account_id=account_id,
        instrument_id=action.instrument_id,
        kind=action.kind.value,
        numerator=action.numerator if action.kind in SPLITS else 1,
        denominator=action.denominator if action.kind in SPLITS else 1,
        amount=amount,
        lot_size=lot_size,
        price=price if action.kind in SPLITS else ZERO,
        before=held,
        after=whole,
        cash=cash,
        canceled=canceled.get(account_id, 0),
    )


def _worth(action: CorporateAction, book: InstrumentBook) -> Decimal:
    """A new share at the last close: what the source says it was, else the last print."""
    old = from_e8(action.reference_e8) if action.reference_e8 else ZERO
    if not old and book.last_trade is not None:
        old = book.last_trade.price
    return scaled_price(old, action.numerator, action.denominator) if old else ZERO


def _cancel_orders(matcher: Matcher, book: InstrumentBook, due: DueAction) -> dict[str, int]:
    """End every open order of the instrument; returns how many of each account."""
    action = due.action
    words = f"split {action.numerator} for {action.denominator}: its price and size meant old shares; send it anew"
    counts: dict[str, int] = {}
    for order in tuple(matcher.desk.orders.values()):
        if order.is_open and order.terms.instrument_id == book.instrument.instrument_id:
            matcher.end(order, CANCELED, words, "corporate_action")
            counts[order.account_id] = counts.get(order.account_id, 0) + 1
    return counts


def _restate(book: InstrumentBook, due: DueAction) -> list[MarketEvent]:
    quote = book.quote
    book.session_price = book.last_trade = None
    if quote is None:
        return []
    shown = restated(quote, due, book.instrument.tick_size)
    book.show(shown)
    return [shown]
