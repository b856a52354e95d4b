"""Ports the market data room needs: live providers and history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """Where market time stands: `market_ns` was true at wall time `wall_ns`, running at `speed` (0 paused)."""

    market_ns: int
    wall_ns: int
    speed: float
    session_date: str
    is_paused: bool = False
    is_stepping: bool = False
    """A step of the paused market is still being played."""

    def at(self, wall_ns: int) -> int:
        """Market time now, given the wall clock."""
        if self.is_paused:
            return self.market_ns
        return self.market_ns + round((wall_ns - self.wall_ns) * self.speed)


class MarketDataProvider(Protocol):
    """One source of live data. Text and numbers arrive parsed, finite and sanitised."""

    @property
    def name(self) -> str:
        """Short source name shown beside numbers."""
        ...

    async def connect(self) -> None:
        """Open the link; raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Close the link."""
        ...

    async def fetch_instruments(self) -> Sequence[Instrument]:
        """Everything tradable here."""
        ...

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last `limit` bars whose start is before `end_ns` (default now), oldest first; the newest may be open."""
        ...

    async def fetch_clock(self) -> ClockState:
        """Market time of this source."""
        ...

    def events(self) -> AsyncIterator[Sequence[MarketEvent | ClockState]]:
        """Batches of live events, one batch per socket read, until the link drops."""
        ...


class MarketControl(Protocol):
    """Speed, pause and step of a simulated or replayed market."""

    async def set_speed(self, speed: float) -> ClockState:
        """Run market time at `speed` times wall time (0.1 … 1000)."""
        ...

    async def pause(self) -> ClockState:
        """Stop market time."""
        ...

    async def resume(self) -> ClockState:
        """Let market time run again."""
        ...

    async def step(self, nanoseconds: int) -> ClockState:
        """While paused, play exactly this much market time."""
        ...

    async def seek(self, to_ns: int) -> ClockState:
        """Play everything up to `to_ns` as fast as can be, then go on as before."""
        ...
