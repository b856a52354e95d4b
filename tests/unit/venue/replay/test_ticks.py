"""Recorded ticks: the last bid with the last ask, and nothing shown that can not be true."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.market import Depth, InstrumentStatus, MarketPhase, Quote, Trade
from stockpulse_engine.venue.replay import ReplaySource
from tests.unit.venue.replay.recordings import ask, bid, everything, ns, opened, trade, write


def of_kind(events: list, kind: type) -> list:  # type: ignore[type-arg]  # the caller knows which events these are
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def ticks(tmp_path: Path) -> list[Path]:
    """Quotes and prints around the open."""
    quotes = [
        ask("09:00:00", 180.10, 300),
        bid("09:00:01", 180.00, 200),
        bid("09:30:01", 180.05, 500),
        ask("09:30:01", 180.08, 100),
        bid("09:30:02", 180.08, 400),
        bid("09:30:03", 180.09, 400),
        bid("09:30:04", 180.06, 400),
    ]
    trades = [
        trade("09:00:02", 180.10, 50),
        trade("09:30:01", 180.00, 5_000, conditions="40"),
        trade("09:30:05", 180.06, 30),
        trade("09:30:06", 180.07, 70),
        trade("16:00:04", 180.50, 9_000, conditions="80"),
    ]
    return [write(tmp_path / "ibm_quote.parquet", quotes), write(tmp_path / "ibm_trade.parquet", trades)]


def test_a_quote_is_the_last_bid_with_the_last_ask(ticks: list[Path]) -> None:
    """One side a row; nothing is shown before both sides are known."""
    quotes = of_kind(everything(opened(*ticks)), Quote)
    first = quotes[0]
    assert (first.instrument_id, first.ts_event) == ("IBM.XNYS", ns("09:00:01"))
    assert (first.bid, first.bid_size, first.ask, first.ask_size) == (
        Decimal("180.00"),
        Decimal(200),
        Decimal("180.10"),
        Decimal(300),
    )
    assert all(quote.source == "replay" for quote in quotes)


def test_crossed_and_locked_moments_are_counted_and_not_shown(ticks: list[Path]) -> None:
    """Two of the seven rows are; the book comes back after them."""
    source = opened(*ticks)
    quotes = of_kind(everything(source), Quote)
    assert (source.counts.locked, source.counts.crossed, source.crossed_count) == (1, 1, 2)
    assert all(quote.bid < quote.ask for quote in quotes)
    assert [quote.ts_event for quote in quotes][-1] == ns("09:30:04")


def test_while_the_tape_is_crossed_nothing_is_for_sale(ticks: list[Path]) -> None:
    """The last fair prices stay with no size behind them, so that nobody trades on what is not known."""
    quotes = {quote.ts_event: quote for quote in of_kind(everything(opened(*ticks)), Quote)}
    crossed, after = quotes[ns("09:30:03")], quotes[ns("09:30:04")]
    assert (crossed.bid, crossed.ask) == (Decimal("180.05"), Decimal("180.08"))
    assert crossed.bid_size == crossed.ask_size == 0
    assert after.bid_size == 400


def test_quotes_carry_the_last_price_and_the_volume_so_far(ticks: list[Path]) -> None:
    """A print comes before the quote of the same moment."""
    events = everything(opened(*ticks))
    at_open = [event for event in events if event.ts_event == ns("09:30:01") and isinstance(event, Quote | Trade)]
    assert isinstance(at_open[0], Trade)
    last = of_kind(events, Quote)[-1]
    assert (last.last, last.volume) == (Decimal("180.00"), Decimal(5_050))


def test_the_aggressor_is_told_from_the_quote_before(ticks: list[Path]) -> None:
    """At the ask a buyer, at the bid a seller, between nobody knows; auctions have none."""
    trades = of_kind(everything(opened(*ticks)), Trade)
    assert [(t.aggressor, t.is_auction) for t in trades] == [
        ("B", False),
        ("", True),
        ("S", False),
        ("", False),
        ("", True),
    ]


def test_phases_wait_for_the_auctions_own_print(ticks: list[Path]) -> None:
    """OPEN follows the opening print, POST the closing one; the rest is the calendar's."""
    events = everything(opened(*ticks))
    told = [(s.phase, s.ts_event) for s in of_kind(events, InstrumentStatus)]
    assert told == [
        (MarketPhase.PRE, ns("04:00:00")),
        (MarketPhase.OPENING_AUCTION, ns("09:28:00")),
        (MarketPhase.OPEN, ns("09:30:01")),
        (MarketPhase.CLOSING_AUCTION, ns("15:59:50")),
        (MarketPhase.POST, ns("16:00:04")),
        (MarketPhase.CLOSED, ns("20:00:00")),
    ]
    for position, event in enumerate(events):
        if isinstance(event, Trade) and event.is_auction:
            before = [e for e in events[:position] if isinstance(e, InstrumentStatus)][-1]
            assert before.phase in (MarketPhase.OPENING_AUCTION, MarketPhase.CLOSING_AUCTION)


def test_depth_is_the_one_level_that_is_known(ticks: list[Path]) -> None:
    """None is invented behind it."""
    events = everything(opened(*ticks))
    books = of_kind(events, Depth)
    assert books
    assert all(len(book.bids) == len(book.asks) == 1 for book in books)
    assert books[0].bids[0].price == Decimal("180.00")


def test_doubtful_rows_are_refused_and_counted_by_reason(tmp_path: Path) -> None:
    """Suspicious, not a number, zero, negative: none of them moves anything."""
    nan = float("nan")
    quotes = [
        bid("10:00:00", 100.0),
        ask("10:00:00", 100.1),
        bid("10:00:01", nan),
        ask("10:00:02", 0.0),
        bid("10:00:03", -5.0),
        ask("10:00:04", float("inf")),
        bid("10:00:05", 99.0, suspicious=True),
        bid("10:00:06", 99.9, -100),
        bid("10:00:07", None),
    ]
    trades = [
        trade("10:00:01", 100.05),
        trade("10:00:02", nan),
        trade("10:00:03", 0.0),
        trade("10:00:04", 100.05, 0),
        trade("10:00:05", 1.0, suspicious=True),
    ]
    files = [write(tmp_path / "ibm_quote.parquet", quotes), write(tmp_path / "ibm_trade.parquet", trades)]
    source = opened(*files)
    events = everything(source)
    assert len(of_kind(events, Quote)) == len(of_kind(events, Trade)) == 1
    assert dict(source.counts.refused) == {
        "marked suspicious in the file": 2,
        "neither side": 1,
        "price is not a number": 3,
        "price is not positive": 3,
        "size is not a number or negative": 1,
        "size is not positive": 1,
    }


def test_opened_in_the_middle_the_state_is_that_of_the_stream(ticks: list[Path]) -> None:
    """Status, quote and book of then; what follows is the same."""
    whole = everything(opened(*ticks))
    moment = ns("09:30:03") + 1
    source = ReplaySource("test", ticks)
    seeds = source.seed_events(moment)
    [quote] = of_kind(seeds, Quote)
    assert (quote.bid, quote.ts_event, quote.volume) == (Decimal("180.05"), ns("09:30:03"), Decimal(5_050))
    assert quote.bid_size == quote.ask_size == 0, "the tape is crossed at that moment: nothing is for sale"
    [status] = of_kind(seeds, InstrumentStatus)
    assert (status.phase, status.ts_event) == (MarketPhase.OPEN, ns("09:30:01"))
    assert everything(source) == [event for event in whole if event.ts_event > moment]


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(ns("04:00:00"), ns("20:00:00")), max_size=20))
def test_any_partition_of_time_gives_the_same_events(ticks: list[Path], cuts: list[int]) -> None:
    """However the venue's clock steps."""
    whole = everything(opened(*ticks))
    source = opened(*ticks)
    parts = [event for cut in sorted(cuts) for event in source.advance(cut)] + everything(source)
    assert msgspec.msgpack.encode(parts) == msgspec.msgpack.encode(whole)


def test_trades_without_quotes_get_honest_ones(tmp_path: Path) -> None:
    """A tick either side of each print, as large as the print, and marked as made up."""
    trades = [trade("10:00:00", 50.02, 300), trade("10:00:05", 50.025, 100)]
    events = everything(opened(write(tmp_path / "ibm_trade.parquet", trades)))
    quotes = of_kind(events, Quote)
    assert [(q.bid, q.ask, q.bid_size) for q in quotes] == [
        (Decimal("50.01"), Decimal("50.03"), Decimal(300)),
        (Decimal("50.02"), Decimal("50.03"), Decimal(100)),
    ]
    assert {event.source for event in of_kind(events, Quote | Trade)} == {"bars"}  # type: ignore[arg-type]  # a union is a type here
