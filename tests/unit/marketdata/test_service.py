"""The market data service keeps its link up, knows its references, and answers for every room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.market import Bar, BarSpec, Quote
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.marketdata.service import MarketService
from stockpulse_engine.marketdata.time import MarketTime
from tests.fakes.fake_provider import FakeProvider, a_bar, a_quote, a_trade, an_instrument

CALENDAR = load_calendar("XNYS")
SESSION = CALENDAR.session("2013-10-07")
assert SESSION is not None
NOW = SESSION.open + 3_600_000_000_000
DAY = BarSpec(1, "d")
FIVE = BarSpec(5, "m")


class Desk:
    """A service on a fake provider, and what it published."""

    def __init__(self) -> None:
        self.wall = ManualClock()
        state = ClockState(market_ns=NOW, wall_ns=self.wall.now_ns(), speed=2.0, session_date="2013-10-07")
        self.provider = FakeProvider(state, [an_instrument(), an_instrument("MSFT.XNAS"), an_instrument("AAPL.XLON")])
        self.bus = Bus(lambda _, error: self.errors.append(error))
        self.errors: list[Exception] = []
        self.parts: list[str] = []
        self.bus.subscribe(PartChanged, lambda part: self.parts.append(part.state))
        self.time = MarketTime(self.wall, CALENDAR, "sim")
        self.cache = QuoteCache()
        self.service = MarketService(
            provider=self.provider,
            control=None,
            calendar=CALENDAR,
            cache=self.cache,
            bus=self.bus,
            time=self.time,
            focus=("MSFT.XNAS",),
        )

    async def next_quote(self) -> Quote:
        """The next quote published."""
        seen: asyncio.Future[Quote] = asyncio.get_running_loop().create_future()
        stop = self.bus.subscribe(Quote, lambda quote: None if seen.done() else seen.set_result(quote))
        try:
            return await seen
        finally:
            stop()


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[MarketService]:
    """The service with its loops running."""
    tasks = [spawn(desk.service.run(), name="feed"), spawn(desk.service.run_references(), name="references")]
    await desk.service.ready.wait()
    try:
        yield desk.service
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_market_time_runs_at_the_markets_speed() -> None:
    desk = Desk()
    async with running(desk):
        desk.wall.advance(1_000)
        assert desk.time.now_ns() == NOW + 2_000
        view = desk.service.clock()
        assert view is not None
        assert (view.phase, view.next_phase, view.is_half_day) == ("OPEN", "CLOSING_AUCTION", False)


@pytest.mark.covers("F22", "F28")
@pytest.mark.parametrize(("speed", "is_paused"), [(0.1, False), (1.0, False), (1000.0, False), (60.0, True)])
async def test_a_quote_ages_by_the_seconds_its_feed_is_silent_at_any_speed(speed: float, is_paused: bool) -> None:
    desk = Desk()
    started = ClockState(
        market_ns=NOW, wall_ns=desk.wall.now_ns(), speed=speed, session_date="2013-10-07", is_paused=is_paused
    )
    async with running(desk) as service:
        service.feed.take([started, a_quote("10.00", "10.02", NOW)])
        desk.wall.advance(3_000_000_000)
        assert service.quote_age_ns("AAPL.XNAS") == 3_000_000_000
        service.feed.take([started])
        assert service.quote_age_ns("AAPL.XNAS") == 0, "a sign of life: it still stands"


async def test_a_lost_link_is_said_and_mended() -> None:
    desk = Desk()
    async with running(desk):
        desk.provider.refuse_connect = 1
        desk.provider.drop()
        waiting = spawn(desk.next_quote(), name="quote")
        desk.provider.play(a_quote("10", "10.01", NOW))
        assert (await waiting).bid == 10
    assert desk.provider.connects == 2
    assert desk.parts == ["ok", "gone", "gone", "ok"]


async def test_references_load_with_the_focused_instrument_first() -> None:
    desk = Desk()
    assert SESSION is not None
    yesterday = a_bar(DAY, SESSION.open - 3 * 86_400_000_000_000, "99")
    desk.provider.bars[("MSFT.XNAS", "1d")] = [yesterday, a_bar(DAY, SESSION.open, "101", is_open=True)]
    async with running(desk) as service:
        while len(desk.provider.fetched) < 6:
            await asyncio.sleep(0)
        assert service.references()["MSFT.XNAS"] == ("99", "101", "101")
    assert desk.provider.fetched[0] == ("MSFT.XNAS", "1d")


async def test_an_open_series_follows_the_prints() -> None:
    desk = Desk()
    desk.provider.bars[("AAPL.XNAS", "5m")] = [a_bar(FIVE, NOW, "10", is_open=True)]
    async with running(desk) as service:
        changed: list[Bar] = []
        desk.bus.subscribe(Bar, changed.append)
        await service.bars("AAPL.XNAS", FIVE, limit=10)
        waiting = spawn(desk.next_quote(), name="quote")
        desk.provider.play(a_trade("12", NOW + 5), a_quote("12", "12.01", NOW + 5))
        await waiting
        bars = await service.bars("AAPL.XNAS", FIVE, limit=10)
    assert changed[-1].close == Decimal(12)
    assert bars[-1].high == Decimal(12)


async def test_names_resolve_and_errors_name_the_nearest() -> None:
    desk = Desk()
    async with running(desk) as service:
        assert service.resolve("msft").instrument_id == "MSFT.XNAS"
        assert service.resolve("AAPL.XLON").venue == "XLON"
        with pytest.raises(InvalidValueError, match="several venues"):
            service.resolve("AAPL")
        with pytest.raises(NotFoundError, match="MSFT"):
            service.resolve("MSTF")


async def test_what_is_not_ours_is_refused_in_words() -> None:
    desk = Desk()
    async with running(desk) as service:
        with pytest.raises(ForbiddenError):
            await service.control("pause", speed=1, step_ns=0)
        with pytest.raises(UnavailableError, match="outside chart source"):
            await service.bars("yahoo:AAPL", FIVE, limit=10)


async def test_a_cell_explains_itself_from_its_inputs() -> None:
    desk = Desk()
    async with running(desk) as service:
        waiting = spawn(desk.next_quote(), name="quote")
        desk.provider.play(a_trade("10", NOW), a_quote("99.99", "100.01", NOW))
        await waiting
        told = service.explain("bp", "AAPL.XNAS")
        bid, ask = Decimal(told.inputs["bid"]), Decimal(told.inputs["ask"])
        assert Decimal(told.value) == (ask - bid) / ((bid + ask) / 2) * 10_000
        assert told.source == "fake"
        with pytest.raises(NotFoundError, match="chg%"):
            service.explain("colour", "AAPL.XNAS")
