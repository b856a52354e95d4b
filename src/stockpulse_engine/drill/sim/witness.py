"""What must hold: after every durable fact, after every step, and at the end when the storm is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stockpulse_engine.bus.topics import AlertRaised, OrderChanged, PartChanged
from stockpulse_engine.domain.events import ActionApplied
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus
from stockpulse_engine.drill.core.orders import TERMINAL, DrillOrder
from stockpulse_engine.drill.core.statements import fill_of
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.sim.ports import Disk, Engine
from stockpulse_engine.portfolio.invariants import check_all, check_live, check_replay, check_reserved
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.trading.book import TradingBook
from stockpulse_engine.trading.ports import HaltLatch


class BrokenError(AssertionError):
    """An invariant does not hold; the message begins with its name."""


class Witness:
    """Watches one simulated day. What is broken is raised where it can be, and remembered in any case."""

    def __init__(
        self, venue: DrillVenue, latch: HaltLatch, disk: Disk, account_id: str, now: Callable[[], int]
    ) -> None:
        self._venue = venue
        self._now = now
        self._latch = latch
        self._disk = disk
        self._account_id = account_id
        self.engine: Engine | None = None
        self.broken: list[str] = []
        self.expects_fault = False
        """A failure was planted in our own code: that it is noticed is no finding."""
        self.acknowledged: set[str] = set()
        """Submissions whose answer was given before any crash."""
        self.alarms: list[AlertRaised] = []
        self.left_after_latch = 0
        self.sent = 0
        self.facts = 0
        self.worst_gap_ns = 0
        self._durable: set[str] = set()
        self._read = 0

    # --- at the moment a submission leaves -----------------------------------------------------------------

    def on_submit(self, orders: Sequence[Order]) -> None:
        """O4, O7: nothing leaves before it is durable, nor while it must not."""
        self.sent += 1
        if self._latch.is_set():
            self.left_after_latch += 1
            self._say(f"O7: {orders[0].client_order_id} left although trading is halted")
        for order in orders:
            if not self._is_durable(order.client_order_id):
                self._say(f"O4: {order.client_order_id} left before its intent was on the disk")

    def _is_durable(self, key: str) -> bool:
        if key not in self._durable:
            events = list(self._disk.events())
            self._durable.update(
                event.client_order_id
                for event in events[self._read :]
                if isinstance(event, OrderEvent) and event.kind is OrderEventKind.SUBMIT
            )
            self._read = len(events)
        return key in self._durable

    # --- after every durable fact --------------------------------------------------------------------------

    def on_order(self, change: OrderChanged) -> None:
        """O1, O2, O13, L2, L5, L6 of what has just changed."""
        self.facts += 1
        engine, order = self.engine, change.order
        if engine is None:
            return
        key, terms = order.client_order_id, order.terms
        if change.fill is not None and change.event.kind is OrderEventKind.FILL:
            self.worst_gap_ns = max(self.worst_gap_ns, self._now() - change.fill.ts_event)
        fills = engine.trading.book.fills_of(key)
        if len({fill.fill_id for fill in fills}) < len(fills):
            self._say(f"L6: an execution of {key} is booked twice")
        executed = sum((fill.quantity for fill in fills), ZERO)
        if order.filled_quantity != executed:
            self._say(f"O1: {key} counts {order.filled_quantity}, its executions are {executed}")
        paid = sum((fill.quantity * fill.price for fill in fills), ZERO)
        if executed and order.filled_notional != paid:
            self._say(f"O2: {key} was paid {paid}, it says {order.filled_notional}")
        if terms.account_id != self._account_id:
            self._say(f"O13: {key} has gone over to {terms.account_id}")
        self._check(lambda: check_live(engine.ledger, terms.account_id, terms.instrument_id))

    def on_alert(self, alert: AlertRaised) -> None:
        """What people are told."""
        self.alarms.append(alert)
        if self.expects_fault:
            return
        if alert.text.startswith("Trading is HALTED: a fault of ours"):
            self._say(f"fault: {alert.text}")
        if " failed: " in alert.text and alert.subject == "orders":
            self._say(f"fault: {alert.text}")

    def on_part(self, part: PartChanged) -> None:
        """A part of the engine may not die."""
        if not self.expects_fault and part.name == "orders watch" and part.state in ("late", "gone"):
            self._say(f"fault: {part.name} is {part.state}: {part.detail}")

    def on_bus_error(self, value: object, error: Exception) -> None:
        """A handler failed."""
        self._say(f"fault: a handler of {type(value).__name__} failed: {error!r}")

    # --- after every step ----------------------------------------------------------------------------------

    def check_step(self) -> None:
        """O5, L9, and the ledger's own."""
        engine = self.engine
        if engine is None:
            return
        again = [key for key, count in self._venue.requests.items() if count > 1]
        if again:
            self._say(f"O5: {again[0]} was sent {self._venue.requests[again[0]]} times")
        if self._account_id in engine.ledger.account_ids:
            self._check(lambda: check_reserved(engine.portfolio.balances(self._account_id)))
        self.raise_broken()

    def check_restart(self) -> None:
        """Nothing acknowledged is lost by a crash."""
        engine = self.engine
        if engine is not None and (lost := self.acknowledged - engine.trading.book.orders.keys()):
            self._say(f"O4: {min(lost)} was acknowledged and is gone")
        self.raise_broken()

    # --- at the end ----------------------------------------------------------------------------------------

    def check_end(self, *, can_differ: bool) -> None:
        """O5, O10, L1-L7, L11, L12, L14: everything agrees, or a person knows that it does not."""
        engine = self.engine
        assert engine is not None
        book, ledger = engine.trading.book, engine.ledger
        if not engine.trading.is_reconciled(self._account_id):
            self._say("O10: orders of the account are still held back, long after the storm")
        for key in self._venue.requests:
            if (count := self._venue.count_orders(key)) > 1:
                self._say(f"O5: {count} orders were made from {key}")
        self._check(lambda: check_all(ledger))
        events = list(self._disk.events())
        self._check(lambda: check_replay(ledger, events))
        replayed = TradingBook()
        for seq, event in enumerate(events, 1):
            replayed.apply(event, seq)
        if replayed.facts() != book.facts():
            self._say("L12: the orders replayed from the journal are not those of the engine")
        for key, order in book.orders.items():
            self._check_order(key, order, self._venue.order(self._account_id, client_order_id=key), can_differ)
        self._check_fills(can_differ=can_differ)
        self._check_holdings(ledger, can_differ=can_differ)
        self.raise_broken()

    def _check_order(self, key: str, ours: Order, theirs: DrillOrder | None, can_differ: bool) -> None:
        """O10: it is over or works as the venue has it, or it is UNKNOWN and somebody was told."""
        if ours.is_unknown:
            if not any(key in alarm.text for alarm in self.alarms):
                self._say(f"O10: {key} is UNKNOWN and nobody was told")
            elif not can_differ and ours.source != "external":  # what is not ours may stay a question to a person
                self._say(f"O10: {key} is still UNKNOWN")
        elif theirs is None or theirs.status == "REJECTED":
            if ours.is_open:
                self._say(f"O10: {key} is {ours.status.value} here and not at the venue")
        elif can_differ or (ours.source == "external" and ours.status is OrderStatus.FILLED):
            return  # an order that is not ours and of which only executions were heard is taken for no more than them
        elif ours.status.is_terminal != (theirs.status in TERMINAL):
            self._say(f"O10: {key} is {ours.status.value} here and {theirs.status} at the venue")
        elif ours.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE, OrderStatus.SUBMITTED):
            self._say(f"O10: {key} is still {ours.status.value}")

    def _check_fills(self, *, can_differ: bool) -> None:
        """L6: what is booked was executed, once, and all of it."""
        engine = self.engine
        assert engine is not None
        truth: dict[str, Fill] = {one.execution_id: fill_of(one) for one in self._venue.executions(self._account_id)}
        booked = {
            fill.fill_id: fill for key in engine.trading.book.orders for fill in engine.trading.book.fills_of(key)
        }
        for fill_id in truth.keys() - booked.keys():
            self._say(f"L6: the execution {fill_id} of {truth[fill_id].client_order_id} was never booked")
        for fill_id in booked.keys() - truth.keys() if not can_differ else ():
            self._say(f"L6: the execution {fill_id} of {booked[fill_id].client_order_id} is booked and does not stand")

    def _check_holdings(self, ledger: Ledger, *, can_differ: bool) -> None:
        """L14: holdings and cash are the venue's, or the difference is on record and people were told."""
        state = self._venue.account(self._account_id)
        theirs = {key: one.quantity for key, one in state.positions.items() if one.quantity}
        ours = {one.instrument_id: one.quantity for one in ledger.positions(self._account_id) if one.quantity}
        cash = ledger.book(self._account_id).cash
        if (ours, cash) == (theirs, state.cash):
            return
        # A dividend is posted on what the ledger holds when it hears of it: behind a late frame that is another number.
        is_dividend = ours == theirs and any(isinstance(event, ActionApplied) for event in self._disk.events())
        is_told = any(" differs from the venue: " in alarm.text for alarm in self.alarms)
        if not is_told or not (can_differ or is_dividend):
            self._say(f"L14: {ours} and {cash} here, {theirs} and {state.cash} at the venue")

    def raise_broken(self) -> None:
        """Stop the day when something is broken."""
        if self.broken:
            raise BrokenError(self.broken[0])

    def note(self, what: str) -> None:
        """Something is broken; the day ends with it."""
        self.broken.append(what)

    def _say(self, what: str) -> None:
        self.broken.append(what)

    def _check(self, check: Callable[[], None]) -> None:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever a check raises is a finding
            self._say(str(error))
