"""A live market through one polite keyhole: what is seen, what is said when it shuts, and how seldom we look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from stockpulse_engine.adapters.yahoo.market import BEAT_S, MAX_SKIP, YahooMarket
from stockpulse_engine.adapters.yahoo.rest import YahooChart
from stockpulse_engine.adapters.yahoo.settings import LIVE_CACHE_S, LIVE_GAP_S, YahooSettings
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.domain.market import (
    SECOND_NS,
    BarSpec,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    Quote,
    Trade,
)
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from tests.fakes.yahoo_server import YahooServer
from tests.unit.adapters.yahoo.answers import SESSION_END, SESSION_START, body

NOON = SESSION_START + 9000
Batch = Sequence[MarketEvent | ClockState]


def answer(price: float, volume: int | None, at: int = NOON, **meta: object) -> tuple[int, bytes]:
    """What the endpoint says of AAPL."""
    fields = {"regularMarketPrice": price, "regularMarketVolume": volume, "regularMarketTime": at, **meta}
    return 200, body([SESSION_START], [(1, 2, 1, 2, 5)], **fields)


class Keyhole:
    """A market on the stand-in, its clock moved by whoever sleeps, and all that was said."""

    def __init__(self, server: YahooServer, *symbols: str, poll_s: float = 1.0) -> None:
        self.server = server
        self.clock = ManualClock(NOON * SECOND_NS)
        self.said: list[tuple[str, str]] = []
        self.asked_at: list[int] = []
        settings = YahooSettings(cache_s=LIVE_CACHE_S, gap_s=LIVE_GAP_S)
        self.chart = YahooChart(server.url, settings=settings, clock=self.clock, sleep=self.sleep)
        self.market = YahooMarket(
            self.chart,
            symbols or ("AAPL",),
            calendar=load_calendar(),
            clock=self.clock,
            poll_s=poll_s,
            on_change=lambda state, detail: self.said.append((state, detail)),
            sleep=self.sleep,
        )
        self.events = self.market.events()

    async def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(round(seconds * SECOND_NS))

    async def open(self) -> Batch:
        """What the engine does first; returns the first batch."""
        await self.market.connect()
        await self.market.fetch_instruments()
        self.clock.advance(SECOND_NS)
        return await self.next()

    async def next(self) -> Batch:
        """The next batch."""
        return await anext(self.events)

    def answer(self, price: float, volume: int | None, at: int = NOON, **meta: object) -> None:
        """Change what the endpoint says."""
        self.server.answers["AAPL"] = answer(price, volume, at, **meta)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def server() -> AsyncIterator[YahooServer]:
    async with YahooServer(answers={"AAPL": answer(100, 1000)}) as running:
        yield running
    assert running.complaints == []


@pytest.fixture
async def hole(server: YahooServer) -> AsyncIterator[Keyhole]:
    made = Keyhole(server)
    yield made
    await made.market.close()


def of_kind(batch: Batch, kind: type) -> list[MarketEvent | ClockState]:
    return [event for event in batch if isinstance(event, kind)]


async def test_the_first_look_tells_phase_time_and_a_price_without_sizes(hole: Keyhole) -> None:
    clock, status, quote = await hole.open()
    assert isinstance(clock, ClockState)
    assert (clock.session_date, clock.speed, clock.market_ns) == ("2023-11-15", 1.0, hole.clock.now_ns())
    assert isinstance(status, InstrumentStatus)
    assert (status.instrument_id, status.phase) == ("AAPL.XNAS", MarketPhase.OPEN)
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (Decimal(100), Decimal(100), ZERO, ZERO)
    assert (quote.ts_event, quote.source) == (NOON * SECOND_NS, "yahoo"), "as old as Yahoo says"


async def test_what_was_traded_since_the_last_look_is_one_print_after_its_quote(hole: Keyhole) -> None:
    await hole.open()
    hole.answer(99.5, 1250, NOON + 2)
    _, quote, trade = await hole.next()
    assert isinstance(quote, Quote)
    assert quote.last == Decimal("99.5")
    assert trade == Trade("AAPL.XNAS", Decimal("99.5"), Decimal(250), (NOON + 2) * SECOND_NS, source="yahoo")
    assert of_kind(await hole.next(), Trade) == [], "nothing new, no print"


@pytest.mark.parametrize("volume", [None, 10], ids=["not told", "begun anew"])
async def test_no_size_is_made_up(hole: Keyhole, volume: int | None) -> None:
    await hole.open()
    hole.answer(99, volume, NOON + 2)
    assert [type(event) for event in await hole.next()] == [ClockState, Quote]


async def test_an_answer_older_than_the_last_is_left_out(hole: Keyhole) -> None:
    await hole.open()
    hole.answer(99, 1250, NOON - 60)
    assert [type(event) for event in await hole.next()] == [ClockState]


async def test_the_volume_of_coins_is_counted_in_money_and_they_never_close(hole: Keyhole) -> None:
    hole.clock.advance((SESSION_END + 8 * 3600 - NOON) * SECOND_NS)
    coin: dict[str, Any] = {"instrumentType": "CRYPTOCURRENCY", "exchangeName": "CCC", "symbol": "BTC-USD"}
    hole.answer(100, 1000, **coin)
    (status,) = of_kind(await hole.open(), InstrumentStatus)
    assert isinstance(status, InstrumentStatus)
    assert (status.instrument_id, status.phase) == ("BTC-USD.XXXX", MarketPhase.OPEN)
    hole.answer(100, 1250, NOON + 2, **coin)
    (trade,) = of_kind(await hole.next(), Trade)
    assert isinstance(trade, Trade)
    assert trade.size == Decimal("2.5")


async def test_phases_follow_the_calendar(hole: Keyhole) -> None:
    await hole.open()
    hole.clock.advance((SESSION_END - NOON) * SECOND_NS)
    (status,) = of_kind(await hole.next(), InstrumentStatus)
    assert isinstance(status, InstrumentStatus)
    assert status.phase in (MarketPhase.POST, MarketPhase.CLOSING_AUCTION)


async def test_a_sign_of_life_each_second_and_a_look_when_it_is_due(server: YahooServer) -> None:
    hole = Keyhole(server, poll_s=15.0)
    await hole.open()
    asked, before = len(server.asked), hole.clock.now_ns()
    batches = [await hole.next() for _ in range(15)]
    assert all(of_kind(batch, ClockState) for batch in batches)
    assert hole.clock.now_ns() - before == round(15 * BEAT_S) * SECOND_NS
    assert len(server.asked) - asked == 1
    await hole.market.close()


async def test_many_symbols_are_never_asked_for_more_than_once_a_second(server: YahooServer) -> None:
    names = [f"S{number}" for number in range(40)]
    for name in names:
        server.answers[name] = (200, body([SESSION_START], [(1, 2, 1, 2, 5)], symbol=name))
    hole = Keyhole(server, *names, poll_s=1.0)
    start = hole.clock.now_ns()
    await hole.open()
    for _ in range(80):
        await hole.next()
    assert len(server.asked) <= (hole.clock.now_ns() - start) / SECOND_NS + 1
    assert {asked.symbol for asked in server.asked[-40:]} == set(names), "in turn"
    await hole.market.close()


async def test_a_symbol_nobody_knows_is_named_and_the_others_live(server: YahooServer) -> None:
    hole = Keyhole(server, "NOPE", "AAPL")
    await hole.market.connect()
    assert [one.symbol for one in await hole.market.fetch_instruments()] == ["AAPL"]
    assert hole.market.name == "yahoo (unofficial), without NOPE"
    await hole.market.close()
    nobody = Keyhole(server, "NOPE")
    with pytest.raises(UnavailableError, match="none of"):
        await nobody.market.fetch_instruments()
    await nobody.market.close()


async def test_a_failing_symbol_is_counted_and_looked_at_less_and_less(server: YahooServer) -> None:
    server.answers["MSFT"] = (200, body([SESSION_START], [(1, 2, 1, 2, 5)], symbol="MSFT"))
    hole = Keyhole(server, "AAPL", "MSFT")
    await hole.open()
    server.answers["MSFT"] = (500, b"oops")
    server.asked.clear()
    for _ in range(120):
        await hole.next()
    asked = sum(one.symbol == "MSFT" for one in server.asked)
    assert hole.market.failures == {"MSFT": asked}
    assert asked <= 10
    assert MAX_SKIP < 60
    server.answers["MSFT"] = (200, body([SESSION_START], [(1, 2, 1, 2, 5)], symbol="MSFT"))
    for _ in range(2 * MAX_SKIP + 4):
        await hole.next()
    assert hole.market.failures == {}
    await hole.market.close()


async def test_silence_without_signs_of_life_then_the_link_is_lost(hole: Keyhole) -> None:
    await hole.open()
    hole.server.answers["AAPL"] = (500, b"oops")
    with pytest.raises(UnavailableError, match="status 500"):
        await hole.next()
    assert hole.said == [], "whoever holds the link says that"


@pytest.mark.covers("F23")
async def test_too_many_requests_pause_everything_for_a_minute_and_are_said(hole: Keyhole) -> None:
    await hole.open()
    hole.server.answers["AAPL"] = (429, b"Too Many Requests")
    asked, before = len(hole.server.asked), hole.clock.now_ns()

    async def forgive(seconds: float) -> None:
        await Keyhole.sleep(hole, seconds)
        if hole.clock.now_ns() - before > 30 * SECOND_NS:
            hole.answer(101, 1300, NOON + 90)

    hole.market._sleep = forgive
    batch = await hole.next()
    assert hole.clock.now_ns() - before >= 60 * SECOND_NS, "no sign of life in between"
    assert len(hole.server.asked) - asked == 2
    assert [type(event) for event in batch] == [ClockState, Quote, Trade]
    await hole.next()
    assert [state for state, _ in hole.said] == ["late", "ok"]
    assert "too many requests" in hole.said[0][1]


async def test_bars_are_those_of_the_chart(hole: Keyhole) -> None:
    await hole.open()
    bars = await hole.market.fetch_bars("AAPL.XNAS", BarSpec(1, "d"), limit=5)
    assert [bar.close for bar in bars] == [Decimal(2)]
    before = await hole.market.fetch_bars("AAPL.XNAS", BarSpec(1, "d"), limit=5, end_ns=bars[0].ts_event)
    assert before == []
    with pytest.raises(NotFoundError, match=r"market\.symbols"):
        await hole.market.fetch_bars("MSFT.XNAS", BarSpec(1, "d"), limit=5)


async def test_its_time_needs_no_network(server: YahooServer) -> None:
    async with YahooServer() as gone:
        url = gone.url
    server.url = url
    hole = Keyhole(server)
    await hole.market.connect()
    assert (await hole.market.fetch_clock()).session_date == "2023-11-15"
    with pytest.raises(UnavailableError, match="can not be reached"):
        await hole.market.fetch_instruments()
    await hole.market.close()
