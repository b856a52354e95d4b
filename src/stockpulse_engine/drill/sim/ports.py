"""What the simulator needs of rooms above it: an engine over given ends, and the disk that its journal lies on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from stockpulse_engine.base.ids import IdFactory
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.drill.sim.broker import SimBroker
from stockpulse_engine.drill.sim.loop import SimClock
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.trading.ports import HaltLatch
from stockpulse_engine.trading.service import OrderService


class Disk(Protocol):
    """What outlives an engine."""

    failure: str
    synced: int
    delay: Callable[[], float]

    @property
    def rows(self) -> Sequence[object]:
        """What was written, synced or not."""
        ...

    def cut_power(self, kept: int = 0) -> None:
        """Only what was synced survives, and some of what was written."""
        ...

    def digest(self) -> str:
        """One hash of everything."""
        ...

    def events(self) -> Iterator[Event]:
        """Everything durable, in order."""
        ...


@dataclass(frozen=True)
class SimEnds:
    """What a simulated engine stands on."""

    disk: Disk
    latch: HaltLatch
    clock: SimClock
    bus: Bus
    broker: SimBroker
    ids: IdFactory
    instruments: Sequence[Instrument]


class Engine(Protocol):
    """The half of an engine that money depends on, joined as the real one is."""

    trading: OrderService
    ledger: Ledger
    portfolio: PortfolioService

    def show(self, events: Sequence[MarketEvent], session_date: str) -> None:
        """Market data arrives."""
        ...

    def abandon(self) -> None:
        """The process is gone: its journal hears nothing any more."""
        ...


@dataclass(frozen=True)
class Workshop:
    """How engines and disks are made: the rooms above give it."""

    engine: Callable[[SimEnds], Engine]
    disk: Callable[[Callable[[], float]], Disk]
