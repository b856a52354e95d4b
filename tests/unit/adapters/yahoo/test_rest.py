"""What we ask Yahoo for, how seldom, and what happens when it does not answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.yahoo.rest import INTERVALS, YahooChart, days_back
from stockpulse_engine.adapters.yahoo.settings import YahooSettings
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.market import SECOND_NS, BarSpec, parse_bar_spec
from tests.fakes.yahoo_server import YahooServer
from tests.unit.adapters.yahoo.answers import SESSION_START, body

FIVE = BarSpec(5, "m")
ANSWER = body([SESSION_START, SESSION_START + 300], [(1, 2, 1, 2, 5), (2, 3, 2, 3, 5)])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the machine must not stand between the test and its loopback server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def server() -> AsyncIterator[YahooServer]:
    async with YahooServer(answers={"AAPL": (200, ANSWER)}) as running:
        yield running
    assert running.complaints == []


@pytest.fixture
async def yahoo(server: YahooServer, clock: ManualClock) -> AsyncIterator[YahooChart]:
    source = YahooChart(server.url, clock=clock)
    yield source
    await source.close()


async def test_bars_and_quote_come_from_one_endpoint(yahoo: YahooChart, server: YahooServer) -> None:
    bars = await yahoo.fetch_bars("aapl", FIVE, 100)
    assert [bar.close for bar in bars] == [Decimal(2), Decimal(3)]
    assert (await yahoo.fetch_bars("AAPL", FIVE, 1))[0].close == Decimal(3)
    quote = await yahoo.fetch_quote("AAPL")
    assert quote.last == Decimal("188.12")
    assert [asked.query["interval"] for asked in server.asked] == ["5m", "5m", "1d"]
    assert server.asked[0].query["events"] == "div|split"


async def test_range_asked_for_ends_now(yahoo: YahooChart, server: YahooServer, clock: ManualClock) -> None:
    await yahoo.fetch_bars("AAPL", FIVE, 100)
    assert int(server.asked[0].query["period2"]) == clock.now_ns() // SECOND_NS


async def test_same_question_is_asked_once_in_a_while(
    yahoo: YahooChart, server: YahooServer, clock: ManualClock
) -> None:
    for _ in range(3):
        await yahoo.fetch_bars("AAPL", FIVE, 100)
    assert len(server.asked) == 1
    clock.advance(16 * SECOND_NS)
    await yahoo.fetch_bars("AAPL", FIVE, 100)
    assert len(server.asked) == 2


async def test_too_many_requests_silences_us_for_a_minute(
    yahoo: YahooChart, server: YahooServer, clock: ManualClock
) -> None:
    server.answers["MSFT"] = (429, b"Too Many Requests\r\n")
    for _ in range(3):
        with pytest.raises(UnavailableError, match="too many"):
            await yahoo.fetch_bars("MSFT", FIVE, 10)
    assert len(server.asked) == 1
    clock.advance(61 * SECOND_NS)
    server.answers["MSFT"] = (200, ANSWER)
    assert len(await yahoo.fetch_bars("MSFT", FIVE, 10)) == 2


async def test_unknown_symbol_is_not_found(yahoo: YahooChart) -> None:
    with pytest.raises(NotFoundError, match="delisted"):
        await yahoo.fetch_bars("NOPE", FIVE, 10)


async def test_nothing_is_asked_for_what_can_not_be(yahoo: YahooChart, server: YahooServer) -> None:
    with pytest.raises(InvalidValueError, match="3m"):
        await yahoo.fetch_bars("AAPL", BarSpec(3, "m"), 10)
    with pytest.raises(InvalidValueError, match="symbol"):
        await yahoo.fetch_bars("../etc", FIVE, 10)
    assert server.asked == []


async def test_answer_too_large_is_cut_off(server: YahooServer, clock: ManualClock) -> None:
    source = YahooChart(server.url, settings=YahooSettings(max_bytes=100), clock=clock)
    with pytest.raises(UnavailableError, match="100 bytes"):
        await source.fetch_bars("AAPL", FIVE, 10)
    await source.close()


async def test_no_network_is_said_plainly(clock: ManualClock) -> None:
    async with YahooServer() as gone:
        url = gone.url
    source = YahooChart(url, clock=clock)
    with pytest.raises(UnavailableError, match="can not be reached") as caught:
        await source.fetch_quote("AAPL")
    assert url not in str(caught.value)
    await source.close()


def test_range_holds_the_bars_within_what_is_kept() -> None:
    assert days_back(parse_bar_spec("1m"), 5000) == 7
    assert days_back(parse_bar_spec("5m"), 78 * 5) >= 7
    assert days_back(parse_bar_spec("1h"), 5000) == 729
    assert days_back(parse_bar_spec("1d"), 250) >= 365
    assert all(days_back(parse_bar_spec(spec), 5000) > 0 for spec in INTERVALS)


@pytest.mark.real_data
async def test_recordings_are_served_and_read_back(yahoo: YahooChart, server: YahooServer, shared: Path) -> None:
    file = shared / "contracts/yahoo/http/chart/chart-AAPL-2020-08-31-to-2020-11-07.json"
    recorded = json.loads(file.read_text())["response"]["bodyJson"]
    server.answers["AAPL"] = (200, json.dumps(recorded).encode())
    bars = await yahoo.fetch_bars("AAPL", BarSpec(1, "d"), 100)
    assert len(bars) == 49
    assert bars[0].close == Decimal("129.04")
    assert bars[0].volume == Decimal(225702700)
