"""What every part of the order service works with: the recorder, the router, clocks, the bus and small conveniences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.tasks import Supervisor, Work
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderRole, OrderTerms
from stockpulse_engine.domain.reports import VenueAccount
from stockpulse_engine.trading.milestones import Milestones
from stockpulse_engine.trading.ports import Broker, Gate, HaltLatch, MarketNow, PositionSource, QuoteSource
from stockpulse_engine.trading.recorder import Recorder
from stockpulse_engine.trading.router import Router

MAX_JOBS: Final = 8192
"""Requests to the venue on their way at once; more are refused before anything is journalled."""


@dataclass
class Timing:
    """Waits in seconds of wall time; tests shorten them.

    Attributes:
        settle: between two looks at the venue before absence counts as proven.
        first_look, longest_look: back-off of the queries about an UNKNOWN order.
        overdue: a request that the venue has not answered for so long is asked about.
        watch: how often latch and overdue requests are looked at.
        reconcile: how often open orders and what is held are compared with the venue.
        park: how long an execution waits for the answer that tells whose it is.
        poll: how often a broker is asked for executions that no report told, while orders are open.
        connect, catch_up: limits for one attempt to link and for reading what was missed.
        flatten: how long a flatten may take before it halts.
        blind: a held order whose price was missing for so long is told about.
    """

    settle: float = 0.5
    first_look: float = 0.2
    longest_look: float = 10.0
    overdue: float = 5.0
    watch: float = 0.25
    reconcile: float = 60.0
    park: float = 5.0
    poll: float = 10.0
    connect: float = 5.0
    catch_up: float = 10.0
    flatten: float = 60.0
    blind: float = 60.0


@dataclass(frozen=True)
class Comparison:
    """What a broker showed when an account was last compared whole; how fresh a view is, no fact of the journal."""

    venue: VenueAccount
    market_time: int
    wall_time: int


@dataclass
class Desk:
    """Everything the parts share; each part changes only what is its own."""

    recorder: Recorder
    router: Router
    brokers: dict[str, Broker]
    """Connection name, as `Account.broker` says it → broker. Shared with the router; connections come and go."""
    gate: Gate
    latch: HaltLatch
    clock: Clock
    market_now: MarketNow
    bus: Bus
    quotes: QuoteSource
    positions: PositionSource
    crew: Supervisor
    timing: Timing
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    limits_name: Callable[[OrderTerms], str] = lambda _: ""
    """Which limits an order of these terms is judged by now."""
    milestones: Milestones = field(default_factory=Milestones)
    sending: dict[str, asyncio.Event] = field(default_factory=dict)
    """Orders on their way to the venue: a cancel waits for them, so that it cannot overtake."""
    jobs: int = 0
    clean: set[str] = field(default_factory=set)
    """Accounts that were compared with their broker since it was joined: orders of others do not leave."""
    matched_at: dict[str, int] = field(default_factory=dict)
    """Account → market time at which its holdings were last seen to match the venue's. How fresh a view is, no fact
    of the journal: a comparison that finds what the last one found writes nothing."""
    matched_wall: dict[str, int] = field(default_factory=dict)
    """The same in wall time."""
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    """Account → what its broker showed last."""
    is_stopping: bool = False

    def event(self, kind: OrderEventKind, client_order_id: str, **more: Any) -> OrderEvent:
        """An order event stamped with market and wall time."""
        return OrderEvent(
            client_order_id=client_order_id,
            kind=kind,
            ts_event=more.pop("ts_event", None) or self.market_now(),
            recorded_at=self.clock.now_ns(),
            **more,
        )

    def order(self, client_order_id: str) -> Order:
        """The newest state of an order by its full id. Raises NotFoundError."""
        found = self.recorder.current(client_order_id)
        if found is None:
            raise NotFoundError(f"There is no order {clean_line(client_order_id, 64)!r}.", fix="See `sp orders`.")
        return found

    def exit_prices(self, client_order_id: str) -> tuple[Decimal | None, Decimal | None]:
        """Take and stop price of the bracket whose entry this is; None for an exit that it has not or no longer."""
        front = self.recorder.front
        exits = [front.orders[key] for key in front.children.get(client_order_id, ())]
        live = {exit_.role: exit_.terms for exit_ in exits if not exit_.status.is_terminal}
        take, stop = live.get(OrderRole.TAKE), live.get(OrderRole.STOP)
        return take.limit_price if take else None, stop.stop_price if stop else None

    def note(self, client_order_id: str, milestone: str) -> None:
        """Remember when an order passed a milestone."""
        self.milestones.note(client_order_id, milestone, self.clock.monotonic_ns())

    def alert(self, level: str, text: str, subject: str = "") -> None:
        """Tell people."""
        self.bus.publish(AlertRaised(ts_event=self.market_now(), level=level, text=text, subject=subject))

    def require_room(self) -> None:
        """Refuse new work before anything is journalled when too much is under way or the engine stops."""
        if self.is_stopping:
            raise UnavailableError("The engine is stopping.", fix="Send again when it is back.")
        if self.jobs >= MAX_JOBS:
            raise UnavailableError("Too many requests are on their way to the venue.", fix="Wait and send again.")

    def spawn(self, work: Work[None], name: str) -> None:
        """Start a supervised one-shot."""
        self.jobs += 1
        self.crew.spawn(work, name=name).add_done_callback(self._job_done)

    def _job_done(self, _: asyncio.Task[None]) -> None:
        self.jobs -= 1

    def open_in(self, account_id: str) -> tuple[Order, ...]:
        """Open orders of an account, or of all with "", newest state."""
        front = self.recorder.front
        return tuple(front.open_orders(account_id) if account_id else front.all_open())
