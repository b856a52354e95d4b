"""The stream of a session: phases, auctions, halts, news, half days and changes of the clock."""

from __future__ import annotations

from collections import Counter

import pytest

from stockpulse_engine.domain.market import (
    SECOND_NS,
    Depth,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    NewsItem,
    Quote,
    Trade,
)
from stockpulse_engine.marketdata.calendar import CLOSING_AUCTION_NS, OPENING_AUCTION_NS
from stockpulse_engine.venue.market.source import SimulatedSource
from tests.unit.venue.market.stream import MINUTE, Reader, day_with_a_halt, market, play, session, whole_market

DAY = "2026-03-12"
COUNT = len(market().universe)


def seeded(at_ns: int) -> tuple[SimulatedSource, Reader]:
    """A source opened at a moment, and a reader that knows the state it told."""
    source, reader = SimulatedSource(market()), Reader()
    reader.read(source.seed_events(at_ns), ordered=False)
    return source, reader


def test_the_universe_looks_like_a_market() -> None:
    """Enough names, unique ids, several sectors, funds among them."""
    instruments = SimulatedSource(whole_market()).instruments
    assert len({row.instrument_id for row in instruments}) == len(instruments) >= 36
    assert len({row.sector for row in instruments}) >= 8
    assert {"AAPL.XNAS", "SPY.ARCX", "BRK.B.XNYS"} <= {row.instrument_id for row in instruments}


def test_the_day_opens_with_one_auction_print_per_instrument() -> None:
    """Printed at the open while the status still says auction; nothing prints while orders are collected."""
    day = session(DAY)
    source, reader = seeded(day.open - OPENING_AUCTION_NS)
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.OPENING_AUCTION}
    reader.read(source.advance(day.open - 1))
    assert not reader.trades
    reader.read(source.advance(day.open + SECOND_NS))
    assert len(reader.auctions) == COUNT
    assert {trade.ts_event for trade, _ in reader.auctions} == {day.open}
    assert {status.phase for _, status in reader.auctions} == {MarketPhase.OPENING_AUCTION}
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.OPEN}


def test_the_day_closes_with_one_large_auction_print_per_instrument() -> None:
    """Inside the last minute, larger than any other print of it, and it is the last price."""
    day = session(DAY)
    source, reader = seeded(day.close - MINUTE)
    reader.read(source.advance(day.close))
    assert len(reader.auctions) == COUNT
    for auction, status in reader.auctions:
        assert day.close - CLOSING_AUCTION_NS <= auction.ts_event < day.close
        assert status.phase is MarketPhase.CLOSING_AUCTION
        others = [
            t.size
            for t in reader.trades
            if t.instrument_id == auction.instrument_id and not t.is_auction and t.ts_event < day.close
        ]
        assert auction.size > max(others)
        assert reader.quotes[auction.instrument_id].last == auction.price
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.POST}


def test_a_fast_move_halts_and_reopens_with_an_auction() -> None:
    """Five minutes without a print or a size, a reason in words, news that explains it."""
    ordinal = day_with_a_halt().ordinal
    start, end, name = market().halts(ordinal)[0]
    source, reader = seeded(start - 2 * MINUTE)
    reader.read(source.advance(start))
    status = reader.statuses[name]
    assert status.is_halted
    assert "Volatility pause" in status.reason
    reader.read(source.advance(end - 1))
    assert not [t for t in reader.trades if t.instrument_id == name and t.ts_event >= start]
    assert reader.quotes[name].bid_size == reader.quotes[name].ask_size == 0
    reader.read(source.advance(end + SECOND_NS))
    [(auction, before)] = reader.auctions
    assert (auction.instrument_id, auction.ts_event, before.is_halted) == (name, end, True)
    assert not reader.statuses[name].is_halted
    assert reader.quotes[name].bid_size > 0
    told = [item for item in market().news(ordinal) if name in item.instrument_ids and item.tone]
    headline = max((item for item in told if item.ts_event < start), key=lambda item: item.ts_event)
    first = next(t.price for t in reader.trades if t.instrument_id == name)
    assert (auction.price > first) == (headline.tone > 0)


def test_opened_in_the_middle_of_a_halt_the_reason_is_there() -> None:
    """The seed tells the same status as the stream did."""
    start, end, name = market().halts(day_with_a_halt().ordinal)[0]
    _, reader = seeded((start + end) // 2)
    status = reader.statuses[name]
    assert (status.is_halted, status.ts_event) == (True, start)
    assert reader.quotes[name].ask_size == 0


def test_a_half_day_ends_at_one() -> None:
    """Closing auction, a short evening, then closed."""
    day = session("2026-11-27")
    source, reader = seeded(day.close - SECOND_NS)
    reader.read(source.advance(day.close))
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.POST}
    source, reader = seeded(day.post_close - SECOND_NS)
    reader.read(source.advance(day.post_close))
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.CLOSED}
    assert {quote.bid_size for quote in reader.quotes.values()} == {0}


def test_nights_and_weekends_are_silent_and_the_next_session_follows() -> None:
    """Over a weekend in which the clock changes, from Friday's end to Monday's first minute."""
    friday, monday = session("2026-03-06"), session("2026-03-09")
    source, reader = seeded(friday.post_close)
    before = dict(reader.quotes)
    assert source.advance(monday.pre_open - 1) == []
    assert source.session_date(friday.post_close + 1) == "2026-03-09"
    reader.read(source.advance(monday.pre_open + MINUTE))
    assert {status.phase for status in reader.statuses.values()} == {MarketPhase.PRE}
    for name, quote in reader.quotes.items():
        last = before[name].last
        assert last is not None
        assert abs(quote.bid / last - 1) < 0.1, "the evening's price level goes on in the morning"


def test_extended_hours_are_thin_and_wide() -> None:
    """Early morning against midday, for the busiest names."""
    day = session(DAY)
    early, noon = (
        play(day.pre_open + MINUTE, day.pre_open + 3 * MINUTE),
        play(day.open + 180 * MINUTE, day.open + 182 * MINUTE),
    )

    def spread(events: list[MarketEvent]) -> float:
        quotes = [e for e in events if isinstance(e, Quote) and e.instrument_id == "SPY.ARCX"]
        return float(sum(q.ask - q.bid for q in quotes) / len(quotes))

    assert len(noon) > 10 * len(early)
    assert spread(early) > 3 * spread(noon)


def test_busy_names_change_several_times_a_second() -> None:
    """And the whole market about a hundred times."""
    day = session(DAY)
    source = SimulatedSource(whole_market())
    source.seed_events(day.open + 60 * MINUTE)
    events = source.advance(day.open + 62 * MINUTE)
    counts = Counter(e.instrument_id for e in events if isinstance(e, Quote))
    assert counts["AAPL.XNAS"] > 2 * 120
    assert counts["WDFC.XNAS"] < 60
    assert 80 * 120 < sum(counts.values()) < 250 * 120


@pytest.mark.parametrize("minute", [-300, -40, 0, 17, 130, 389, 400])
def test_any_hour_seeds_the_full_state(minute: int) -> None:
    """Status, quote with last and volume, and book of everything, none from the future, consistent with what follows."""
    at = session(DAY).open + minute * MINUTE + 31 * SECOND_NS + 7
    source, reader = seeded(at)
    names = set(market().universe.ids)
    assert set(reader.statuses) == set(reader.quotes) == set(reader.books) == names
    assert all(s.ts_event <= at for s in reader.statuses.values())
    assert all(q.ts_event <= at for q in reader.quotes.values())
    assert all(b.ts_event <= at for b in reader.books.values())
    reader.read(source.advance(at + 2 * SECOND_NS))


def test_headlines_say_that_they_are_simulated_and_match_the_move() -> None:
    """Over a month: a few a day, tone follows the jump."""
    first = session("2026-03-02").ordinal
    items = [item for ordinal in range(first, first + 21) for item in whole_market().news(ordinal)]
    assert 4 * 21 < len(items) < 20 * 21
    assert all(item.headline.startswith("SIM: ") for item in items)
    assert {item.tone for item in items} == {-1, 0, 1}


def test_news_is_in_the_stream_at_its_time() -> None:
    """The plan of the day and the stream agree."""
    day = session(DAY)
    item = next(item for item in market().news(day.ordinal) if item.ts_event > day.open)
    events = play(item.ts_event - 1, item.ts_event)
    assert item in [e for e in events if isinstance(e, NewsItem)]


def test_every_kind_of_event_names_its_source() -> None:
    """Beside each number stands where it came from."""
    day = session(DAY)
    for event in play(day.open - 1, day.open + SECOND_NS):
        if isinstance(event, Quote | Trade | Depth | InstrumentStatus):
            assert event.source == "sim"
