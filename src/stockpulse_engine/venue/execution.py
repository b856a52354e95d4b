"""How orders execute against what the market shows: taking, queueing, prints and auctions.

- What is displayed may be taken once; our takings are remembered until the market refreshes the level.
- A limit order that cannot take joins the queue behind the displayed size at its price. Prints at its price eat the
  queue, then it; a print or a quote through its price fills it at its own price.
- Auction prints execute every order that accepts the price; on-open and on-close orders execute only there.
- Our orders never meet each other: the market is the counterparty of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from stockpulse_engine.domain.market import Depth, Trade
from stockpulse_engine.domain.money import ZERO, round_down_to_lot
from stockpulse_engine.domain.orders import TimeInForce
from stockpulse_engine.venue.auctions import allocate
from stockpulse_engine.venue.book import Displayed, InstrumentBook
from stockpulse_engine.venue.ladder import Ladder
from stockpulse_engine.venue.orders import WorkingOrder

FillHook = Callable[[InstrumentBook, WorkingOrder, Decimal, Decimal, str], None]
"""Books one execution: book, order, quantity, price, liquidity (T, M or A)."""
SIGNS = (1, -1)


class Execution:
    """Executes orders of one book at a time; `fill` books, `may_trade` knows halts, hours and staleness."""

    def __init__(self, fill: FillHook, may_trade: Callable[[InstrumentBook, WorkingOrder], bool]) -> None:
        self._fill = fill
        self._may_trade = may_trade

    def take(self, book: InstrumentBook, order: WorkingOrder) -> None:
        """Take what is displayed within the limit; the rest of a limit order joins the queue."""
        if not self._may_trade(book, order):
            return
        offers = book.offers(order.sign)
        if order.terms.time_in_force is TimeInForce.FOK and not _covers(offers, order):
            return
        for price, quantity in _portions(book, offers, order):
            self._fill(book, order, quantity, price, "T")
        if order.limit is None or order.is_immediate or order.is_resting or not order.is_open:
            return
        if not (book.is_empty and order.accepts(offers.price)):  # without a book it meets the next print instead
            join_queue(book, order)

    def take_waiting(self, book: InstrumentBook) -> None:
        """Let every waiting order take."""
        for order in tuple(book.waiting):
            if order.is_open:
                self.take(book, order)

    def fill_through(self, book: InstrumentBook) -> None:
        """The other side came to our price: whoever sent it met our resting orders first, at our price."""
        for sign in SIGNS:
            offers, resting = book.offers(sign), book.resting(sign)
            if offers.size <= 0 or not resting.prices:
                continue
            for order in _from(resting, sign, offers.price, inclusive=True):
                limit = order.limit
                if limit is None or not self._may_trade(book, order):
                    continue
                for _, quantity in _portions(book, offers, order):
                    self._fill(book, order, quantity, limit, "M")

    def print_trade(self, book: InstrumentBook, trade: Trade) -> None:
        """A print fills everything it went through and eats the queue at its price."""
        left = trade.size
        if book.is_empty:
            left -= self._meet_print(book, trade)
        for sign in SIGNS:
            resting = book.resting(sign)
            if not resting.prices:
                continue
            for order in _from(resting, sign, trade.price, inclusive=False):
                left -= self._fill_resting(book, order, left)
            if _hits(book, trade, sign):
                left -= self._eat_queue(book, resting.at(trade.price), left)

    def _meet_print(self, book: InstrumentBook, trade: Trade) -> Decimal:
        """Where no book is told, whoever would take trades at the price of the print; returns how much."""
        taken = ZERO
        for order in tuple(book.waiting):
            quantity = _whole_lots(book, min(order.leaves, trade.size - taken))
            if order.is_open and quantity > 0 and order.accepts(trade.price) and self._may_trade(book, order):
                self._fill(book, order, quantity, trade.price, "T")
                taken += quantity
        return taken

    def run_auction(self, book: InstrumentBook, trade: Trade, invited: Iterable[WorkingOrder]) -> None:
        """Execute the invited (and, in a real auction, everyone else in the book) at the auction's price."""
        others = [order for order in (*book.waiting, *book.buys, *book.sells) if not order.is_immediate]
        everyone = [*invited, *others] if trade.is_auction else list(invited)
        for order, share in allocate(everyone, trade.price, trade.size, book.instrument.lot_size):
            if order.leaves >= share:  # a bracket's other leg may have used it up
                self._fill(book, order, share, trade.price, "A")

    def _eat_queue(self, book: InstrumentBook, level: Iterable[WorkingOrder], size: Decimal) -> Decimal:
        """Prints take the market's size in front of each order first; returns what our orders got."""
        ours = ZERO
        for order in level:
            ahead = order.ahead
            if ahead is None:  # we do not know how many are in front: then it is not our turn
                continue
            reach = size - ours
            order.ahead = max(ZERO, ahead - reach)
            ours += self._fill_resting(book, order, reach - ahead)
        return ours

    def _fill_resting(self, book: InstrumentBook, order: WorkingOrder, size: Decimal) -> Decimal:
        """Fill a queued order at its own price with at most `size`; returns how much."""
        quantity = _whole_lots(book, min(order.leaves, size))
        if quantity <= 0 or order.limit is None or not self._may_trade(book, order):
            return ZERO
        self._fill(book, order, quantity, order.limit, "M")
        return quantity


def join_queue(book: InstrumentBook, order: WorkingOrder) -> None:
    """Move a live limit order to the end of the queue at its price."""
    limit = order.limit
    assert limit is not None, "only limit orders queue"
    book.remove(order)
    order.is_resting = True
    order.ahead = None if book.is_empty else book.company(order.sign).size_at(limit)
    book.resting(order.sign).add(limit, order)


def see_best(book: InstrumentBook) -> None:
    """A quote tells what is in front of us at the best price, and that nothing is in front of a better one."""
    for sign in SIGNS:
        shown, resting = book.company(sign), book.resting(sign)
        if not resting.prices or shown.size <= 0:
            continue
        for order in _from(resting, sign, shown.price, inclusive=False):
            order.ahead = ZERO
        _see_level(resting.at(shown.price), shown.size)


def see_depth(book: InstrumentBook, depth: Depth) -> None:
    """A depth event tells what is in front of us at deeper levels."""
    for sign, levels in ((1, depth.bids), (-1, depth.asks)):
        resting = book.resting(sign)
        if resting.prices:
            for level in levels[1:]:
                _see_level(resting.at(level.price), level.size)


def _see_level(orders: Iterable[WorkingOrder], size: Decimal) -> None:
    """Never more in front than is displayed; unknown becomes everything displayed."""
    for order in orders:
        order.ahead = size if order.ahead is None else min(order.ahead, size)


def _from(resting: Ladder, sign: int, price: Decimal, *, inclusive: bool) -> Iterator[WorkingOrder]:
    """Orders at least as aggressive as `price`, best first."""
    return resting.above(price, inclusive=inclusive) if sign > 0 else resting.below(price, inclusive=inclusive)


def _portions(book: InstrumentBook, offers: Displayed, order: WorkingOrder) -> Iterator[tuple[Decimal, Decimal]]:
    """What the order may take now, level by level; each portion counts as taken once it is handed out."""
    for price, size in offers.levels():
        if not order.accepts(price):
            return
        quantity = _whole_lots(book, min(order.leaves, size))
        if quantity > 0:
            offers.take(price, quantity)
            yield price, quantity


def _covers(offers: Displayed, order: WorkingOrder) -> bool:
    return sum((size for price, size in offers.levels() if order.accepts(price)), ZERO) >= order.leaves


def _whole_lots(book: InstrumentBook, quantity: Decimal) -> Decimal:
    lot = book.instrument.lot_size
    return quantity if quantity % lot == 0 else round_down_to_lot(quantity, lot)


def _hits(book: InstrumentBook, trade: Trade, sign: int) -> bool:
    """Whether a print at its price came from an order that meets the resting orders of this side."""
    if trade.aggressor:
        return (trade.aggressor == "S") is (sign > 0)
    opposite = book.offers(sign)
    if opposite.size <= 0:
        return True
    return trade.price < opposite.price if sign > 0 else trade.price > opposite.price
