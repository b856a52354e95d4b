"""Corporate actions at the venue: before the open of the ex-date they meet every account that holds the share.

The rule for orders: a split tells every working order of its instrument in new shares (see `adjusting`); a dividend
leaves orders as they are. A fraction of a lot is paid out at the last close in new shares; a
dividend is paid on what is held, and a short position pays it.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.corporate import ActionStatement, exact_price, scaled_price, split_parts, withheld_of
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.columns import from_e8
from stockpulse_engine.venue.adjusting import CODE, Adjusted, adjust_orders, put_back
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.matching import Matcher
from stockpulse_engine.venue.orders import CANCELED
from stockpulse_engine.venue.restate import restated
from stockpulse_engine.venue.source import DueAction
from stockpulse_engine.venue.withholding import Withholding

SPLITS = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
APPLIED = (*SPLITS, ActionKind.DIVIDEND, ActionKind.RENAME, ActionKind.DELISTING)
"""What is applied; the rest is said to be not."""
ENDS = (ActionKind.RENAME, ActionKind.DELISTING)
NOTHING = Adjusted(Counter(), Counter(), [])


def apply_action(matcher: Matcher, due: DueAction, tax: Withholding | None = None) -> list[MarketEvent]:
    """Let one action meet every account; returns the quote in new shares, where there was one in old ones."""
    action, book = due.action, matcher.books.get(due.action.instrument_id)
    if book is None or action.kind not in APPLIED:
        return []
    matcher.desk.now = max(matcher.desk.now, due.at_ns)
    if action.kind in ENDS:
        _end_of_listing(matcher, book, due)
        return []
    price = _worth(action, book)
    adjusted = adjust_orders(matcher, book, due) if action.kind in SPLITS else NOTHING
    for account_id, state in matcher.desk.accounts.items():
        held = state.positions.get(action.instrument_id, ZERO)
        if held or action.kind in SPLITS:  # who holds nothing may wait for a price of it all the same
            rate = tax.rate(account_id, action.instrument_id) if tax is not None else ZERO
            matcher.desk.act(_taxed(_statement(due, account_id, held, price, book.instrument.lot_size, adjusted), rate))
    shown = _restate(book, due, price) if action.kind in SPLITS else []
    put_back(matcher, adjusted)
    return shown


def mark_delisted(matcher: Matcher, due: DueAction) -> None:
    """An action of before this start: what is delisted stays so."""
    book = matcher.books.get(due.action.instrument_id)
    if book is not None and due.action.kind is ActionKind.DELISTING:
        book.is_delisted = True


def _end_of_listing(matcher: Matcher, book: InstrumentBook, due: DueAction) -> None:
    """It trades no more, or under another id: orders end; what is held stays, or goes on under the other id.

    A rename to what is not traded here changes nothing.
    """
    action, other = due.action, due.action.other_id
    is_rename = action.kind is ActionKind.RENAME
    if is_rename and (other == action.instrument_id or other not in matcher.books):
        return
    book.is_delisted = True
    words = f"it trades as {other} from now on" if is_rename else "it is delisted"
    ended: Counter[str] = Counter()
    for order in tuple(matcher.desk.orders.values()):
        if order.is_open and order.terms.instrument_id == action.instrument_id:
            matcher.end(order, CANCELED, words, CODE)
            ended[order.account_id] += 1
    for account_id, state in matcher.desk.accounts.items():
        held = state.positions.get(action.instrument_id, ZERO)
        if held:
            said = _statement(due, account_id, held, ZERO, book.instrument.lot_size, Adjusted(Counter(), ended, []))
            matcher.desk.act(structs.replace(said, other_id=other if is_rename else ""))


def _taxed(said: ActionStatement, rate: Decimal) -> ActionStatement:
    """A dividend with what was withheld of it."""
    withheld = withheld_of(said.cash, rate) if said.amount else ZERO
    if not withheld:
        return said
    return structs.replace(said, cash=said.cash - withheld, tax_rate=rate, withheld=withheld)


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
