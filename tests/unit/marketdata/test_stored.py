"""Charts from stored history: of what is not traded here, as it was known by the market's time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.marketdata.service import MarketService
from stockpulse_engine.marketdata.stored import StoredCharts
from stockpulse_engine.marketdata.time import MarketTime
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.fakes.fake_provider import FakeProvider, a_bar, an_instrument
from tests.unit.storage.history.build import IBM, M1, MINUTE, bar_frame

CALENDAR = load_calendar("XNYS")
SESSION = CALENDAR.session("2013-10-07")
assert SESSION is not None
NOW = SESSION.open + 30 * MINUTE
FIVE = BarSpec(5, "m")


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        opened.writer.write_bars(bar_frame(range(100, 160), name=IBM, start=SESSION.open), spec=M1, source="lean")  # type: ignore[union-attr] # checked above
        yield opened


def service(store: EmbeddedHistory | None, provider: FakeProvider, *, is_real: bool = False) -> MarketService:
    time = MarketTime(ManualClock(), CALENDAR, "sim")
    time.set(provider.clock_state)
    cache = QuoteCache()
    cache.instruments |= {one.instrument_id: one for one in provider.instruments}
    return MarketService(
        provider=provider,
        control=None,
        calendar=CALENDAR,
        cache=cache,
        bus=Bus(lambda _, error: pytest.fail(str(error))),
        time=time,
        stored=StoredCharts(lambda: store.reader, time.now_ns) if store is not None else None,
        is_real=is_real,
    )


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(ClockState(market_ns=NOW, wall_ns=ManualClock().now_ns(), speed=1, session_date="2013-10-07"))


async def test_what_is_held_and_not_traded_can_be_charted(store: EmbeddedHistory, provider: FakeProvider) -> None:
    market = service(store, provider)
    assert await market.chart_id("ibm") == await market.chart_id("IBM.XNYS") == IBM
    bars = await market.bars(IBM, M1, limit=3)
    assert [float(bar.close) for bar in bars] == [127, 128, 129], "known by half past nine plus thirty minutes"
    assert {bar.source for bar in bars} == {"lean"}
    assert provider.fetched == []
    earlier = await market.bars(IBM, M1, limit=2, end_ns=bars[0].ts_event)
    assert [float(bar.close) for bar in earlier] == [125, 126]


async def test_a_length_that_is_not_held_is_made_of_a_shorter_one(
    store: EmbeddedHistory, provider: FakeProvider
) -> None:
    bars = await service(store, provider).bars(IBM, FIVE, limit=2)
    assert [(float(bar.open), float(bar.close), float(bar.volume)) for bar in bars] == [
        (120, 124, 500),
        (125, 129, 500),
    ]
    assert [bar.ts_event for bar in bars] == [NOW - 10 * MINUTE, NOW - 5 * MINUTE]


async def test_a_split_that_is_known_by_then_is_in_the_chart(store: EmbeddedHistory, provider: FakeProvider) -> None:
    assert SESSION is not None
    before = CALENDAR.previous_session("2013-10-07")
    store.writer.write_bars(bar_frame([200, 202], name=IBM, start=before.open), spec=M1, source="lean")
    ahead = CALENDAR.next_session("2013-10-07").open
    for ts_event, ratio in ((SESSION.open, 2), (ahead, 5)):
        split = CorporateAction(
            instrument_id=IBM, kind=ActionKind.SPLIT, ts_event=ts_event, known_at=1, source="lean", numerator=ratio
        )
        store.writer.write_actions([split])
    bars = await service(store, provider).bars(IBM, M1, limit=32)
    assert [float(bar.close) for bar in bars[:3]] == [100, 101, 100]


async def test_a_real_market_without_bars_of_its_own_takes_the_held_ones(
    store: EmbeddedHistory, provider: FakeProvider
) -> None:
    provider.instruments.append(an_instrument(IBM))
    assert await service(store, provider).bars(IBM, M1, limit=2) == [], "a simulated price never joins a real one"
    assert len(await service(store, provider, is_real=True).bars(IBM, M1, limit=2)) == 2
    assert len(await service(store, provider, is_real=True).bars(IBM, M1, limit=2, end_ns=NOW)) == 2
    provider.bars[(IBM, "1m")] = [a_bar(M1, NOW - MINUTE, "7", instrument_id=IBM)]
    own = await service(store, provider, is_real=True).bars(IBM, M1, limit=2)
    assert [bar.source for bar in own] == ["fake"]


async def test_what_nobody_knows_is_not_found_and_two_of_a_name_are_asked_about(
    store: EmbeddedHistory, provider: FakeProvider
) -> None:
    market = service(store, provider)
    with pytest.raises(NotFoundError, match="NOPE"):
        await market.chart_id("NOPE")
    with pytest.raises(NotFoundError):
        await service(None, provider).chart_id("IBM")
    assert await market.chart_id("yahoo:IBM") == "yahoo:IBM"
    store.writer.write_bars(bar_frame([1], name="IBM.XLON"), spec=M1, source="lean")
    with pytest.raises(InvalidValueError, match=r"several venues.*IBM\.XLON, IBM\.XNYS"):
        await market.chart_id("IBM")
