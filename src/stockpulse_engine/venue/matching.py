"""The matcher: pure and deterministic, driven by market events, requests and market time alone.

An order reaches the book `latency` of market time after it was received; so do a cancel and a replacement. Nothing
executes while the instrument is halted, on a crossed or stale quote, or outside the order's hours. Stops look at the
last regular print, and at the quote only where an instrument has no prints. How orders execute is in `execution`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Depth, InstrumentStatus, MarketEvent, MarketPhase, NewsItem, Quote, Trade
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderRole, OrderTerms
from stockpulse_engine.venue import brackets, trailing
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.desk import Desk
from stockpulse_engine.venue.execution import SIGNS, Execution, see_best, see_depth
from stockpulse_engine.venue.expiry import TIME_IS_UP, is_late, is_over, set_session
from stockpulse_engine.venue.orders import CANCELED, EXPIRED, HELD, WorkingOrder

MILLISECOND_NS = 1_000_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What may be configured, in nanoseconds of market time."""

    latency_ns: int = 5 * MILLISECOND_NS
    feed_silence_ns: int = 0
    """Without a sign of life from the feed for this long nothing matches; 0: the source is the market itself."""
    quote_age_ns: int = 0
    """A quote older than this is not traded on; 0: it stands until replaced."""
    needs_book: bool = True
    """Whether nothing matches while neither side shows a size; False where the feed tells prints and no book."""


class Matcher:
    """Books, time and what happens to orders. Requests come through `intake`, which checks them first."""

    def __init__(
        self, desk: Desk, rules: Rules, instruments: Iterable[Instrument], session_of: Callable[[int], str]
    ) -> None:
        self.desk = desk
        self.rules = rules
        self.books: dict[str, InstrumentBook] = {}
        self.session_of = session_of
        self._execution = Execution(self._fill, self._may_trade)
        self._due: list[tuple[int, int, WorkingOrder]] = []
        self._scheduled = 0
        self._feed_ns = 0
        for instrument in instruments:
            self.add_instrument(instrument)

    @property
    def now(self) -> int:
        """Market time of the last thing that happened."""
        return self.desk.now

    def add_instrument(self, instrument: Instrument) -> None:
        """Make an instrument tradable (again: new details, same book)."""
        book = self.books.get(instrument.instrument_id)
        if book is None:
            self.books[instrument.instrument_id] = InstrumentBook(instrument)
        else:
            book.instrument = instrument

    def seed(self, events: Sequence[MarketEvent], now: int) -> None:
        """Take in the state of the market at the moment of opening; nothing executes on it."""
        self.desk.now = now
        for event in sorted(events, key=lambda each: not isinstance(each, InstrumentStatus)):
            if isinstance(event, NewsItem) or event.instrument_id not in self.books:
                continue
            book = self.books[event.instrument_id]
            book.show(event)
            if isinstance(event, Trade) and self.session_of(event.ts_event) != self.session_of(now):
                book.session_price = None

    def restore(self, orders: Iterable[WorkingOrder]) -> None:
        """Put orders of an earlier run back, at the end of every queue; what is over by now expires."""
        for order in sorted(orders, key=lambda each: each.number):
            order.is_resting, order.ahead = False, None
            was_live, order.is_live = order.is_live, False
            if not order.is_open:
                continue
            if order.terms.instrument_id not in self.books:
                self.desk.close(order, EXPIRED, f"{order.terms.instrument_id} is not traded here any more", "delisted")
                continue
            if is_late(order, self.now):
                self.desk.close(order, EXPIRED, TIME_IS_UP, "day_end")
                continue
            is_travelling = not was_live and order.status != HELD
            times = (order.cancel_ns, order.replace_ns, order.trail_due_ns, order.terms.expires_at)
            for at in (*times, order.arrive_ns if is_travelling else 0):
                if at:
                    self._schedule(order, at)
            if was_live:
                self._place(order)
        for book in self.books.values():
            self._expire(book)

    def admit(self, order: WorkingOrder) -> None:
        """Let a registered order travel to the book."""
        set_session(order, self._book(order).phase, self.session_of(self.now))
        order.arrive_ns = self.now + self.rules.latency_ns
        self._schedule(order, order.arrive_ns)
        if order.terms.expires_at:
            self._schedule(order, order.terms.expires_at)

    def ask_cancel(self, order: WorkingOrder, *, is_still: bool) -> None:
        """A cancel was asked for; it takes effect after the latency, at once while the market stands still."""
        order.cancel_ns = self.now + (0 if is_still else self.rules.latency_ns)
        self._schedule(order, order.cancel_ns)
        if is_still:
            self._run_due(self.now)

    def ask_replace(self, order: WorkingOrder, terms: OrderTerms, *, is_still: bool) -> None:
        """New terms were asked for; a later request before they take effect overrides them."""
        order.replace_terms = terms
        order.replace_ns = self.now + (0 if is_still else self.rules.latency_ns)
        self._schedule(order, order.replace_ns)
        if is_still:
            self._run_due(self.now)

    def feed_lives(self) -> None:
        """The feed gave a sign of life (live worlds)."""
        self._feed_ns = self.now

    def on_event(self, event: MarketEvent) -> None:
        """Take in one market event and execute what follows from it."""
        now = max(self.now, event.ts_event)
        self._run_due(now - 1)
        self.desk.now = now
        if isinstance(event, NewsItem):
            return
        book = self.books.get(event.instrument_id)
        if book is None:
            return
        if isinstance(event, InstrumentStatus):
            self._on_status(book, event)
            return
        book.show(event)
        if isinstance(event, Quote):
            self._on_quote(book)
        elif isinstance(event, Depth):
            see_depth(book, event)
            self._execution.take_waiting(book)
        elif isinstance(event, Trade):
            self._on_trade(book, event)

    def advance(self, now: int) -> None:
        """Let time pass to `now`: what was on its way arrives."""
        self._run_due(now)
        self.desk.now = max(self.now, now)

    def place(self, order: WorkingOrder) -> None:
        """Put an order that was taken out back into its book, at the end of every queue."""
        self._place(order)

    # --- what is asked ----------------------------------------------------------------------------------------

    def _schedule(self, order: WorkingOrder, at: int) -> None:
        self._scheduled += 1
        heapq.heappush(self._due, (at, self._scheduled, order))

    def _run_due(self, until: int) -> None:
        while self._due and self._due[0][0] <= until:
            at, _, order = heapq.heappop(self._due)
            self.desk.now = max(self.now, at)
            if order.is_open:
                self._act(order)

    def _act(self, order: WorkingOrder) -> None:
        """Do what is due for an open order now."""
        if is_late(order, self.now):
            self.end(order, EXPIRED, TIME_IS_UP, "day_end")
            return
        if order.trail_due_ns and order.trail_due_ns <= self.now:
            self._tell_trail(order)
        if not order.is_live and order.status != HELD and order.arrive_ns <= self.now:
            self._place(order)
        if order.is_open and order.replace_ns and order.replace_ns <= self.now:
            self._replace(order)
        if order.is_open and order.cancel_ns and order.cancel_ns <= self.now:
            self.end(order, CANCELED, "canceled on request")

    def _place(self, order: WorkingOrder) -> None:
        """The order is in the book from now on."""
        order.is_live = True
        book, stop = self._book(order), order.terms.stop_price
        if order.is_auction:
            book.auction.append(order)
        elif order.is_trailing:
            book.trailing.append(order)
            self._check_stops(book)
        elif order.is_waiting_stop and stop is not None:
            book.stops(order.sign).add(stop, order)
            self._check_stops(book)
        else:
            book.wait(order)
            self._execution.take(book, order)
            if order.is_open and order.is_immediate:
                can_trade = self._may_trade(book, order)
                why = "no more is displayed within the limit" if can_trade else "the market is not trading"
                self.end(order, CANCELED, why, "immediate")

    def _replace(self, order: WorkingOrder) -> None:
        """Give an order the terms it waits for. Anything but less quantity costs its place in the queue."""
        terms, before = order.replace_terms, order.terms
        order.replace_ns, order.replace_terms = 0, None
        if terms is None:
            return
        if terms.quantity <= order.filled:
            why = f"{order.filled} are filled already; the new quantity must be more."
            self.desk.report(order, OrderEventKind.UPDATE_REJECT, reason=why, code="too_late")
            return
        is_less = terms.quantity <= before.quantity and same_but_quantity(terms, before)
        is_moved = order.is_live and not is_less
        if is_moved:
            self._book(order).remove(order)
        if terms.is_trailing:  # where trigger and limit stand is ours to say
            terms = msgspec.structs.replace(terms, stop_price=before.stop_price, limit_price=before.limit_price)
        order.terms = terms
        if order.is_trailing:
            trailing.settle(order, self._book(order).instrument.tick_size)
        self.desk.report(order, OrderEventKind.UPDATE, terms=order.terms)
        if order.role is OrderRole.ENTRY:
            brackets.resize(self.desk, order, before.quantity)
        self._settle(order)
        if is_moved and order.is_open:
            self._place(order)

    def end(self, order: WorkingOrder, status: str, reason: str, code: str = "") -> None:
        """End an order without a fill and take it out of its book; its bracket follows."""
        self._book(order).remove(order)
        self.desk.close(order, status, reason, code)
        self._settle(order)

    # --- what the market does ---------------------------------------------------------------------------------

    def _on_quote(self, book: InstrumentBook) -> None:
        if book.is_crossed or not book.has_orders:
            return
        self._check_stops(book)
        see_best(book)
        self._execution.take_waiting(book)
        self._execution.fill_through(book)

    def _on_trade(self, book: InstrumentBook, trade: Trade) -> None:
        is_first = book.phase is MarketPhase.OPEN and not book.has_opened and not book.is_halted
        if trade.is_auction or (is_first and book.auction):
            self._run_auction(book, trade)
        if not trade.is_auction and not book.is_halted:
            self._execution.print_trade(book, trade)
        book.has_opened = book.has_opened or is_first
        self._check_stops(book)

    def _run_auction(self, book: InstrumentBook, trade: Trade) -> None:
        """Execute at the auction's price; on-open or on-close orders that are left over end here."""
        invited = [order for order in book.auction if book.is_for_auction(order)]
        self._execution.run_auction(book, trade, invited)
        if book.is_halted:
            return
        book.has_opened = True
        for order in invited:
            if order.is_open:
                self.end(order, EXPIRED, f"the auction at {trade.price} did not fill the rest", "auction")

    def _check_stops(self, book: InstrumentBook) -> None:
        """Trigger every stop that the last print (or, without prints, the quote) has reached."""
        if book.is_halted or book.phase is not MarketPhase.OPEN:
            return
        for sign in SIGNS:
            ladder = book.stops(sign)
            price = book.stop_price(sign) if ladder.prices else None
            if price is None:
                continue
            reached = ladder.below(price, inclusive=True) if sign > 0 else ladder.above(price, inclusive=True)
            for order in tuple(reached):
                if order.is_open:
                    self._trigger(book, order, price)
        for order in tuple(book.trailing):
            price = book.stop_price(order.sign)
            if price is not None and order.is_open:
                self._trail(book, order, price)

    def _trail(self, book: InstrumentBook, order: WorkingOrder, price: Decimal) -> None:
        """A trailing stop sees a price: its trigger follows, or is reached."""
        if trailing.follow(order, price, book.instrument.tick_size):
            self.desk.touch(order)
            if not order.trail_due_ns:
                order.trail_due_ns = max(self.now, order.trail_told_ns + trailing.TELL_NS)
                self._schedule(order, order.trail_due_ns)
        elif trailing.is_reached(order, price):
            self._trigger(book, order, price)

    def _tell_trail(self, order: WorkingOrder) -> None:
        order.trail_due_ns, order.trail_told_ns = 0, self.now
        self.desk.report(order, OrderEventKind.TRAIL, terms=order.terms)

    def _trigger(self, book: InstrumentBook, order: WorkingOrder, price: Decimal) -> None:
        book.remove(order)
        limit = trailing.limit_beyond(order, book.instrument.tick_size)
        self.desk.trigger(order, f"{price} reached the stop", limit)
        book.wait(order)
        self._execution.take(book, order)

    def _on_status(self, book: InstrumentBook, status: InstrumentStatus) -> None:
        if book.show(status):
            book.unrest()
        today = self.session_of(self.now)
        for order in book.auction:
            if not order.session_date:
                set_session(order, book.phase, today)
        self._expire(book)

    def _expire(self, book: InstrumentBook) -> None:
        """End what the session's phase has ended, and DAY orders of an earlier session."""
        if not book.has_orders:
            return
        today = self.session_of(self.now)
        for order in book.orders():
            why = is_over(order, book.phase, today) if order.is_open else ""
            if why:
                self.end(order, EXPIRED, why, "day_end")

    # --- common -----------------------------------------------------------------------------------------------

    def _fill(self, book: InstrumentBook, order: WorkingOrder, quantity: Decimal, price: Decimal, how: str) -> None:
        self.desk.fill(order, quantity, price, how)
        if not order.is_open:
            book.remove(order)
            self._refuse_late(order)
        self._settle(order)

    def _refuse_late(self, order: WorkingOrder) -> None:
        """A cancel or replacement on its way to an order that just filled is refused."""
        if order.cancel_ns:
            self.desk.report(order, OrderEventKind.CANCEL_REJECT, reason="filled before the cancel", code="too_late")
        if order.replace_ns:
            self.desk.report(order, OrderEventKind.UPDATE_REJECT, reason="filled before the change", code="too_late")
        order.cancel_ns, order.replace_ns, order.replace_terms = 0, 0, None

    def _settle(self, order: WorkingOrder) -> None:
        """Bring a bracket's legs in line after anything happened to one of its orders."""
        if not brackets.is_bracket(order):
            return
        done = brackets.settle(self.desk, order)
        for leg in done.ended:
            self._book(leg).remove(leg)
        for leg in done.grown:
            if leg.is_resting and leg.limit is not None and leg.ahead is not None:
                leg.ahead = max(self._book(leg).company(leg.sign).size_at(leg.limit) or ZERO, leg.ahead)
        for leg in done.activated:
            if leg.is_open:
                set_session(leg, self._book(leg).phase, self.session_of(self.now))
                self._place(leg)

    def _may_trade(self, book: InstrumentBook, order: WorkingOrder) -> bool:
        if not book.may_trade(order) or book.quote is None or (self.rules.needs_book and book.is_empty):
            return False
        rules = self.rules
        if rules.feed_silence_ns and self.now - self._feed_ns > rules.feed_silence_ns:
            return False
        return not rules.quote_age_ns or self.now - book.quote.ts_event <= rules.quote_age_ns

    def _book(self, order: WorkingOrder) -> InstrumentBook:
        return self.books[order.terms.instrument_id]


def same_but_quantity(terms: OrderTerms, before: OrderTerms) -> bool:
    """Whether two instructions differ in nothing but the quantity."""
    return msgspec.structs.replace(terms, quantity=before.quantity) == before
