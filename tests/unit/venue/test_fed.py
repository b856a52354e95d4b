"""A live world's market: phases from the calendar, prices from the feed, nonsense from nobody."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.domain.market import BarSpec, InstrumentStatus, MarketEvent, MarketPhase, Quote, Trade
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.fed import FedSource
from tests.unit.venue.floor import ACME, NOON, SESSION, instrument

assert SESSION is not None


def quote(at: int = NOON, bid: str = "100.00") -> Quote:
    return Quote(ACME, Decimal(bid), Decimal("100.02"), Decimal(1), Decimal(1), at)


@pytest.fixture
def source() -> FedSource:
    fed = FedSource(load_calendar())
    fed.seed_events(NOON)
    fed.feed((), [instrument()], NOON)
    fed.advance(NOON)
    return fed


def test_a_new_instrument_starts_with_the_phase_of_the_hour() -> None:
    fed = FedSource(load_calendar())
    fed.seed_events(NOON)
    fed.feed([quote()], [instrument()], NOON)
    first, second = fed.advance(NOON)
    assert isinstance(first, InstrumentStatus)
    assert first.phase is MarketPhase.OPEN
    assert second == quote()


def test_phases_change_with_the_calendar(source: FedSource) -> None:
    assert SESSION is not None
    phases = [
        event.phase
        for at in (SESSION.close - 1, SESSION.close, SESSION.post_close)
        for event in source.advance(at)
        if isinstance(event, InstrumentStatus)
    ]
    assert phases == [MarketPhase.CLOSING_AUCTION, MarketPhase.POST, MarketPhase.CLOSED]


def test_a_feed_can_halt_but_not_open_a_closed_market(source: FedSource) -> None:
    assert SESSION is not None
    source.advance(SESSION.post_close)
    source.feed([InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=True, ts_event=NOON, reason="news")], (), NOON)
    (status,) = source.advance(SESSION.post_close + 1)
    assert isinstance(status, InstrumentStatus)
    assert (status.phase, status.is_halted, status.reason) == (MarketPhase.CLOSED, True, "news")


def test_currencies_never_close() -> None:
    fed = FedSource(load_calendar())
    fed.seed_events(NOON)
    coin = msgspec.structs.replace(instrument(name="BTCUSD.XXXX"), asset_class=AssetClass.CRYPTO)
    fed.feed((), [coin], NOON)
    fed.advance(NOON)
    assert SESSION is not None
    (status,) = fed.advance(SESSION.post_close)
    assert isinstance(status, InstrumentStatus)
    assert status.phase is MarketPhase.OPEN


def test_impossible_and_unknown_things_are_counted_and_left_out(source: FedSource) -> None:
    nonsense: list[MarketEvent] = [
        quote(bid="NaN"),
        quote(bid="-1"),
        Trade(ACME, Decimal("Infinity"), Decimal(1), NOON),
        Trade(ACME, Decimal(1), Decimal(0), NOON),
        Trade("NONE.XNAS", Decimal(1), Decimal(1), NOON),
    ]
    source.feed(nonsense, (), NOON)
    assert source.advance(NOON) == []
    assert source.refused == len(nonsense)


def test_a_feed_whose_clock_runs_ahead_does_not_move_market_time(source: FedSource) -> None:
    source.feed([quote(at=NOON + 10**18)], (), NOON)
    assert [event.ts_event for event in source.advance(NOON)] == [NOON]


def test_it_has_no_history(source: FedSource) -> None:
    with pytest.raises(NotFoundError):
        source.bars(ACME, BarSpec(1, "m"), 10)
