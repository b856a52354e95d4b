"""What a drill works on: the engine as a process, a head of it, the simulated broker; and what is noted meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError, StockPulseError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import AccountView, HaltView, HealthView, PositionView, VerifyResult
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import FaultPlan
from stockpulse_engine.drill.servers.weather import Weather
from stockpulse_engine.wire.drill import DrillEvent

ALL = 5_000
Tell = Callable[[DrillEvent], None]


class Head(Protocol):
    """What a drill asks of the engine: as any head does, through its API."""

    async def submit_order(self, command: SubmitOrder) -> Any:
        """Submit one order or bracket."""
        ...

    async def cancel_order(self, client_order_id: str, request_id: str = "") -> Any:
        """Cancel one order."""
        ...

    async def cancel_orders(self, pattern: str = "*", account_id: str = "", request_id: str = "") -> Any:
        """Cancel all that work."""
        ...

    async def orders(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Orders, newest first."""
        ...

    async def fills(self, account_id: str = "", client_order_id: str = "", limit: int = 500) -> list[Fill]:
        """Fills, newest first."""
        ...

    async def account(self, account_id: str = "") -> AccountView:
        """Balances, and what differs from the venue."""
        ...

    async def positions(self, account_id: str = "") -> list[PositionView]:
        """Holdings."""
        ...

    async def health(self) -> HealthView:
        """Parts and their state."""
        ...

    async def set_halt(self, action: str, *, word: str = "") -> HaltView:
        """Set or clear the kill switch."""
        ...

    async def verify_log(self) -> VerifyResult:
        """Walk the journal's chain."""
        ...


class Machine(Protocol):
    """The engine's process and the machine it runs on."""

    @property
    def head(self) -> Head:
        """A head of the running engine."""
        ...

    @property
    def can_fill_disk(self) -> bool:
        """Whether another process can be given a disk that takes no more, here."""
        ...

    async def start(self) -> None:
        """Start the engine and wait until it can trade."""
        ...

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        ...

    def stop(self) -> None:
        """SIGSTOP: it stands still."""
        ...

    def go_on(self) -> None:
        """SIGCONT."""
        ...

    def fill_disk(self) -> None:
        """From now on the engine can write no file any further."""
        ...

    def latch(self) -> None:
        """Set the kill latch from outside, without the engine."""
        ...


class Target(Protocol):
    """The simulated broker with its server: the personality of the adapter that is drilled."""

    venue: DrillVenue
    plan: FaultPlan
    """Faults of requests; they strike submissions alone."""
    complaints: list[str]
    is_token_dead: bool
    rollback: int
    """How far a counter of the broker has gone back."""

    @property
    def weather(self) -> Weather:
        """How bad the stream of reports is."""
        ...

    @weather.setter
    def weather(self, weather: Weather) -> None: ...

    async def start(self) -> None:
        """Listen (again)."""
        ...

    async def refuse(self) -> None:
        """Refuse whoever connects, and cut every line."""
        ...

    def cut(self) -> None:
        """Cut the lines of the adapter."""
        ...

    def tell(self) -> None:
        """Send what happened at the broker since the last call."""
        ...

    def tell_market(self) -> None:
        """Send quotes and states of the market."""
        ...


class Notes:
    """What happened since a fault began, and how often the broker was asked what."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self.began = clock.monotonic_ns()
        self.events: list[DrillEvent] = []

    def elapsed_ms(self) -> int:
        """Milliseconds since the fault began."""
        return (self._clock.monotonic_ns() - self.began) // 1_000_000

    def begin(self) -> None:
        """The fault begins now."""
        self.began = self._clock.monotonic_ns()

    def note(self, who: str, words: str) -> None:
        """Something happened."""
        event = DrillEvent(at_ms=self.elapsed_ms(), who=who, words=words)
        self.events.append(event)
        self._tell(event)


class Intents:
    """Every order that was meant, and what the engine said to it."""

    def __init__(self) -> None:
        self.attempted: list[str] = []
        self.acknowledged: set[str] = set()
        self.denied: set[str] = set()


class Stage:
    """One drill's stage. Scenarios act on it as a trader and as fate would."""

    def __init__(
        self, machine: Machine, target: Target, account_id: str, clock: Clock, *, seed: int, instruments: list[str]
    ) -> None:
        self.machine = machine
        self.target = target
        self.account_id = account_id
        self.clock = clock
        self.rng = Random(f"{seed}/flow")
        self.instruments = instruments
        self.intents = Intents()
        self.notes = Notes(clock, lambda _: None)
        self.sent: list[str] = []
        """Orders of the running fault that are shown row by row: those of the scenario, not of the flow."""
        self.problems: list[str] = []
        """What a scenario found wrong itself."""
        self.window_s = 3.0
        """For how long frames may be late when they come out of order."""
        self.stop_s = 30.0
        self._count = 0

    @property
    def venue(self) -> DrillVenue:
        """The simulated broker itself."""
        return self.target.venue

    @property
    def first(self) -> str:
        """The instrument that scenarios trade: the cheapest, so that few limits are met."""
        return self.instruments[0]

    def note(self, who: str, words: str) -> None:
        """Something happened."""
        self.notes.note(who, words)

    async def pause(self, seconds: float) -> None:
        """Let the world go on."""
        await asyncio.sleep(seconds)

    async def send(self, side: Side, quantity: Decimal | int, *, instrument: str = "", **more: Any) -> str:
        """Submit an order as a trader would and return its id; a refusal of ours is noted, not raised."""
        self._count += 1
        key = f"DRILL-{self._count:05d}"
        limit = more.get("limit_price")
        terms = OrderTerms(
            account_id=self.account_id,
            instrument_id=instrument or self.first,
            side=side,
            quantity=Decimal(quantity),
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=limit,
        )
        exits = {name: more[name] for name in ("take_price", "stop_price") if name in more}
        command = SubmitOrder(client_order_id=key, terms=terms, allow_duplicate=True, source="drill", **exits)
        await self._submit(command, is_quiet=bool(more.get("is_quiet")))
        return key

    async def _submit(self, command: SubmitOrder, *, is_quiet: bool) -> None:
        key = command.client_order_id
        self.intents.attempted.append(key)
        try:
            await self.machine.head.submit_order(command)
        except DeniedError as error:
            self.intents.denied.add(key)
            said = f"refused by us: {error.message}"
        except (StockPulseError, OSError) as error:
            said = f"no answer of the engine: {error}"
        else:
            self.intents.acknowledged.add(key)
            said = "acknowledged"
        if not is_quiet:
            self.sent.append(key)
            terms = command.terms
            self.note("us", f"{key} {terms.side.value} {terms.quantity} {terms.instrument_id}: {said}")

    async def cancel(self, key: str) -> None:
        """Cancel an order; what the engine says to that is noted."""
        try:
            await self.machine.head.cancel_order(key)
            self.note("us", f"cancel {key} requested")
        except (StockPulseError, OSError) as error:
            self.note("us", f"cancel {key}: {error}")

    async def cancel_quietly(self, key: str) -> None:
        """Cancel an order of the flow; what becomes of it the judge will see."""
        with contextlib.suppress(StockPulseError, OSError):
            await self.machine.head.cancel_order(key)

    async def until(self, holds: Callable[[], bool], within_s: float = 15.0) -> bool:
        """Wait until something holds at the venue; whether it came true."""
        give_up = self.clock.monotonic_ns() + int(within_s * 1e9)
        while not holds():
            if self.clock.monotonic_ns() > give_up:
                return False
            await asyncio.sleep(0.01)
        return True

    async def until_order(self, key: str, holds: Callable[[Order], bool], within_s: float = 15.0) -> bool:
        """Wait until something holds of our order; whether it came true."""
        give_up = self.clock.monotonic_ns() + int(within_s * 1e9)
        while True:
            order = await self.order(key)
            if order is not None and holds(order):
                return True
            if self.clock.monotonic_ns() > give_up:
                return False
            await asyncio.sleep(0.03)

    async def order(self, key: str) -> Order | None:
        """Our order, as far as the engine answers."""
        try:
            orders = await self.machine.head.orders("all", self.account_id, ALL)
        except (StockPulseError, OSError):
            return None
        return next((one for one in orders if one.client_order_id == key), None)
