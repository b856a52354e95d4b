"""The real books over a simulated broker, a disk in memory and a clock that waits for nobody: for the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache
from typing import cast

from stockpulse_engine.bootstrap.books import Ends, Market, join_books
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.drill.sim.ports import Disk, SimEnds, Workshop
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.marketdata.ports import ClockState, MarketDataProvider
from stockpulse_engine.marketdata.service import MarketService
from stockpulse_engine.marketdata.time import MarketTime
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.storage.imaged import ImageDisk, ImageJournal
from stockpulse_engine.trading.desk import Timing

WORLD = "sim"
TIMING = Timing(watch=1.0)
"""The engine's own waits; it looks around once a second, so that a quiet minute is cheap to simulate."""
LIMITS = Limits()


class NoProvider:
    """Market data is shown to the engine by the simulator; nothing is fetched."""

    name = "drill"

    def events(self) -> AsyncIterator[Sequence[MarketEvent | ClockState]]:
        """Never asked."""
        raise AssertionError("the simulator shows its quotes itself")


class SimulatedEngine:
    """Implements `drill.sim.ports.Engine`."""

    def __init__(self, ends: SimEnds) -> None:
        calendar = _calendar()
        time = MarketTime(ends.clock, calendar, WORLD)
        self._clock = ends.clock
        self._market = MarketService(
            provider=cast("MarketDataProvider", NoProvider()),
            control=None,
            calendar=calendar,
            cache=(cache_ := QuoteCache()),
            bus=ends.bus,
            time=time,
        )
        cache_.instruments.update((one.instrument_id, one) for one in ends.instruments)
        self._journal = ImageJournal(cast("ImageDisk", ends.disk))
        joined = join_books(
            Ends(
                journal=self._journal,
                latch=ends.latch,
                clock=ends.clock,
                bus=ends.bus,
                market=Market(service=self._market, time=time, calendar=calendar),
                brokers={PAPER_BROKER: ends.broker},
                timing=TIMING,
                ids=ends.ids,
            ),
            limits=LIMITS,
            world=WORLD,
        )
        self.trading, self.ledger, self.portfolio = joined.trading, joined.ledger, joined.portfolio

    def show(self, events: Sequence[MarketEvent], session_date: str) -> None:
        """Market data arrives."""
        now = self._clock.now_ns()
        state = ClockState(market_ns=self._clock.true_ns(), wall_ns=now, speed=1.0, session_date=session_date)
        self._market.feed.take([state, *events])

    def abandon(self) -> None:
        """The process is gone."""
        self._journal.abandon()


def workshop() -> Workshop:
    """What the simulator is given."""
    return Workshop(engine=SimulatedEngine, disk=_make_disk)


def _make_disk(delay: Callable[[], float]) -> Disk:
    return ImageDisk(WORLD, delay)


@cache
def _calendar() -> Calendar:
    return load_calendar()
