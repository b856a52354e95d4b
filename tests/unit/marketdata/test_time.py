"""Market time between two statements of the market: carried on at its speed, never far ahead of what it can do."""

from __future__ import annotations

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.marketdata.time import MarketTime

SECOND = 1_000_000_000
NOON = 1_381_161_600 * SECOND


class Watch:
    """A market's clock as the engine follows it at a thousandfold speed."""

    def __init__(self) -> None:
        self.wall = ManualClock()
        self.time = MarketTime(self.wall, load_calendar("XNYS"), "sim")
        self.state(0)

    def state(self, market_s: float, *, speed: float = 1000.0) -> None:
        """The market says how far it has come."""
        market_ns = NOON + round(market_s * SECOND)
        self.time.set(ClockState(market_ns=market_ns, wall_ns=self.wall.now_ns(), speed=speed, session_date="d"))

    def after(self, wall_s: float) -> float:
        """Let wall time pass; market seconds since noon then."""
        self.wall.advance(round(wall_s * SECOND))
        return (self.time.now_ns() - NOON) / SECOND


def test_a_market_that_keeps_its_speed_is_carried_on_as_far_as_it_says() -> None:
    watch = Watch()
    assert watch.after(1.0) == 1000.0
    watch.state(1000.0)
    assert watch.after(2.5) == 3500.0


def test_a_market_that_falls_behind_is_never_shown_far_ahead_of_itself() -> None:
    watch = Watch()
    watch.after(0.1)
    watch.state(10.0)  # a tenth of what was promised
    assert watch.after(0.01) == 20.0
    assert watch.after(5.0) == 30.0, "twice as far as it has just come, however long it says nothing"
    watch.state(20.0)
    watch.after(1.0)
    watch.state(1020.0)
    assert watch.after(1.0) == 2020.0, "it keeps up again"


def test_a_change_of_speed_is_no_falling_behind() -> None:
    watch = Watch()
    watch.after(0.1)
    watch.state(5.0, speed=10.0)
    assert watch.after(1.0) == 15.0
