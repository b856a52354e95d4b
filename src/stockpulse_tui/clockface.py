"""Market time as this head knows it: the engine's clock view carried on by the wall clock."""

from __future__ import annotations

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.views import ClockView


def market_now(view: ClockView | None, clock: Clock) -> int:
    """Market time now, in UTC nanoseconds; wall time while no clock view is known."""
    wall = clock.now_ns()
    if view is None:
        return wall
    if view.is_paused:
        return view.market_ns
    return view.market_ns + int(max(0, wall - view.wall_ns) * view.speed)
