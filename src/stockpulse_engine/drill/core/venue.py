"""The simulated broker: accounts, prices, orders and executions, and the odd things brokers have been seen to do.

Pure and deterministic: time is asked from `now`, chance comes from the seed alone, and nothing waits. Everything it
hands out is a copy. What happened is told once in `take_news` and can be read again in `news`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Any, Final

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderRole, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.actions import Actions
from stockpulse_engine.drill.core.books import Books
from stockpulse_engine.drill.core.checks import check_kind, check_means, check_numbers
from stockpulse_engine.drill.core.families import Families, join
from stockpulse_engine.drill.core.market import Listing
from stockpulse_engine.drill.core.orders import (
    AccountState,
    DrillOrder,
    Execution,
    News,
    NewsKind,
    Refused,
    Rules,
    Trick,
)
from stockpulse_engine.drill.core.record import Record

_SHY_LISTS: Final = 3
"""For how many answers an order is missing, or positions are old."""
_MOST_BACK: Final = 50
_AUCTION = {True: TimeInForce.AT_THE_OPEN, False: TimeInForce.AT_THE_CLOSE}


class DrillVenue:
    """One broker with its market.

    Args:
        now: UTC nanoseconds.
        seed: of execution ids and of what is drawn.
        rules: of the personality.
    """

    def __init__(self, *, now: Callable[[], int], seed: int = 0, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.requests: Counter[str] = Counter()
        """Submissions that arrived, by client order id, refused ones included."""
        self.is_open = True
        """Whether the session is on: nothing executes while it is not."""
        self._now = now
        self._random = random.Random(seed)
        self._stem = f"{self._random.getrandbits(40):010x}"
        self._listings: dict[str, Listing] = {}
        self._books: dict[str, Books] = {}
        self._record = Record(self._stem)
        self._executions: dict[str, Execution] = {}
        self._gone: set[str] = set()
        """Executions that were taken back or restated."""
        self._armed: Counter[Trick] = Counter()
        self._hidden: dict[str, int] = {}
        self._shown: dict[str, tuple[AccountState, int]] = {}
        self._families = Families(
            waits_for_all=self.rules.legs_wait_for_all, end=self._end, tell=self._tell_order, place=self._place
        )
        self._actions = Actions(self._listings, self._books, self._record.working_in, self._end, self._tell_action)

    # --- the market ---------------------------------------------------------------------------------------

    def list_instrument(self, instrument: Instrument, bid: Decimal, ask: Decimal, size: Decimal) -> None:
        """Trade an instrument, with this size on each side after each move."""
        self._listings[instrument.instrument_id] = Listing(
            instrument=instrument, bid=bid, ask=ask, size=size, bid_left=size, ask_left=size
        )

    def instruments(self) -> tuple[Instrument, ...]:
        """All that is traded."""
        return tuple(each.instrument for each in self._listings.values())

    def quote(self, instrument_id: str) -> tuple[Decimal, Decimal]:
        """Bid and ask. Raises Refused for what is not traded."""
        listing = self._listing(instrument_id)
        return listing.bid, listing.ask

    def is_halted(self, instrument_id: str) -> bool:
        """Whether trading in it is halted."""
        return self._listing(instrument_id).is_halted

    def move(self, instrument_id: str, bid: Decimal, ask: Decimal) -> None:
        """A new quote; what rests may execute on it."""
        self._listing(instrument_id).move(bid, ask)
        self._match(instrument_id)

    def halt(self, instrument_id: str) -> None:
        """Nothing executes until `resume`."""
        self._listing(instrument_id).is_halted = True

    def resume(self, instrument_id: str) -> None:
        """Trade again."""
        self._listing(instrument_id).is_halted = False
        self._match(instrument_id)

    def set_session(self, *, is_open: bool) -> None:
        """Open or close: on-open and on-close orders execute in the middle; at the close DAY orders end."""
        self._run_auctions(_AUCTION[is_open])
        self.is_open = is_open
        self.advance()
        for instrument_id in self._listings:
            if is_open:
                self._match(instrument_id)
                continue
            for order in self._record.working_in(instrument_id):
                if order.time_in_force is TimeInForce.DAY and not (order.is_leg and order.status == o.HELD):
                    self._end(order, o.EXPIRED, "the day is over")

    def advance(self) -> None:
        """End what has reached its last moment."""
        for order in self._record.working():
            if order.expires_ns and order.expires_ns <= self._now() and order.is_open:
                self._end(order, o.EXPIRED, "its last moment has passed")

    def split(self, instrument_id: str, ratio: Fraction, *, price: Decimal | None = None) -> None:
        """So many new shares for an old one; `price` of a new share pays fractions, else the quote's middle does."""
        self._actions.split(instrument_id, ratio, price, self._now(), cancels=self.rules.cancels_on_split)
        if not self.rules.cancels_on_split:
            self._match(instrument_id)

    def dividend(self, instrument_id: str, amount: Decimal) -> None:
        """Pay this much a share to who holds it; who is short pays it."""
        self._actions.dividend(instrument_id, amount, self._now())

    # --- tricks -------------------------------------------------------------------------------------------

    def arm(self, trick: Trick, times: int = 1) -> None:
        """Let something odd happen at the next occasion."""
        if trick is Trick.ID_ROLLBACK:
            self._record.number = max(0, self._record.number - self._random.randint(1, _MOST_BACK))
        else:
            self._armed[trick] += times

    def disarm(self) -> None:
        """From now on nothing odd happens, and everything is shown as it is."""
        self._armed.clear()
        self._hidden.clear()
        self._shown.clear()

    @property
    def armed(self) -> Mapping[Trick, int]:
        """What still waits for its occasion."""
        return +self._armed

    # --- accounts -----------------------------------------------------------------------------------------

    def open_account(
        self, account_id: str, cash: Decimal, positions: Mapping[str, tuple[Decimal, Decimal]] | None = None
    ) -> None:
        """Open an account with holdings as quantity and cost price; a second time says nothing new."""
        self._books.setdefault(account_id, Books(cash, positions or {}))

    def has_account(self, account_id: str) -> bool:
        """Whether it is open here."""
        return account_id in self._books

    def deposit(self, account_id: str, amount: Decimal) -> None:
        """Money comes in or (negative) goes out, by nobody's order."""
        self._book(account_id).cash += amount

    def account(self, account_id: str) -> AccountState:
        """Cash, positions and buying power."""
        book, shown = self._book(account_id), self._shown.get(account_id)
        if shown is not None:
            state, left = shown
            if left > 1:
                self._shown[account_id] = state, left - 1
            else:
                del self._shown[account_id]
            return state
        return self._state(account_id, book)

    # --- orders -------------------------------------------------------------------------------------------

    def submit(self, account_id: str, orders: Sequence[DrillOrder]) -> tuple[DrillOrder, ...]:
        """Take one order, an entry with its exits, or a take with a stop, all or none. Raises Refused."""
        if not orders:
            raise Refused("bad_group", "There is no order in this request.")
        self.requests.update(one.client_order_id for one in orders)
        book = self._book(account_id)
        made = [copy(one) for one in orders]
        if repeated := self._repeated(account_id, made):
            return repeated
        for order in made:
            order.account_id, order.status = account_id, o.ACCEPTED
        try:
            self._check(book, made)
            join(made)
        except Refused as refusal:
            self._refuse(made, refusal)
            raise
        self._take(made)
        return tuple(copy(one) for one in made)

    def replace(
        self,
        account_id: str,
        venue_order_id: str,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        client_order_id: str = "",
    ) -> DrillOrder:
        """Change an order; where the personality wants it by a new one. Raises Refused, and tells it as well."""
        order = self._own(account_id, venue_order_id)
        if order.is_open and self._happens(Trick.REPLACE_RACE):
            self._execute(order, order.leaves, order.limit or self.quote(order.instrument_id)[0])
        try:
            if not order.is_open:
                raise Refused("too_late", f"The order is {order.status} already.")
            is_total = not self.rules.replaces_with_new_id  # a successor's quantity is its own
            if quantity is not None and is_total and quantity <= order.filled:
                raise Refused("too_late", f"{order.filled} are executed already; the quantity must be more.")
            self._check_numbers(order.instrument_id, quantity, limit_price, stop_price)
        except Refused as refusal:
            self._tell(NewsKind.REPLACE_REJECT, account_id, order=order, reason=refusal.words, code=refusal.code)
            raise
        changes = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price}
        new = self._successor(order, client_order_id) if self.rules.replaces_with_new_id else order
        before = order.quantity
        for name, value in changes.items():
            if value is not None:
                setattr(new, name, value)
        new.changed_ns = self._now()
        self._tell_order(NewsKind.REPLACE, new, "")
        if order.role is OrderRole.ENTRY and quantity is not None:
            self._families.resize(new, before)
        self._families.settle(new)
        if new.status != o.HELD:
            self._place(new)
        return copy(new)

    def cancel(self, account_id: str, venue_order_id: str) -> None:
        """Cancel an order. Raises Refused, and tells it as well."""
        order = self._own(account_id, venue_order_id)
        if not order.is_open:
            words = f"The order is {order.status} already."
            self._tell(NewsKind.CANCEL_REJECT, account_id, order=order, reason=words, code="too_late")
            raise Refused("too_late", words)
        self._end(order, o.CANCELED, "canceled on request")
        if self._happens(Trick.FILL_AFTER_CANCEL) and order.status == o.CANCELED:
            lot = self._listing(order.instrument_id).instrument.lot_size
            self._execute(order, min(lot, order.quantity - order.filled), order.limit or self._best(order))

    def cancel_all(self, account_id: str) -> tuple[str, ...]:
        """Cancel everything that works in an account; returns the venue order ids."""
        ended = []
        for order in self._record.open_of(account_id):
            if order.is_open:
                self._end(order, o.CANCELED, "canceled on request")
                ended.append(order.venue_order_id)
        return tuple(ended)

    # --- questions ----------------------------------------------------------------------------------------

    def order(self, account_id: str, *, client_order_id: str = "", venue_order_id: str = "") -> DrillOrder | None:
        """One order of an account by either id; of several with one client order id the first."""
        if venue_order_id:
            found = self._record.find(account_id, venue_order_id)
        else:
            found = next(iter(self._record.named(account_id, client_order_id)), None)
        return copy(found) if found is not None else None

    def open_orders(self, account_id: str) -> tuple[DrillOrder, ...]:
        """All that works or is held, but for what a trick hides."""
        shown = []
        for order in self._record.open_of(account_id):
            left = self._hidden.get(order.venue_order_id, 0)
            if not left:
                shown.append(copy(order))
            elif left == 1:
                del self._hidden[order.venue_order_id]
            else:
                self._hidden[order.venue_order_id] = left - 1
        return tuple(shown)

    def orders(self, account_id: str) -> tuple[DrillOrder, ...]:
        """Every order there ever was, oldest first."""
        return tuple(copy(one) for one in self._record.all_of(account_id))

    def family(self, account_id: str, venue_order_id: str) -> tuple[DrillOrder, ...]:
        """An order with those that came in the same request."""
        return tuple(copy(one) for one in self._families.of(self._own(account_id, venue_order_id)))

    def executions(self, account_id: str, after: int = 0) -> tuple[Execution, ...]:
        """Executions that stand, told after this news: neither what was taken back nor what was restated."""
        return tuple(
            one
            for key, one in self._executions.items()
            if one.account_id == account_id and one.seq > after and key not in self._gone
        )

    def count_orders(self, client_order_id: str) -> int:
        """How many orders were made from this id: more than one is a duplicate."""
        return self._record.count(client_order_id)

    def count_requests(self, client_order_id: str) -> int:
        """How often a submission with this id arrived."""
        return self.requests[client_order_id]

    def news(self, after: int = 0) -> Iterator[News]:
        """What happened after this number, as far as it is kept."""
        return self._record.news(after)

    def take_news(self) -> list[News]:
        """What happened since this was last asked."""
        return self._record.take_news()

    @property
    def last_seq(self) -> int:
        """Number of the last news."""
        return self._record.seq

    # --- executions restated ------------------------------------------------------------------------------

    def bust(self, execution_id: str) -> None:
        """Take an execution back."""
        execution, order = self._standing(execution_id)
        self._gone.add(execution_id)
        self._undo(execution, order)
        self._tell(NewsKind.BUST, execution.account_id, order=order, execution=execution, reason="taken back")

    def correct(self, execution_id: str, quantity: Decimal, price: Decimal) -> Execution:
        """State an execution anew; the new statement has its own id."""
        execution, order = self._standing(execution_id)
        status = order.status
        self._gone.add(execution_id)
        self._undo(execution, order)
        order.status = status
        return self._post(order, quantity, price, corrects=execution_id)

    # --- taking orders ------------------------------------------------------------------------------------

    def _repeated(self, account_id: str, made: Sequence[DrillOrder]) -> tuple[DrillOrder, ...]:
        """The answer to ids that were used before; nothing when they are new."""
        if self.rules.dedup is Dedup.NONE:
            return ()
        known = [self._record.named(account_id, one.client_order_id) for one in made]
        if not any(known):
            return ()
        first = [same[0] for same in known if same]
        is_same = len(first) == len(made) and all(map(self._record.was_sent_as, first, made))
        if not self.rules.repeats_answer or not is_same:
            raise Refused("duplicate_id", "This client order id was used before; use a new one.")
        if first[0].status == o.REJECTED:
            raise Refused(first[0].code, first[0].reason)
        return tuple(copy(one) for one in first)

    def _check(self, book: Books, made: Sequence[DrillOrder]) -> None:
        if self._happens(Trick.REJECT):
            raise Refused("refused", "The venue does not take this order.")
        for order in made:
            self._check_numbers(order.instrument_id, order.quantity, order.limit_price, order.stop_price)
            check_kind(order)
        first = made[0]
        working = self._record.working_in(first.instrument_id)
        check_means(self.rules, first, book, working, lambda: self._best(first))

    def _check_numbers(self, instrument_id: str, quantity: Decimal | None, *prices: Decimal | None) -> None:
        check_numbers(self._listing(instrument_id).instrument, quantity, *prices)

    def _refuse(self, made: Sequence[DrillOrder], refusal: Refused) -> None:
        for order in made:
            self._record.register(order, self._now())
            order.status, order.reason, order.code = o.REJECTED, refusal.words, refusal.code
            self._record.retire(order)
            self._tell(NewsKind.REJECT, order.account_id, order=order, reason=refusal.words, code=refusal.code)

    def _take(self, made: Sequence[DrillOrder]) -> None:
        for order in made:
            self._record.register(order, self._now())
        self._families.add(made)
        first = made[0]
        if self._happens(Trick.VANISH):
            self._hidden[first.venue_order_id] = _SHY_LISTS
        if first.status != o.HELD and self._happens(Trick.FILL_BEFORE_ACK):
            lot = self._listing(first.instrument_id).instrument.lot_size
            self._execute(first, min(lot, first.leaves), first.limit or self._best(first))
        for order in made:
            self._tell_order(NewsKind.ACCEPT, order, "held until its entry executes" if order.status == o.HELD else "")
        if self._happens(Trick.STRANGE):
            self._tell(NewsKind.STRANGE, first.account_id, order=first, reason="calculated")
        for order in made:
            if order.status != o.HELD and order.is_open:
                self._place(order, rests=False)

    def _successor(self, old: DrillOrder, client_order_id: str) -> DrillOrder:
        """A new order in the place of an old one, with what is left of it."""
        new = copy(old)
        new.client_order_id = client_order_id or f"{old.client_order_id}-{len(self._record)}"
        new.replaces, new.filled, new.notional = old.venue_order_id, ZERO, ZERO
        new.quantity = old.quantity - old.filled
        new.status = o.HELD if old.status == o.HELD else o.ACCEPTED
        self._record.register(new, self._now())
        self._families.hand_over(old, new)
        old.status, old.replaced_by, old.changed_ns = o.REPLACED, new.venue_order_id, self._now()
        self._record.retire(old)
        return new

    # --- executing ----------------------------------------------------------------------------------------

    def _match(self, instrument_id: str) -> None:
        for order in self._record.working_in(instrument_id):
            if order.is_open and order.status != o.HELD:
                self._place(order, rests=True)

    def _place(self, order: DrillOrder, *, rests: bool = False) -> None:
        """Let an order execute what it can now."""
        listing = self._listing(order.instrument_id)
        if not listing.is_halted and self.is_open:
            if order.is_waiting_stop and listing.trigger(order):
                order.is_triggered = True
                if order.status == o.ACCEPTED:
                    order.status = o.TRIGGERED
                self._tell_order(NewsKind.TRIGGER, order, "the stop was reached")
            price = None if order.is_waiting_stop else listing.price(order, rests=rests and not order.is_triggered)
            can = min(order.leaves, listing.left(order.side))
            if price is not None and can > 0 and not (order.time_in_force is TimeInForce.FOK and can < order.leaves):
                quantity = self._portion(order, can, listing.instrument.lot_size)
                listing.take(order.side, quantity)
                self._execute(order, quantity, price)
        if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and order.is_open:
            self._end(order, o.CANCELED, "the rest could not be executed at once")

    def _portion(self, order: DrillOrder, can: Decimal, lot: Decimal) -> Decimal:
        if can > lot and order.time_in_force is not TimeInForce.FOK and self._happens(Trick.PARTIAL):
            return (can / 2 / lot).to_integral_value(ROUND_CEILING) * lot
        if can >= order.quantity - order.filled and self._happens(Trick.OVERFILL):
            return can + lot
        return can

    def _run_auctions(self, when: TimeInForce) -> None:
        for instrument_id, listing in self._listings.items():
            for order in self._record.working_in(instrument_id):
                if order.time_in_force is not when or order.status == o.HELD or listing.is_halted:
                    continue
                price, limit = self._best(order), order.limit
                if limit is None or (price <= limit if order.side.sign > 0 else price >= limit):
                    self._execute(order, order.leaves, price)
                if order.is_open:
                    self._end(order, o.EXPIRED, "the auction did not execute it")

    def _execute(self, order: DrillOrder, quantity: Decimal, price: Decimal) -> None:
        if quantity <= 0:
            return
        if self._happens(Trick.POSITION_LAG):
            self._shown[order.account_id] = self._state(order.account_id, self._book(order.account_id)), _SHY_LISTS
        done = self._post(order, quantity, price)
        if self._happens(Trick.BUST):
            self.bust(done.execution_id)
        elif self._happens(Trick.CORRECT):
            tick = self._listing(order.instrument_id).instrument.tick_size
            self.correct(done.execution_id, quantity, max(tick, price + tick * order.side.sign))

    def _post(self, order: DrillOrder, quantity: Decimal, price: Decimal, corrects: str = "") -> Execution:
        execution = Execution(
            execution_id=f"{self._stem}-X{len(self._executions) + 1}",
            seq=self._record.seq + 1,
            account_id=order.account_id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            instrument_id=order.instrument_id,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=quantity * self.rules.fee_per_share,
            ts_ns=self._now(),
            corrects=corrects,
        )
        self._executions[execution.execution_id] = execution
        self._book(order.account_id).post(execution)
        order.filled += quantity
        order.notional += quantity * price
        order.changed_ns = order.filled_ns = self._now()
        if order.is_open:
            order.status = o.FILLED if order.filled >= order.quantity else o.PARTIALLY_FILLED
            if not order.is_open:
                self._record.retire(order)
        kind = NewsKind.CORRECT if corrects else NewsKind.FILL
        self._tell(kind, order.account_id, order=order, execution=execution)
        self._families.settle(order)
        return execution

    def _undo(self, execution: Execution, order: DrillOrder) -> None:
        self._book(execution.account_id).take_back(execution)
        order.filled -= execution.quantity
        order.notional -= execution.quantity * execution.price
        order.changed_ns = self._now()
        if order.status == o.FILLED and order.filled < order.quantity:
            order.status = o.CANCELED  # it does not come back to life
        if order.status == o.PARTIALLY_FILLED and not order.filled:
            order.status = o.TRIGGERED if order.is_triggered else o.ACCEPTED

    def _end(self, order: DrillOrder, status: str, words: str) -> None:
        order.status, order.reason, order.changed_ns = status, words, self._now()
        self._record.retire(order)
        self._hidden.pop(order.venue_order_id, None)
        self._tell_order(NewsKind.EXPIRE if status == o.EXPIRED else NewsKind.CANCEL, order, words)
        self._families.settle(order)

    # --- small things -------------------------------------------------------------------------------------

    def _happens(self, trick: Trick) -> bool:
        if self._armed[trick] <= 0:
            return False
        self._armed[trick] -= 1
        return True

    def _tell_order(self, kind: NewsKind, order: DrillOrder, reason: str) -> None:
        self._tell(kind, order.account_id, order=order, reason=reason)

    def _tell_action(self, account_id: str, action: ActionStatement) -> None:
        self._tell(NewsKind.ACTION, account_id, action=action)

    def _tell(self, kind: NewsKind, account_id: str, *, order: DrillOrder | None = None, **more: Any) -> None:
        self._record.tell(kind, account_id, self._now(), order, **more)

    def _state(self, account_id: str, book: Books) -> AccountState:
        return AccountState(
            account_id=account_id,
            cash=book.cash,
            positions=dict(book.held),
            buying_power=max(ZERO, book.cash * self.rules.leverage),
            last_seq=self._record.seq,
        )

    def _best(self, order: DrillOrder) -> Decimal:
        bid, ask = self.quote(order.instrument_id)
        return ask if order.side.sign > 0 else bid

    def _standing(self, execution_id: str) -> tuple[Execution, DrillOrder]:
        execution = self._executions.get(execution_id)
        if execution is None or execution_id in self._gone:
            raise Refused("unknown_execution", f"There is no execution {execution_id[:40]} that stands.")
        return execution, self._own(execution.account_id, execution.venue_order_id)

    def _own(self, account_id: str, venue_order_id: str) -> DrillOrder:
        order = self._record.find(account_id, venue_order_id)
        if order is None:
            raise Refused("unknown_order", f"There is no order {venue_order_id[:40]} here.")
        return order

    def _book(self, account_id: str) -> Books:
        book = self._books.get(account_id)
        if book is None:
            raise Refused("unknown_account", f"There is no account {account_id[:40]} here.")
        return book

    def _listing(self, instrument_id: str) -> Listing:
        listing = self._listings.get(instrument_id)
        if listing is None:
            raise Refused("unknown_instrument", f"{instrument_id[:40]} is not traded here.")
        return listing
