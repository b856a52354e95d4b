"""One simulated day's world: market, venue, wire, disk and clock, and the engines that live and die in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final

from stockpulse_engine.base.ids import counted_ids
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, OrderChanged, PartChanged
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.domain.events import ActionApplied, Event
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.sim.broker import PERSONALITIES, UNNUMBERED, SimBroker
from stockpulse_engine.drill.sim.loop import SimClock, VirtualLoop
from stockpulse_engine.drill.sim.ports import Engine, SimEnds, Workshop
from stockpulse_engine.drill.sim.wire import Wire
from stockpulse_engine.drill.sim.witness import Witness

ACCOUNT: Final = Account(
    account_id="SIM", kind=AccountKind.PAPER, account_type=AccountType.MARGIN, currency="USD",
    initial_cash=Decimal(1_000_000),
)  # fmt: skip
OPEN_NS: Final = 1_763_132_400_000_000_000
"""2025-11-14 15:00 UTC, half an hour after the open in New York."""
DATE: Final = "2025-11-14"
TICK: Final = Decimal("0.01")
INSTRUMENTS: Final = tuple(
    Instrument(
        instrument_id=f"{symbol}.XNAS", name=symbol, asset_class=AssetClass.EQUITY, currency="USD", tick_size=TICK,
        average_daily_volume=Decimal(50_000_000),
    )
    for symbol in ("AAPL", "MSFT", "NVDA")
)  # fmt: skip
TRICKS: Final = {
    Fault.REJECT: Trick.REJECT,
    Fault.PARTIAL: Trick.PARTIAL,
    Fault.FILL_BEFORE_ACK: Trick.FILL_BEFORE_ACK,
    Fault.FILL_AFTER_CANCEL: Trick.FILL_AFTER_CANCEL,
    Fault.OVERFILL: Trick.OVERFILL,
    Fault.BUST: Trick.BUST,
    Fault.CORRECTION: Trick.CORRECT,
    Fault.REPLACE_RACE: Trick.REPLACE_RACE,
    Fault.STRANGE_STATUS: Trick.STRANGE,
    Fault.ID_ROLLBACK: Trick.ID_ROLLBACK,
    Fault.VANISHED: Trick.VANISH,
    Fault.POSITION_LAG: Trick.POSITION_LAG,
}
_SLOW_S: Final = 5.0
_STOPPED_S: Final = 30.0


class PlannedError(RuntimeError):
    """A failure that the simulator put there."""


class MemoryLatch:
    """The halt latch of a machine that is all in memory."""

    def __init__(self) -> None:
        self._note = ""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._is_set

    def set(self, reason: str, actor: str) -> None:
        """Set it."""
        if not self._is_set:
            self._is_set, self._note = True, f"{reason} ({actor})"

    def clear(self) -> None:
        """Take it away."""
        self._is_set, self._note = False, ""

    def note(self) -> str:
        """Who and why."""
        return self._note


def _told_once(event: Event) -> str:
    """Name of what is on record of what a broker says a single time."""
    if isinstance(event, ActionApplied):
        return event.statement.action_id
    if isinstance(event, OrderEvent) and event.kind is OrderEventKind.BUST and event.fill is not None:
        return event.fill.fill_id
    return ""


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, plan: FaultPlan, personality: str, workshop: Workshop) -> None:
        self.loop = VirtualLoop()
        self.clock = SimClock(self.loop, OPEN_NS)
        self.plan = plan
        self.random = Random(f"{seed}/world")
        self.venue = DrillVenue(now=self.clock.true_ns, seed=seed, rules=PERSONALITIES[personality])
        self.wire = Wire(self.venue, plan, seed, reads_time=personality == UNNUMBERED)
        self.latch = MemoryLatch()
        self._workshop = workshop
        self._disk_random = Random(f"{seed}/disk")
        self.disk = workshop.disk(self._sync_time)
        self.witness = Witness(self.venue, self.latch, self.disk, ACCOUNT.account_id, self.clock.true_ns)
        self.lives = 0
        self._cut_at = 0
        self._restarting = asyncio.Lock()
        self._ids = counted_ids("FL-")
        self._middle = [Decimal(100), Decimal(200), Decimal(50)]
        self._jobs: list[asyncio.Task[Any]] = []
        self._running: list[asyncio.Task[Any]] = []
        for each, middle in zip(INSTRUMENTS, self._middle, strict=True):
            self.venue.list_instrument(each, middle, middle + 2 * TICK, Decimal(100))
        self.venue.open_account(ACCOUNT.account_id, ACCOUNT.initial_cash)

    # --- lives of the engine -------------------------------------------------------------------------------

    async def start(self) -> None:
        """A new engine on what lies on the disk; it recovers while its market data arrives."""
        self.lives += 1
        witness = self.witness
        bus = Bus(witness.on_bus_error)
        bus.subscribe(OrderChanged, witness.on_order)
        bus.subscribe(AlertRaised, witness.on_alert)
        bus.subscribe(PartChanged, witness.on_part)
        self.broker = SimBroker(self.wire, witness.on_submit)
        ends = SimEnds(
            disk=self.disk, latch=self.latch, clock=self.clock, bus=bus, broker=self.broker, ids=self._ids,
            instruments=INSTRUMENTS,
        )  # fmt: skip
        self.engine: Engine = self._workshop.engine(ends)
        witness.engine = self.engine
        self.show()
        if not await self._through(self._come_up(self.engine)):
            async with self._restarting:  # the power was cut meanwhile; whoever did it has started the next one
                return
        witness.check_restart()

    async def _come_up(self, engine: Engine) -> None:
        await engine.trading.recover()
        self._running.append(spawn(engine.trading.run(), name="engine"))
        if ACCOUNT.account_id not in engine.trading.book.accounts:
            await engine.trading.open_account(ACCOUNT, "drill")

    async def _through(self, work: Coroutine[Any, Any, None]) -> bool:
        """Wait for the engine to do something; False when it did not live to the end of it."""
        job = spawn(work, name="engine")
        self._running.append(job)
        await asyncio.wait((job,))
        if job.cancelled() or isinstance(job.exception(), PlannedError) or (self.broker.is_dead and job.exception()):
            return False
        job.result()
        return True

    async def crash(self, *, is_power_cut: bool) -> None:
        """Everything in memory is gone at this moment; requests that have left still arrive."""
        self.engine.abandon()
        self.broker.is_dead = True
        self.broker.cut()
        ended = (*self._jobs, *self._running)
        for job in ended:
            job.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        await self.engine.trading._desk.crew.stop()  # noqa: SLF001 - a dead process stops without being asked
        self._jobs.clear()
        self._running.clear()
        self.witness.engine = None
        kept = self.random.randrange(3) if is_power_cut else 1 << 30
        self.disk.cut_power(kept)
        recorded = {_told_once(event) for event in self.disk.events()}
        self.wire.heard &= recorded
        self.disk.failure = ""

    async def restart(self, *, is_power_cut: bool = False, away_s: float = 1.0) -> None:
        """Crash, stay away for a while, start again; a disk that fails meanwhile is repaired and it starts anew."""
        async with self._restarting:
            while True:
                await self.crash(is_power_cut=is_power_cut)
                await asyncio.sleep(away_s)
                with suppress(UnavailableError):
                    await self.start()
                    return

    async def stop_and_start(self) -> None:
        """An ordered stop and a new start."""
        with suppress(UnavailableError):  # the disk may refuse the mark of the stop: it was none, then
            await self._through(self.engine.trading.stop())
        await self.restart()

    def freeze(self, seconds: float) -> None:
        """The process stands still while the market goes on."""
        self.market_moves()
        self.loop.jump(seconds)

    # --- what people and the market do ---------------------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, Any], then: Callable[[Any], None] | None = None) -> None:
        """Somebody asks the engine for something; a refusal is an answer."""

        async def ask() -> None:
            try:
                answer = await work
            except StockPulseError:
                return
            if then is not None:
                then(answer)

        self._jobs = [job for job in self._jobs if not job.done()]
        self._jobs.append(spawn(ask(), name="request"))

    def failures(self) -> list[BaseException]:
        """What requests ended with that is no refusal."""
        done = [job for job in self._jobs if job.done() and not job.cancelled()]
        failed = (job.exception() for job in done)
        return [error for error in failed if error is not None and not isinstance(error, PlannedError)]

    def market_moves(self, instrument: int | None = None, swing: int = 0) -> None:
        """Every instrument moves a little, one of them by a swing; what rests may execute, and the engine sees it."""
        for index, each in enumerate(INSTRUMENTS):
            ticks = self.random.randint(-6, 6) + (swing if index == instrument else 0)
            bid, _ = self.venue.quote(each.instrument_id)
            bid = max(Decimal(1), bid + ticks * TICK)
            self.venue.move(each.instrument_id, bid, bid + 2 * TICK)
        self.wire.pump()
        self.show()

    def show(self, phase: MarketPhase = MarketPhase.OPEN) -> None:
        """The engine's market data."""
        now = self.clock.true_ns()
        shown: list[Quote | InstrumentStatus] = []
        for each in INSTRUMENTS:
            name = each.instrument_id
            bid, ask = self.venue.quote(name)
            shown.append(InstrumentStatus(name, phase, self.venue.is_halted(name), now))
            shown.append(Quote(name, bid, ask, Decimal(100), Decimal(100), now, last=bid))
        self.engine.show(shown, DATE)

    def split(self, instrument: int, ratio: Fraction) -> None:
        """A split overnight."""
        self.venue.split(INSTRUMENTS[instrument].instrument_id, ratio)
        self.wire.pump()

    # --- weather -------------------------------------------------------------------------------------------

    async def weather(self) -> None:
        """What the plan has for this moment: oddities of the venue, then of the machine."""
        plan = self.plan
        for fault, trick in TRICKS.items():
            if plan.strikes(fault):
                self.venue.arm(trick)
        if plan.strikes(Fault.HALT):
            name = INSTRUMENTS[self.random.randrange(3)].instrument_id
            (self.venue.resume if self.venue.is_halted(name) else self.venue.halt)(name)
        if plan.strikes(Fault.RESET):
            self.broker.cut()
        await self._machine()

    async def _machine(self) -> None:
        plan, random = self.plan, self.random
        if plan.strikes(Fault.CLOCK_STEP):
            self.clock.step(random.choice((-5.0, 5.0, 3600.0, -3600.0)))
        if self.disk.failure and random.random() < 0.5:  # noqa: PLR2004 - somebody repairs it sooner or later
            await self.restart()
        elif (fault := plan.first_of((Fault.EIO, Fault.ENOSPC))) is not None:
            self.disk.failure = fault.words
        if plan.strikes(Fault.SIGSTOP):
            self.freeze(_STOPPED_S)
        if plan.strikes(Fault.SIGKILL):
            await self.restart(is_power_cut=random.random() < 0.5, away_s=random.uniform(0.1, 20))  # noqa: PLR2004 - a coin

    # --- what is planned for a moment ----------------------------------------------------------------------

    def cut_power_at(self, entry: int) -> None:
        """Cut the power while this entry of the journal is being written."""
        self._cut_at = entry

    def strike(self, effect: str, seconds: float) -> None:
        """At this very moment of our own code: the process dies, this call fails, or everything stands still."""
        if effect == "hang":
            self.freeze(seconds)
            return
        self._planned = spawn(self.restart(is_power_cut=True), name="struck")
        self.witness.expects_fault = True
        if effect == "kill":
            self.engine.abandon()
            self.broker.is_dead = True
        raise PlannedError("struck")

    def latch_within(self, seconds: float) -> None:
        """Another hand sets the latch at some moment of the next so many seconds."""
        at = self.random.uniform(0, max(0.2, seconds))
        self.loop.call_later(at, self.latch.set, "touched", "another hand")

    def _sync_time(self) -> float:
        if self._cut_at and len(self.disk.rows) >= self._cut_at:
            self._cut_at = 0
            self._planned = spawn(self.restart(is_power_cut=True), name="power cut")
        if self.plan.strikes(Fault.SLOW_FSYNC):
            return _SLOW_S
        return self._disk_random.uniform(0.001, 0.008)
