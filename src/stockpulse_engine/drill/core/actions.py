"""Splits and dividends at the simulated broker, for every account that holds the share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from stockpulse_engine.domain.corporate import ActionStatement, scaled_price, split_parts
from stockpulse_engine.domain.money import ZERO, to_minor
from stockpulse_engine.drill.core.books import Books
from stockpulse_engine.drill.core.market import Listing
from stockpulse_engine.drill.core.orders import CANCELED, DrillOrder

Tell = Callable[[str, ActionStatement], None]


class Actions:
    """Applies corporate actions."""

    def __init__(
        self,
        listings: Mapping[str, Listing],
        books: Mapping[str, Books],
        working: Callable[[str], tuple[DrillOrder, ...]],
        end: Callable[[DrillOrder, str, str], None],
        tell: Tell,
    ) -> None:
        self._listings = listings
        self._books = books
        self._working = working
        self._end = end
        self._tell = tell

    def split(self, instrument_id: str, ratio: Fraction, price: Decimal | None, now: int, *, cancels: bool) -> None:
        """Restate quotes and holdings; working orders end, or stay with old prices where the broker is like that."""
        listing = self._listings[instrument_id]
        new, old = ratio.numerator, ratio.denominator
        worth = price if price is not None else scaled_price((listing.bid + listing.ask) / 2, new, old)
        ended: dict[str, int] = {}
        for order in self._working(instrument_id) if cancels else ():
            if order.is_open:
                ended[order.account_id] = ended.get(order.account_id, 0) + 1
                self._end(order, CANCELED, f"split {new} for {old}")
        tick = listing.instrument.tick_size
        bid, ask = (_on_tick(scaled_price(one, new, old), tick) for one in (listing.bid, listing.ask))
        listing.move(max(tick, bid), max(tick * 2, ask, bid + tick))
        for account_id, book in self._books.items():
            if holding := book.held.get(instrument_id):
                lot = listing.instrument.lot_size
                whole, fraction = split_parts(holding.quantity, new, old, lot)
                cash = to_minor(fraction * worth)
                book.cash += cash
                book.set(instrument_id, whole, scaled_price(holding.cost, new, old))
                said = ActionStatement(
                    action_id=f"{instrument_id}:SPLIT:{now}",
                    account_id=account_id,
                    instrument_id=instrument_id,
                    kind="SPLIT",
                    numerator=new,
                    denominator=old,
                    lot_size=lot,
                    price=worth,
                    before=holding.quantity,
                    after=whole,
                    cash=cash,
                    canceled=ended.get(account_id, 0),
                )
                self._tell(account_id, said)

    def dividend(self, instrument_id: str, amount: Decimal, now: int) -> None:
        """Pay it on what is held."""
        for account_id, book in self._books.items():
            if holding := book.held.get(instrument_id):
                cash = to_minor(holding.quantity * amount)
                book.cash += cash
                said = ActionStatement(
                    action_id=f"{instrument_id}:DIVIDEND:{now}",
                    account_id=account_id,
                    instrument_id=instrument_id,
                    kind="DIVIDEND",
                    amount=amount,
                    lot_size=self._listings[instrument_id].instrument.lot_size,
                    before=holding.quantity,
                    after=holding.quantity,
                    cash=cash,
                )
                self._tell(account_id, said)


def _on_tick(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value() * tick or ZERO
