"""The venue trading its own simulated market from one afternoon to the next morning, on virtual time."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.market.market import SimulatedMarket
from stockpulse_engine.venue.market.source import SimulatedSource
from stockpulse_engine.venue.market.universe import Universe, default_universe
from stockpulse_engine.venue.store import Identity
from tests.fakes.inline_venue import SECOND, InlineVenue
from tests.unit.venue.floor import account, new_order

SPY = "SPY.ARCX"
SEED = 7


def afternoon(path: Path, date: str) -> InlineVenue:
    """Two instruments, five minutes before a close."""
    session = load_calendar().session(date)
    assert session is not None
    two = Universe(tuple(row for row in default_universe().listings if row.instrument_id in (SPY, "AAPL.XNAS")))
    source = SimulatedSource(SimulatedMarket(SEED, load_calendar(), two))
    venue = InlineVenue(path, source, session.close - 300 * SECOND, Identity("sim", SEED))
    venue.ask(p.OpenAccount(account()))
    return venue


@pytest.mark.parametrize("date", ["2024-03-04", "2024-11-29"], ids=["a full day", "a half day"])
def test_orders_live_through_a_close_a_night_and_an_open(home: Path, date: str) -> None:
    day = afternoon(home / "venue.db", date)
    last = day.exchange.matcher.books[SPY].quote
    assert last is not None
    low = str((last.bid * Decimal("0.9")).quantize(Decimal("0.01")))
    day.send(new_order("now", "BUY", 50, name=SPY))
    day.send(new_order("close", "SELL", 50, tif="AT_THE_CLOSE", name=SPY))
    day.send(new_order("day", "BUY", 10, limit=low, name=SPY))
    day.send(new_order("gtc", "BUY", 10, limit=low, tif="GTC", name=SPY))
    day.send(new_order("late", "BUY", 10, limit=low, ext=True, name=SPY))

    day.play_until(SPY, MarketPhase.POST)
    assert day.kinds("now")[:2] == ["ACCEPT", "FILL"]
    assert day.kinds("close") == ["ACCEPT", "FILL"]
    assert day.kinds("day") == ["ACCEPT", "EXPIRE"]
    close = day.exchange.matcher.books[SPY].last_trade
    assert close is not None
    assert close.is_auction
    (sold,) = day.fills("close")
    assert sold.fill is not None
    assert sold.fill.price == close.price

    day.time.set_speed(1000)
    day.send(new_order("open", "BUY", 20, tif="AT_THE_OPEN", name=SPY))
    day.play_until(SPY, MarketPhase.PRE)
    assert day.kinds("late") == ["ACCEPT", "EXPIRE"]
    day.play_until(SPY, MarketPhase.OPEN)
    assert day.kinds("open") == ["ACCEPT", "FILL"]
    assert day.kinds("gtc") == ["ACCEPT"]
