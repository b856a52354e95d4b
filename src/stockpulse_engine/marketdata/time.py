"""Market time of the engine's world: what the provider said, carried forward by the wall clock."""

from __future__ import annotations

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.market import SECOND_NS, MarketPhase
from stockpulse_engine.domain.views import ClockView
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.ports import ClockState

TIME_ZONE = "America/New_York"
KEEPS_UP = 0.95
"""Part of the promised way that a market which keeps its speed has come."""


class MarketTime:
    """Answers "what time is it in this market" without asking the network."""

    def __init__(self, wall: Clock, calendar: Calendar, world: str) -> None:
        self._wall = wall
        self._calendar = calendar
        self._world = world
        self._state: ClockState | None = None
        self._reach: int | None = None
        """How far the last statement may be carried on; None for as far as its speed says."""

    @property
    def is_known(self) -> bool:
        """Whether the provider told its time at least once."""
        return self._state is not None

    @property
    def session_date(self) -> str:
        """Date of the current session as the provider names it, "" before it did."""
        return self._state.session_date if self._state is not None else ""

    def wall_ns(self) -> int:
        """The machine's time."""
        return self._wall.now_ns()

    def monotonic_ns(self) -> int:
        """The machine's time since some moment: it never goes back, and only differences mean anything."""
        return self._wall.monotonic_ns()

    def set(self, state: ClockState) -> None:
        """Take the provider's statement."""
        self._reach = _reach(self._state, state)
        self._state = state

    def now_ns(self) -> int:
        """Market time now; the wall clock before the provider answered."""
        wall_ns, state = self._wall.now_ns(), self._state
        if state is None:
            return wall_ns
        now = state.at(wall_ns)
        return now if self._reach is None else min(now, state.market_ns + self._reach)

    def phase(self) -> MarketPhase:
        """Phase of the venue's day now."""
        return self._calendar.phase_at(self.now_ns())

    def view(self) -> ClockView | None:
        """The clock for people, None before the provider answered."""
        state = self._state
        if state is None:
            return None
        now = self.now_ns()
        session = self._calendar.session(state.session_date)
        next_ns, next_phase = self._calendar.next_change(now)
        return ClockView(
            world=self._world,
            market_ns=now,
            wall_ns=self._wall.now_ns(),
            speed=state.speed,
            is_paused=state.is_paused,
            session_date=state.session_date,
            phase=self._calendar.phase_at(now).value,
            time_zone=TIME_ZONE,
            next_change_ns=next_ns,
            next_phase=next_phase.value,
            is_half_day=session is not None and session.is_half_day,
            is_stepping=state.is_stepping,
        )


def _reach(before: ClockState | None, state: ClockState) -> int | None:
    """How far a market that can not keep its speed may be carried on: twice as far as it has just come.

    Without that bound a market that runs at a tenth of what was asked would be shown minutes ahead of itself, and
    jump back with each statement.
    """
    if before is None or before.is_paused or state.is_paused or before.speed != state.speed:
        return None
    come, promised = state.market_ns - before.market_ns, before.at(state.wall_ns) - before.market_ns
    return max(2 * come, SECOND_NS) if come < promised * KEEPS_UP else None
