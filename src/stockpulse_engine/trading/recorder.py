"""From event to fact: checked against the newest state, made durable, and only then seen by anybody.

Two books are kept. `front` runs ahead: it holds what is on its way to the disk, and every decision (legality, gate,
idempotency) is taken on it, so that two commands in the same moment cannot both spend the same money. `book` holds
what is durable; views, the bus and the ledger follow it alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import structs

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.trading.book import Change, TradingBook
from stockpulse_engine.trading.ports import BindingSink, Journal, JournalEntry

Listener = Callable[[Event], None]
"""Called with each durable event in journal order, replay included: the ledger."""
ChangeHook = Callable[[Change, int], None]
"""Called with each durable change and its seq, live ones only."""
FaultHook = Callable[[Exception], None]


class Recorder:
    """The only writer of the journal."""

    def __init__(
        self,
        journal: Journal,
        *,
        listeners: Sequence[Listener],
        on_change: ChangeHook,
        on_fault: FaultHook,
        binding: BindingSink | None = None,
    ) -> None:
        self.journal = journal
        self.front = TradingBook()
        self.book = TradingBook()
        self._listeners = tuple(listeners)
        self._on_change = on_change
        self._on_fault = on_fault
        self._binding = binding
        self._in_flight: deque[list[Change]] = deque()
        self._executing: Counter[str] = Counter()
        """Order → executions on their way to the disk, of which the ledger does not know yet."""
        self._last: asyncio.Future[int] | None = None

    def replay(self, entry: JournalEntry) -> None:
        """Fold one entry of the journal at start."""
        change = self.book.apply(entry.event, entry.seq)
        self.front.commit(change)
        self._tell_listeners(change.event)
        self._bind((change,))

    def record(self, events: Sequence[Event], *, is_hearsay: bool = False) -> asyncio.Future[int]:
        """Check the events, apply them to the front and queue them for the disk; the future gives the last seq.

        With `is_hearsay` (words of the venue) events that say nothing new are left out.

        Raises:
            InvariantError: an illegal event of ours; nothing was recorded.
            UnavailableError: the journal is read-only; nothing was recorded.
        """
        changes: list[Change] = []
        try:
            for event in events:
                change = self.front.plan(event)
                if not (is_hearsay and change.is_silent):
                    self.front.commit(change)
                    changes.append(change)
            if not changes:
                return self._settled_now()
            durable = self.journal.enqueue([change.event for change in changes])
        except StockPulseError:
            self._rebuild_front()
            raise
        self._in_flight.append(changes)
        self._executing.update(_executed(changes))
        self._bind(changes)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        durable.add_done_callback(partial(self._finish, changes, done))
        self._last = done
        return done

    async def write(self, events: Sequence[Event], *, is_hearsay: bool = False) -> int:
        """`record` and wait until it is durable; giving up waiting loses nothing."""
        return await self.wait(self.record(events, is_hearsay=is_hearsay))

    @staticmethod
    async def wait(recorded: asyncio.Future[int]) -> int:
        """Wait for a `record`; a caller that is canceled meanwhile takes nothing back."""
        return await asyncio.shield(recorded)

    async def settle(self) -> None:
        """Wait until everything recorded so far is durable."""
        if self._last is not None and not self._last.done():
            await asyncio.shield(self._last)

    @property
    def backlog(self) -> int:
        """Batches on their way to the disk."""
        return len(self._in_flight)

    def current(self, client_order_id: str) -> Order | None:
        """The newest state of an order, durable or on its way there."""
        return self.front.orders.get(client_order_id)

    def binding(self, account_id: str = "") -> Iterator[Order]:
        """Orders that bind money or holdings, of one account or of all, on the same footing as the ledger.

        An execution counts in the order until the ledger has posted it: in the moment between, an order that is done
        would bind nothing any more while what it sold still shows as held.
        """
        front = self.front
        for order in front.open_orders(account_id) if account_id else front.all_open():
            if order.client_order_id not in self._executing:
                yield order
        for key in self._executing:
            if account_id in ("", front.orders[key].terms.account_id):
                yield self._unposted(key)

    def _unposted(self, key: str) -> Order:
        """An order with executions that the ledger does not know yet, as it is durable: what it still has to bear."""
        now, known = self.front.orders[key], self.book.orders.get(key)
        if known is None:
            return structs.replace(now, status=OrderStatus.SUBMITTED, filled_quantity=ZERO)
        if known.pending_terms == now.pending_terms:
            return known
        return structs.replace(known, pending_terms=now.pending_terms)

    def _bind(self, changes: Sequence[Change]) -> None:
        """Tell the sink what became of the orders that changed; it so holds what `binding` would give."""
        sink = self._binding
        if sink is None:
            return
        for change in changes:
            if change.order is None:
                continue
            key = change.order.client_order_id
            now = self.front.orders[key]
            if key in self._executing:
                sink.put(self._unposted(key))
            elif now.is_open:
                sink.put(now)
            else:
                sink.drop(now)

    def _settled_now(self) -> asyncio.Future[int]:
        if self._last is not None and not self._last.done():
            return self._last
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        done.set_result(self.journal.head[0])
        return done

    def _finish(self, changes: list[Change], done: asyncio.Future[int], durable: asyncio.Future[int]) -> None:
        """The disk has answered; answers come in the order of the requests."""
        self._in_flight.popleft()
        error = durable.exception()
        if error is not None:
            self._forget(changes)
            self._rebuild_front()
            if not done.cancelled():
                done.set_exception(error)
                done.exception()  # a caller that gave up is no unhandled failure
            return
        last = durable.result()
        for seq, change in enumerate(changes, last - len(changes) + 1):
            self.book.commit(change, seq)
            self._tell_listeners(change.event)
            self._tell(change, seq)
        self._forget(changes)
        self._bind(changes)
        if not done.cancelled():
            done.set_result(last)

    def _forget(self, changes: Sequence[Change]) -> None:
        """Their executions are posted, or never will be."""
        for key in _executed(changes):
            self._executing[key] -= 1
            if not self._executing[key]:
                del self._executing[key]

    def _tell(self, change: Change, seq: int) -> None:
        try:
            self._on_change(change, seq)
        except Exception as error:  # noqa: BLE001 - the fact stands; whoever fails to follow it is reported
            self._on_fault(error)

    def _tell_listeners(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - a ledger that cannot follow halts trading, it does not stop us
                self._on_fault(error)

    def _rebuild_front(self) -> None:
        """Back to what is durable or still on its way."""
        self.front = self.book.copy()
        for changes in self._in_flight:
            for change in changes:
                self.front.commit(change)
        if self._binding is not None:
            self._binding.reset(tuple(self.binding()))


def _executed(changes: Sequence[Change]) -> list[str]:
    """Ids of the orders of which these changes book or take back an execution, once for each."""
    return [
        change.order.client_order_id
        for change in changes
        if change.order is not None and (change.fill is not None or change.replaced is not None)
    ]
