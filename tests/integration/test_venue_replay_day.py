"""7 October 2013 as it was recorded, traded on paper through the whole venue but its socket."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import MarketPhase, Quote, Trade
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.factory import open_source, opening_ns, parse_world
from stockpulse_engine.venue.store import Identity
from tests.fakes.inline_venue import InlineVenue
from tests.unit.venue.floor import account, new_order

IBM, BAC = "IBM.XNYS", "BAC.XNYS"
WORLD = parse_world("replay:witness")


@pytest.mark.real_data
def test_the_recorded_day_is_traded_from_its_open_to_its_close(shared: Path, home: Path) -> None:
    files = sorted((shared / "data" / "ticks").glob("*_20131007_*.parquet"))
    source = open_source(WORLD, 1, files)
    day = InlineVenue(home / "venue.db", source, opening_ns(WORLD, source, WallClock(), ""), Identity(WORLD.text, 1))
    day.ask(p.OpenAccount(account(cash="1000000")))
    day.send(new_order("open", "BUY", 100, tif="AT_THE_OPEN", name=IBM))
    day.play_until(IBM, MarketPhase.OPEN)
    day.pass_seconds(60)
    day.send(new_order("market", "BUY", 2000, name=BAC))
    day.send(new_order("sweep", "BUY", 300, name=IBM))
    bac = day.exchange.matcher.books[BAC].quote
    assert bac is not None
    day.send(new_order("join", "SELL", 500, limit=str(bac.ask), name=BAC))
    day.send(new_order("close", "SELL", 400, tif="AT_THE_CLOSE", name=IBM))
    day.time.set_speed(1000)
    day.play_until(IBM, MarketPhase.POST)

    for order_id in ("open", "market", "sweep", "join", "close"):
        assert day.kinds(order_id)[-1] == "FILL", order_id
    opening, closing = (trade for trade in day.events if isinstance(trade, Trade) and is_auction_of(trade, IBM))
    assert price_of(day, "open") == opening.price
    assert price_of(day, "close") == closing.price
    assert_taken_from_what_was_displayed(day)
    answer = day.ask(p.GetAccount("A1"))
    assert isinstance(answer, p.AccountNow)
    assert answer.account.positions == {BAC: Decimal(1500)}


def is_auction_of(trade: Trade, instrument_id: str) -> bool:
    """Whether a print is this instrument's auction."""
    return trade.is_auction and trade.instrument_id == instrument_id


def price_of(day: InlineVenue, order_id: str) -> Decimal:
    """Price of an order's first fill."""
    fill = day.fills(order_id)[0].fill
    assert fill is not None
    return fill.price


def assert_taken_from_what_was_displayed(day: InlineVenue) -> None:
    """Who took liquidity got the other side of the newest quote at that moment, and no more than it showed."""
    quotes: defaultdict[str, list[Quote]] = defaultdict(list)
    for event in day.events:
        if isinstance(event, Quote):
            quotes[event.instrument_id].append(event)
    taken = [report.fill for report in day.fills() if report.fill and report.fill.liquidity == "T"]
    assert taken
    for fill in taken:
        shown = quotes[fill.instrument_id]
        newest = shown[bisect_right(shown, fill.ts_event, key=lambda quote: quote.ts_event) - 1]
        price, size = (newest.ask, newest.ask_size) if fill.sign > 0 else (newest.bid, newest.bid_size)
        assert fill.price == price
        assert fill.quantity <= size
