"""Market data of this engine: the paper venue's market, its clock, and charts from outside."""

from __future__ import annotations

from typing import NamedTuple

from stockpulse_engine.adapters.paper.market import PaperMarket
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.marketdata.service import ExternalCharts, MarketService
from stockpulse_engine.marketdata.settings import MarketSettings
from stockpulse_engine.marketdata.time import MarketTime

FOCUS = ("AAPL.XNAS", "SPY.ARCX")
"""Instruments whose references load first: what the first screen shows."""


class MarketParts(NamedTuple):
    """What `build_market` joined."""

    service: MarketService
    time: MarketTime
    calendar: Calendar
    provider: PaperMarket


def build_market(paths: Paths, world: str, settings: MarketSettings, clock: Clock, bus: Bus) -> MarketParts:
    """Join the service with the venue's market and the outside charts."""
    calendar = load_calendar(settings.calendar)
    provider = PaperMarket(paths.venue_socket(world), clock)
    time = MarketTime(clock, calendar, world)
    service = MarketService(
        provider=provider,
        control=provider,
        calendar=calendar,
        cache=QuoteCache(),
        bus=bus,
        time=time,
        external=_external(settings),
        focus=FOCUS,
    )
    return MarketParts(service, time, calendar, provider)


def _external(settings: MarketSettings) -> ExternalCharts | None:
    if not settings.yahoo:
        return None
    from stockpulse_engine.adapters.yahoo.rest import YahooChart

    return YahooChart(base_url=settings.yahoo_url)
