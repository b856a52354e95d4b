"""Corporate actions at the venue: before the open of the ex-date they meet every account that holds the share.

The rule for orders: a split tells every working order of its instrument in new shares (see `adjusting`); a dividend
leaves orders as they are. A fraction of a lot is paid out at the last close in new shares; a
dividend is paid on what is held, and a short position pays it.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from stockpulse_engine.domain.corporate import ActionStatement, exact_price, scaled_price, split_parts
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.columns import from_e8
from stockpulse_engine.venue.adjusting import Adjusted, adjust_orders, put_back
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.matching import Matcher
from stockpulse_engine.venue.restate import restated
from stockpulse_engine.venue.source import DueAction

SPLITS = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
APPLIED = (*SPLITS, ActionKind.DIVIDEND)
"""What is applied; the rest is said to be not."""
NOTHING = Adjusted(Counter(), Counter(), [])


def apply_action(matcher: Matcher, due: DueAction) -> list[MarketEvent]:
    """Let one action meet every account; returns the quote in new shares, where there was one in old ones."""
    action, book = due.action, matcher.books.get(due.action.instrument_id)
    if book is None or action.kind not in APPLIED:
        return []
    matcher.desk.now = max(matcher.desk.now, due.at_ns)
    price = _worth(action, book)
    adjusted = adjust_orders(matcher, book, due) if action.kind in SPLITS else NOTHING
    for account_id, state in matcher.desk.accounts.items():
        held = state.positions.get(action.instrument_id, ZERO)
        if held or action.kind in SPLITS:  # who holds nothing may wait for a price of it all the same
            matcher.desk.act(_statement(due, account_id, held, price, book.instrument.lot_size, adjusted))
    shown = _restate(book, due, price) if action.kind in SPLITS else []
    put_back(matcher, adjusted)
    return shown


def _statement(  # noqa: PLR0917 - one row of facts
    due: DueAction, account_id: str, held: Decimal, price: Decimal, lot_size: Decimal, adjusted: Adjusted
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
        canceled=adjusted.ended[account_id],
        adjusted=adjusted.changed[account_id],
    )


def _worth(action: CorporateAction, book: InstrumentBook) -> Decimal:
    """A new share at the last close: what the source says it was, else the last print."""
    old = from_e8(action.reference_e8) if action.reference_e8 else ZERO
    if not old and book.last_trade is not None:
        old = book.last_trade.price
    return scaled_price(old, action.numerator, action.denominator) if old else ZERO


def _restate(book: InstrumentBook, due: DueAction, worth: Decimal) -> list[MarketEvent]:
    quote = book.quote
    book.session_price = book.last_trade = None
    if worth:
        book.begin_new_shares(exact_price(worth, due.action.denominator, due.action.numerator), worth)
    if quote is None:
        return []
    shown = restated(quote, due, book.instrument.tick_size)
    book.show(shown)
    return [shown]
