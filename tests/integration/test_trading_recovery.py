"""The order service on the real journal against a venue that loses, delays, repeats and reorders.

A hypothesis state machine drives it: submits with every fate, lost answers, late and repeated fills, cancels, changes,
halts, cut links, and power cuts from which only synced bytes survive. Whatever happens: at most one venue order per
intent, no acknowledged command lost, replay equal to live, nothing leaves after the latch; and once the faults stop,
everything agrees with the venue in bounded time. Seeded faults of our own show that the machine can see.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderStatus
from stockpulse_engine.storage.latch import FileLatch
from stockpulse_engine.trading.book import TradingBook
from stockpulse_engine.trading.ports import AmbiguousOutcomeError
from tests.conftest import IS_NIGHT
from tests.fakes.fake_broker import DEAD, FakeBroker
from tests.fakes.order_desk import AAPL, MSFT, OrderDesk
from tests.fakes.power_cut import ForgetfulDisk, ForgetfulJournal, lay_out

K, S = OrderEventKind, OrderStatus
T = TypeVar("T")
FATES = st.sampled_from(["ok", "ok", "ok", "lost", "silent", "refused"])
QUANTITIES = st.integers(1, 200)


class Market(RuleBasedStateMachine):
    """One engine, one venue, one disk."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.root = Path(tempfile.mkdtemp(prefix="spm-"))
        self.disk = ForgetfulDisk()
        self.life = 0
        self.count = 0
        self.acknowledged: dict[str, Any] = {}
        """Commands whose answer the caller has seen."""
        self.latched_at: int | None = None
        """How much had arrived at the venue when the latch was set."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, T]) -> T | None:
        """A command that may be refused."""
        try:
            return self.run(work)
        except StockPulseError:
            return None

    @property
    def home(self) -> Path:
        return self.root / str(self.life)

    @initialize()
    def begin(self) -> None:
        self.home.mkdir()
        latch = FileLatch(self.root / "latch" / "HALTED", ManualClock())
        self.desk = OrderDesk(journal=ForgetfulJournal(self.home, self.disk), latch=latch)
        self.run(self.desk.start())

    # --- what people do -------------------------------------------------------------------------------------

    @rule(quantity=QUANTITIES, fate=FATES, instrument=st.sampled_from([AAPL, MSFT]), is_bracket=st.booleans())
    def submit(self, quantity: int, fate: str, instrument: str, is_bracket: bool) -> None:
        self.count += 1
        bracket = {"take_price": Decimal(240), "stop_price": Decimal(220)} if is_bracket else {}
        command = self.desk.command(f"I{self.count}", quantity=Decimal(quantity), instrument_id=instrument, **bracket)
        self.desk.broker.fate = [fate]
        if self.attempt(self.desk.service.submit(command, "tui")) is not None:
            self.acknowledged[command.client_order_id] = command
        self.run(self.desk.time.settle())
        self.desk.broker.fate = []

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def repeat_a_request(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.acknowledged)))
        _, is_replay = self.run(self.desk.service.submit(self.acknowledged[key], "tui"))
        assert is_replay  # O6

    @rule(data=st.data(), fate=st.sampled_from(["ok", "lost", "silent"]))
    def cancel(self, data: st.DataObject, fate: str) -> None:
        if key := self._draw(data, lambda order: order.is_open):
            self.desk.broker.cancel_fate = [fate]
            self.attempt(self.desk.cancel(key))
            self.run(self.desk.time.settle())
            self.desk.broker.cancel_fate = []

    @rule(data=st.data(), quantity=QUANTITIES, fate=st.sampled_from(["ok", "lost", "silent", "refused"]))
    def change(self, data: st.DataObject, quantity: int, fate: str) -> None:
        if key := self._draw(data, lambda order: order.is_open):
            self.desk.broker.change_fate = [fate]
            self.attempt(self.desk.modify(key, quantity=Decimal(quantity)))
            self.run(self.desk.time.settle())
            self.desk.broker.change_fate = []

    @precondition(lambda self: self.latched_at is None)
    @rule()
    def halt(self) -> None:
        self.run(self.desk.change("halt"))
        self.latched_at = self.desk.venue.arrived.total()

    @precondition(lambda self: self.latched_at is not None)
    @rule()
    def resume(self) -> None:
        self.latched_at = None
        self.attempt(self.desk.change("resume", word="RESUME"))

    # --- what the venue does --------------------------------------------------------------------------------

    @rule(data=st.data(), quantity=QUANTITIES)
    def fill(self, data: st.DataObject, quantity: int) -> None:
        venue = self.desk.venue
        working = [key for key, order in venue.orders.items() if order.status not in DEAD | {"HELD"}]
        if working:
            key = data.draw(st.sampled_from(sorted(working)))
            left = venue.orders[key].terms.quantity - venue.orders[key].filled_quantity
            venue.fill(key, min(Decimal(quantity), max(left, Decimal(1))), 10)
            self.run(self.desk.time.settle())

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        working = [key for key, order in self.desk.venue.orders.items() if order.status not in DEAD]
        if working:
            kind = data.draw(st.sampled_from([K.CANCEL, K.EXPIRE]))
            self.desk.venue.end(data.draw(st.sampled_from(sorted(working))), kind)
            self.run(self.desk.time.settle())

    @rule(data=st.data())
    def repeat_a_report(self, data: st.DataObject) -> None:
        fills = [one for one in self.desk.venue.reports if one.kind is K.FILL]
        if fills:
            said = data.draw(st.sampled_from(fills))
            self.desk.venue.say(said.kind, said.client_order_id, fill=said.fill)
            self.run(self.desk.time.settle())

    @rule()
    def hold_reports(self) -> None:
        self.desk.broker.holds_reports = True

    @rule(seed=st.randoms(use_true_random=False))
    def release_reports_out_of_order(self, seed: Any) -> None:
        broker, venue = self.desk.broker, self.desk.venue
        if broker.holds_reports:
            start = self.desk.service._intake.cursor("fake")
            late = venue.reports[start:]
            seed.shuffle(late)
            venue.reports[start:] = [
                structs.replace(one, report_seq=start + place) for place, one in enumerate(late, 1)
            ]
            broker.holds_reports = False
            venue.changed.set()
            self.run(self.desk.time.settle())

    @rule(is_blind=st.booleans())
    def answer_queries_or_not(self, is_blind: bool) -> None:
        self.desk.broker.is_blind = is_blind

    @rule()
    def cut_the_link(self) -> None:
        self.desk.broker.cut()
        self.run(self.desk.time.settle())

    @rule(quantity=QUANTITIES, fate=st.sampled_from(["lost", "silent"]))
    def submit_into_a_blackout(self, quantity: int, fate: str) -> None:
        """Neither the request nor any question about it is answered for a while."""
        self.desk.broker.is_blind = self.desk.broker.holds_reports = True
        self.submit(quantity=quantity, fate=fate, instrument=AAPL, is_bracket=False)
        self.run(self.desk.time.advance(10))
        self.desk.broker.is_blind = False

    # --- time and power -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1, 10, 70]))
    def wait(self, seconds: float) -> None:
        self.run(self.desk.time.advance(seconds))

    @rule(is_early=st.booleans())
    def cut_the_power(self, is_early: bool) -> None:
        """Only synced bytes survive. Early: in the turn of a submit, before it could be sent."""
        if is_early:
            self.count += 1
            command = self.desk.command(f"I{self.count}")
            if self.attempt(self.desk.service.submit(command, "tui")) is not None:
                self.acknowledged[command.client_order_id] = command
        image = self.disk.snapshot()
        old = self.home
        self.life += 1
        lay_out(image, old, self.home)
        self.run(self.desk.restart(ForgetfulJournal(self.home, self.disk)))

    # --- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def one_intent_is_at_most_one_order_and_was_sent_once(self) -> None:
        venue = self._venue()
        assert all(count == 1 for count in venue.made.values()) if venue else True  # O5
        assert all(count == 1 for count in venue.arrived.values()) if venue else True  # never re-sent

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        if self._venue():
            assert set(self.acknowledged) <= set(self.desk.service.book.orders)

    @invariant()
    def nothing_leaves_after_the_latch(self) -> None:
        if self.latched_at is not None:
            assert self.desk.venue.arrived.total() == self.latched_at  # O7

    @invariant()
    def what_is_booked_was_executed_once(self) -> None:
        if not self._venue():
            return
        truth = {fill.fill_id: fill for _, fill in self.desk.venue.fills}
        for key, order in self.desk.service.book.orders.items():
            fills = self.desk.service.book.fills_of(key)
            assert all(truth[fill.fill_id] == fill for fill in fills)  # nothing invented
            assert order.filled_quantity == sum((fill.quantity for fill in fills), ZERO)  # L6

    @invariant()
    def replay_equals_live(self) -> None:
        if not self._venue():
            return
        replayed = TradingBook()
        for entry in self.desk.journal.scan():
            replayed.apply(entry.event, entry.seq)
        book = self.desk.service.book
        assert replayed.facts() == book.facts()  # L12
        assert replayed.entries == book.entries
        if not self.desk.service._recorder.backlog:
            assert self.desk.service._recorder.front.facts() == book.facts()

    def teardown(self) -> None:
        try:
            if self._venue():
                self.run(self._calm_down())
                self._everything_agrees()
        finally:
            if self._venue():
                self.run(self.desk.crash())
            self.loop.close()
            self.disk.close()
            shutil.rmtree(self.root, ignore_errors=True)

    async def _calm_down(self) -> None:
        """The faults stop (the liveness phase)."""
        broker = self.desk.broker
        broker.is_blind = broker.holds_reports = False
        self.desk.venue.changed.set()
        await self.desk.time.advance(120)

    def _everything_agrees(self) -> None:
        venue, book = self.desk.venue, self.desk.service.book
        for key, theirs in venue.orders.items():
            ours = book.orders[key]
            assert ours.filled_quantity == theirs.filled_quantity, key
            assert not ours.is_unknown, key  # O10
            assert ours.status.is_terminal == (theirs.status in DEAD), (key, ours.status, theirs.status)
        for key, ours in book.orders.items():
            assert key in venue.orders or not ours.is_open, key
        held = {key: value for key, value in venue.positions.get("PAPER", {}).items() if value}
        assert self.desk.positions("PAPER") == held

    def _draw(self, data: st.DataObject, wanted: Callable[[Order], bool]) -> str:
        keys = sorted(key for key, order in self.desk.service.book.orders.items() if wanted(order))
        return data.draw(st.sampled_from(keys)) if keys else ""

    def _venue(self) -> Any:
        return self.desk.venue if hasattr(self, "desk") else None


_SIZE = (
    settings(max_examples=300, stateful_step_count=60)
    if IS_NIGHT
    else settings(max_examples=25, stateful_step_count=30)
)


class TestMarket(Market.TestCase):  # type: ignore[misc,valid-type]  # hypothesis makes the class at run time
    settings = settings(_SIZE, deadline=None)


# --- the machine must be able to see: each of these faults is planted and has to be found ----------------------


def _sends_again(patch: pytest.MonkeyPatch) -> None:
    """The classic: a time-out is answered by sending it once more."""
    submit = FakeBroker.submit

    async def insistent(self: FakeBroker, orders: Any) -> None:
        try:
            await submit(self, orders)
        except AmbiguousOutcomeError:
            await submit(self, orders)

    patch.setattr(FakeBroker, "submit", insistent)


def _books_twice(patch: pytest.MonkeyPatch) -> None:
    """No deduplication of executions."""
    patch.setattr(TradingBook, "has_fill", lambda self, account_id, fill_id: False)


def _ignores_the_latch(patch: pytest.MonkeyPatch) -> None:
    """The last function before the venue does not look."""
    from stockpulse_engine.trading.router import Router

    patch.setattr(Router, "_require_free", lambda self, terms: None)


def _reads_errors_as_absence(patch: pytest.MonkeyPatch) -> None:
    """A query that fails counts as "no such order"."""
    fetch = FakeBroker.fetch_order

    async def careless(self: FakeBroker, account_id: str, key: str) -> Any:
        try:
            return await fetch(self, account_id, key)
        except StockPulseError:
            return None

    patch.setattr(FakeBroker, "fetch_order", careless)


def _acknowledges_too_early(patch: pytest.MonkeyPatch) -> None:
    """The journal does not wait for the disk."""
    patch.setattr(ForgetfulJournal, "_synchronous", "NORMAL")
    patch.setattr("stockpulse_engine.storage.head.HeadFile.write", lambda self, head: None)


@pytest.mark.parametrize(
    "plant",
    [_sends_again, _books_twice, _ignores_the_latch, _reads_errors_as_absence, _acknowledges_too_early],
    ids=lambda plant: plant.__name__.strip("_"),
)
def test_the_machine_finds_a_planted_fault(monkeypatch: pytest.MonkeyPatch, plant: Callable[[Any], None]) -> None:
    plant(monkeypatch)
    quick = settings(max_examples=400, stateful_step_count=30, phases=[Phase.generate], deadline=None)
    with pytest.raises((AssertionError, KeyError, StockPulseError, Flaky, ExceptionGroup)):
        run_state_machine_as_test(Market, settings=quick)
