"""Market data of this engine: the paper venue's market or the one outside, its clock, and charts from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stockpulse_engine.adapters.paper.feeder import VenueFeeder
from stockpulse_engine.adapters.paper.market import PaperMarket
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.options import LIVE, REPLAY
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.views import FeedCounts
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.marketdata.ports import MarketDataProvider
from stockpulse_engine.marketdata.service import ExternalCharts, MarketService
from stockpulse_engine.marketdata.settings import MarketSettings
from stockpulse_engine.marketdata.stored import StoredCharts
from stockpulse_engine.marketdata.time import MarketTime

ChartSource = Callable[[Callable[[], int]], StoredCharts | None]
"""Makes charts from stored history, given market time."""
FOCUS = ("AAPL.XNAS", "SPY.ARCX")
"""Instruments whose references load first: what the first screen shows."""


class MarketParts(NamedTuple):
    """What `build_market` joined; `feeder` only in the live world, where the venue has no market of its own."""

    service: MarketService
    time: MarketTime
    calendar: Calendar
    provider: MarketDataProvider
    venue: PaperMarket
    feeder: VenueFeeder | None = None

    def feed_counts(self) -> FeedCounts:
        """What the feed took and held back, and what the recording behind it left out."""
        seen = self.service.feed.counters
        return FeedCounts(
            batches=seen.batches,
            events=seen.events,
            crossed=seen.crossed,
            refused=seen.refused,
            source=self.venue.counts,
        )


def build_market(  # noqa: PLR0917 - the parts of one join, made in one place
    paths: Paths, world: str, settings: MarketSettings, clock: Clock, bus: Bus, history: ChartSource | None = None
) -> MarketParts:
    """Join the service with this world's market, the outside charts and stored ones."""
    calendar = load_calendar(settings.calendar)
    venue = PaperMarket(paths.venue_socket(world), clock)
    time = MarketTime(clock, calendar, world)
    stored = history(time.now_ns) if history is not None else None
    if world == LIVE:
        return _live(settings, calendar, time, bus, venue, clock, stored)
    service = MarketService(
        provider=venue,
        control=venue,
        calendar=calendar,
        cache=QuoteCache(),
        bus=bus,
        time=time,
        external=_external(settings),
        stored=stored,
        focus=FOCUS,
        is_real=world.startswith(REPLAY),
    )
    return MarketParts(service, time, calendar, venue, venue)


def _live(  # noqa: PLR0917 - the parts of one join, made in one place
    settings: MarketSettings,
    calendar: Calendar,
    time: MarketTime,
    bus: Bus,
    venue: PaperMarket,
    clock: Clock,
    stored: StoredCharts | None,
) -> MarketParts:
    """The market outside; what it shows is passed on to the venue, which matches on it."""
    from stockpulse_engine.adapters.yahoo.market import YahooMarket
    from stockpulse_engine.adapters.yahoo.rest import YahooChart
    from stockpulse_engine.adapters.yahoo.settings import LIVE_CACHE_S, LIVE_GAP_S, YahooSettings

    chart = YahooChart(settings.yahoo_url, settings=YahooSettings(cache_s=LIVE_CACHE_S, gap_s=LIVE_GAP_S), clock=clock)
    provider = YahooMarket(
        chart,
        settings.symbols,
        calendar=calendar,
        clock=clock,
        poll_s=settings.poll_s,
        on_change=lambda state, detail: bus.publish(PartChanged(name="feed", state=state, detail=detail)),
    )
    cache = QuoteCache()
    service = MarketService(
        provider=provider,
        control=None,
        calendar=calendar,
        cache=cache,
        bus=bus,
        time=time,
        external=chart,
        stored=stored,
        focus=FOCUS,
        is_confirming=False,
        is_real=True,
    )
    feeder = VenueFeeder(bus, venue, service.instruments, service.quotes)
    return MarketParts(service, time, calendar, provider, venue, feeder)


def _external(settings: MarketSettings) -> ExternalCharts | None:
    if not settings.yahoo:
        return None
    from stockpulse_engine.adapters.yahoo.rest import YahooChart

    return YahooChart(base_url=settings.yahoo_url)
