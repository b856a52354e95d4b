"""One instrument as the venue sees it: what the market displays, what of it we have taken, and our orders.

The market does not know of our orders, so what we take is remembered here until the market itself refreshes the
level: the same displayed size is never sold to us twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Depth, InstrumentStatus, Level, MarketPhase, Quote, Trade
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Side, TimeInForce
from stockpulse_engine.venue.ladder import Ladder
from stockpulse_engine.venue.orders import WorkingOrder

TELLING = Decimal("1.25")
"""From this ratio on a price tells whether it is one of old or of new shares."""
REGULAR_PHASES = frozenset({MarketPhase.OPENING_AUCTION, MarketPhase.OPEN, MarketPhase.CLOSING_AUCTION})
EXTENDED_PHASES = frozenset({MarketPhase.PRE, MarketPhase.POST})


class Displayed:
    """One side of the displayed book: best price and size, deeper levels, and what we have taken of each."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        """+1: the bids; -1: the asks."""
        self.price = ZERO
        self.size = ZERO
        self._shown: tuple[Level, ...] = ()
        self._sizes: dict[Decimal, Decimal] | None = {}
        """The deeper levels by price; None until someone asks, for most depth events nobody does."""
        self._taken: dict[Decimal, tuple[Decimal, Decimal]] = {}
        """price → (displayed size when we took, quantity we took)."""

    def set_best(self, price: Decimal, size: Decimal) -> None:
        """A new quote: levels better than it are gone, and so is what we took there.

        A moved price makes the deeper levels old news, until the depth event that follows it.
        """
        if price != self.price:
            self._shown, self._sizes = (), {}
        self.price, self.size = price, size
        if self._taken:
            self._taken = {p: entry for p, entry in self._taken.items() if not self._is_better(p, price)}

    def set_deeper(self, levels: tuple[Level, ...]) -> None:
        """A new depth event, best level first."""
        self._shown, self._sizes = levels, None
        if self._taken:
            self._taken = {p: entry for p, entry in self._taken.items() if p in self._deeper or p == self.price}

    def clear(self) -> None:
        """Nothing is displayed until the next quote."""
        self.size = ZERO
        self._shown, self._sizes = (), {}
        self._taken.clear()

    def size_at(self, price: Decimal) -> Decimal | None:
        """Displayed size at a price; None where the book cannot be seen."""
        if price == self.price:
            return self.size
        if self._is_better(price, self.price):
            return ZERO
        return self._deeper.get(price)

    def levels(self) -> Iterator[tuple[Decimal, Decimal]]:
        """What may still be taken: (price, size), best first."""
        if self.size > 0:
            yield self.price, self._left(self.price, self.size)
        for price, size in tuple(self._deeper.items()):
            if self._is_better(self.price, price):
                yield price, self._left(price, size)

    def take(self, price: Decimal, quantity: Decimal) -> None:
        """Remember that we took `quantity` of what is displayed at `price`."""
        size = self.size if price == self.price else self._deeper[price]
        seen, taken = self._taken.get(price, (size, ZERO))
        self._taken[price] = (size, quantity + (taken if seen == size else ZERO))

    @property
    def _deeper(self) -> dict[Decimal, Decimal]:
        if self._sizes is None:
            self._sizes = {level.price: level.size for level in self._shown}
        return self._sizes

    def _left(self, price: Decimal, size: Decimal) -> Decimal:
        seen, taken = self._taken.get(price, (size, ZERO))
        return size - taken if seen == size else size

    def _is_better(self, price: Decimal, than: Decimal) -> bool:
        return price > than if self.sign > 0 else price < than


class InstrumentBook:
    """State of one instrument. Only the matcher writes to it."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.phase = MarketPhase.CLOSED
        self.status: InstrumentStatus | None = None
        self.is_halted = False
        self.quote: Quote | None = None
        self.depth: Depth | None = None
        self.last_trade: Trade | None = None
        self.session_price: Decimal | None = None
        """Price of the last print of this session's regular hours: what stops look at."""
        self.is_fresh = False
        """A quote has come since the phase last changed."""
        self.has_opened = False
        """The opening auction (or the first regular print) of this session is over."""
        self.crossed = 0
        """Crossed quotes seen; they are never traded on."""
        self.bids, self.asks = Displayed(1), Displayed(-1)
        self.buys, self.sells = Ladder(), Ladder()
        """Orders in the queue at their price."""
        self.buy_stops, self.sell_stops = Ladder(), Ladder()
        self.waiting: list[WorkingOrder] = []
        """Orders that take what is displayed as soon as they may: market orders, and limits not yet queued."""
        self.auction: list[WorkingOrder] = []
        self._old_and_new: tuple[Decimal, Decimal] | None = None
        """After a split, what a share was worth and is worth, until the first print of new ones."""
        self.is_delisted = False
        """It trades no more, or under another id: nothing is taken."""
        self.trailing: list[WorkingOrder] = []
        """Stops whose trigger follows the market."""

    @property
    def is_crossed(self) -> bool:
        """Whether bid is over ask: someone's data is wrong or late, nothing is traded on it."""
        quote = self.quote
        return quote is not None and quote.bid_size > 0 and quote.ask_size > 0 and quote.bid > quote.ask

    @property
    def is_empty(self) -> bool:
        """Whether neither side shows anything: no price is known, so nothing is traded on it."""
        return self.bids.size <= 0 and self.asks.size <= 0

    @property
    def has_orders(self) -> bool:
        """Whether any order of ours is here."""
        ladders = self.buys.prices or self.sells.prices or self.buy_stops.prices or self.sell_stops.prices
        return bool(self.waiting or self.auction or self.trailing or ladders)

    def show(self, event: Quote | Trade | Depth | InstrumentStatus) -> bool:
        """Take in what the market shows; True when a status changed phase or halt."""
        if isinstance(event, Quote):
            self._set_quote(event)
        elif isinstance(event, Depth):
            self.depth = event
            self.bids.set_deeper(event.bids)
            self.asks.set_deeper(event.asks)
        elif isinstance(event, Trade):
            self.last_trade = event
            if self.phase in REGULAR_PHASES:
                self.session_price = event.price
        else:
            return self._set_status(event)
        return False

    def _set_quote(self, quote: Quote) -> None:
        self.quote = quote
        self.is_fresh = True
        self.bids.set_best(quote.bid, quote.bid_size)
        self.asks.set_best(quote.ask, quote.ask_size)
        self.crossed += self.is_crossed

    def _set_status(self, status: InstrumentStatus) -> bool:
        """What was displayed before a change of phase or halt no longer counts."""
        self.status = status
        if (status.phase, status.is_halted) == (self.phase, self.is_halted):
            return False
        if status.phase in (MarketPhase.CLOSED, MarketPhase.PRE) and self.phase is not status.phase:
            self.has_opened, self.session_price = False, None
        self.phase, self.is_halted = status.phase, status.is_halted
        self.is_fresh = False
        self.bids.clear()
        self.asks.clear()
        return True

    def begin_new_shares(self, old: Decimal, new: Decimal) -> None:
        """A split: what prints and quotes come in old shares all the same moves no stop."""
        self._old_and_new = (old, new) if max(old / new, new / old) >= TELLING else None

    def is_of_old_shares(self, price: Decimal) -> bool:
        """Whether a price after a split is nearer, as a ratio, to what a share was worth before it."""
        if self._old_and_new is None or price <= 0:
            return False
        old, new = self._old_and_new
        if max(price / old, old / price) < max(price / new, new / price):
            return True
        self._old_and_new = None
        return False

    def stop_price(self, sign: int) -> Decimal | None:
        """What stops of one side are compared with: the session's last print, the quote where prints are unknown."""
        if self.last_trade is not None:
            price = self.session_price
            return None if price is not None and self.is_of_old_shares(price) else price
        shown = self.offers(sign)
        is_whole = shown.size > 0 and self.is_fresh and not self.is_crossed
        return shown.price if is_whole and not self.is_of_old_shares(shown.price) else None

    def offers(self, sign: int) -> Displayed:
        """The side an order of this sign takes from."""
        return self.asks if sign > 0 else self.bids

    def company(self, sign: int) -> Displayed:
        """The side an order of this sign rests beside."""
        return self.bids if sign > 0 else self.asks

    def resting(self, sign: int) -> Ladder:
        """Queued orders of one side."""
        return self.buys if sign > 0 else self.sells

    def stops(self, sign: int) -> Ladder:
        """Stops of one side."""
        return self.buy_stops if sign > 0 else self.sell_stops

    def may_trade(self, order: WorkingOrder) -> bool:
        """Whether phase, halt and quote allow this order to execute now."""
        if self.is_halted or not self.is_fresh or self.is_crossed:
            return False
        return self.phase is MarketPhase.OPEN or (order.is_extended and self.phase in EXTENDED_PHASES)

    def remove(self, order: WorkingOrder) -> None:
        """Take an order out of wherever it is."""
        terms = order.terms
        if order.is_resting and terms.limit_price is not None:
            self.resting(order.sign).remove(terms.limit_price, order)
        elif order.is_trailing:
            _drop(self.trailing, order)
        elif order.is_waiting_stop and terms.stop_price is not None:
            self.stops(order.sign).remove(terms.stop_price, order)
        elif order.is_auction:
            _drop(self.auction, order)
        else:
            _drop(self.waiting, order)
        order.is_resting, order.ahead = False, None

    def orders(self) -> list[WorkingOrder]:
        """Every order here, in order of time."""
        found = [*self.waiting, *self.auction, *self.buys, *self.sells, *self.buy_stops, *self.sell_stops]
        found += self.trailing
        return sorted(found, key=lambda order: order.number)

    def unrest(self) -> None:
        """Forget queue positions: after a halt or a night everyone starts anew, at the price then displayed."""
        for order in (*self.buys, *self.sells):
            self.remove(order)
            self.waiting.append(order)
        self.waiting.sort(key=_priority)

    def wait(self, order: WorkingOrder) -> None:
        """Put an order among those that take as soon as they may."""
        self.waiting.append(order)
        self.waiting.sort(key=_priority)

    def is_for_auction(self, order: WorkingOrder) -> bool:
        """Whether the order takes part in the auction of the present phase."""
        is_opening = order.terms.time_in_force is TimeInForce.AT_THE_OPEN
        return is_opening is (self.phase is not MarketPhase.CLOSING_AUCTION)


def _priority(order: WorkingOrder) -> tuple[bool, Decimal, int]:
    """Market orders, then the better price, then time."""
    limit = order.limit
    if limit is None:
        return (False, ZERO, order.number)
    return (True, -limit if order.terms.side is Side.BUY else limit, order.number)


def _drop(orders: list[WorkingOrder], order: WorkingOrder) -> None:
    if order in orders:
        orders.remove(order)
