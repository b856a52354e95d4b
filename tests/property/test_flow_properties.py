"""However a feed cuts its events into batches, what is judged, kept, built and recorded is what one by one would be."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent, Quote, Trade, check_quote
from stockpulse_engine.marketdata.bars import BarBuilder, bucket_start
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.feed import Feed
from stockpulse_engine.storage.history.minutebars import MinuteBars
from stockpulse_engine.storage.history.recorder import numbered

CALENDAR = load_calendar()
SESSION = CALENDAR.session("2026-03-12")
assert SESSION is not None
OPEN = SESSION.open
MINUTE = BarSpec(1, "m")
NAMES = ("AAPL.XNAS", "SPY.ARCX", "MSFT.XNAS")
PRICES = st.integers(9_900, 10_100).map(lambda cents: Decimal(cents) / 100)
SIZES = st.integers(1, 900).map(Decimal)
ODD = st.sampled_from([Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-0", "-1", "1E+30")])


@st.composite
def days(draw: st.DrawFn) -> list[MarketEvent]:
    """Quotes and prints of three instruments in order of time, some at one moment."""
    now, events = OPEN, list[MarketEvent]()
    for step, name, is_print, price, size in draw(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from(NAMES), st.booleans(), PRICES, SIZES), max_size=60)
    ):
        now += step * 1_000_000_000
        if is_print:
            events.append(Trade(name, price, size, now))
        else:
            events.append(Quote(name, price, price + Decimal("0.01"), size, size, now))
    return events


@st.composite
def cut(draw: st.DrawFn) -> list[list[MarketEvent]]:
    """The same, cut into batches."""
    events = draw(days())
    edges = sorted(draw(st.sets(st.integers(0, len(events)), max_size=8)) | {0, len(events)})
    return [events[first:last] for first, last in pairwise(edges)]


def plain_bars(trades: list[Trade]) -> dict[tuple[str, int], tuple[Decimal, ...]]:
    """Open, high, low, close, volume of each minute, by a list and nothing else."""
    found: defaultdict[tuple[str, int], list[Trade]] = defaultdict(list)
    for trade in trades:
        start = bucket_start(CALENDAR, trade.ts_event, MINUTE)
        assert start is not None
        found[trade.instrument_id, start].append(trade)
    return {
        key: (
            prints[0].price,
            max(one.price for one in prints),
            min(one.price for one in prints),
            prints[-1].price,
            sum((one.size for one in prints), Decimal(0)),
        )
        for key, prints in found.items()
    }


def shape(bar: Bar) -> tuple[Decimal, ...]:
    """A bar's five numbers."""
    return bar.open, bar.high, bar.low, bar.close, bar.volume


@given(cut())
def test_bars_and_latest_values_are_those_of_the_plain_path(batches: list[list[MarketEvent]]) -> None:
    """Live bars, recorded bars and the cache, against a fold written down plainly; nothing is lost on the way."""
    bus = Bus(lambda value, error: (_ for _ in ()).throw(error))
    cache, builder, told, changed = QuoteCache(), BarBuilder(CALENDAR), list[MarketEvent](), list[Bar]()
    for name in NAMES:
        builder.open(name, MINUTE, [])
    bus.subscribe(Trade, lambda trade: changed.extend(builder.apply(trade)))
    bus.subscribe(Trade, told.append)
    bus.subscribe(Quote, told.append)
    feed = Feed(cache, bus, lambda _: None)
    for one in batches:
        feed.take(one)
    events = [event for one in batches for event in one]
    trades = [event for event in events if isinstance(event, Trade)]
    assert told == events
    assert cache.quotes == {event.instrument_id: event for event in events if isinstance(event, Quote)}
    series = [(name, builder.get(name, MINUTE)) for name in NAMES]
    live = {(name, bar.ts_event): shape(bar) for name, kept in series if kept is not None for bar in kept.bars}
    assert live == plain_bars(trades)
    assert len(changed) == len(trades)
    recorder = MinuteBars(CALENDAR, "sim:7")
    recorder.move(OPEN)
    closed = [bar for trade in trades if (bar := recorder.take(trade)) is not None]
    recorder.move(OPEN + 24 * 3600 * 1_000_000_000)
    closed += recorder.closed()
    assert {(bar.instrument_id, bar.ts_event): shape(bar) for bar in closed} == live


@given(days(), st.integers(1, 7))
def test_counts_within_a_moment_do_not_depend_on_the_batches(events: list[MarketEvent], size: int) -> None:
    """Instrument, time and count name a tick once, and count from 0."""
    trades = [event for event in events if isinstance(event, Trade)]
    last: dict[str, tuple[int, int]] = {}
    parts = [trades[first : first + size] for first in range(0, len(trades), size)]
    counts = [count for part in parts for count in numbered(part, last)]
    seen: defaultdict[tuple[str, int], int] = defaultdict(int)
    for trade, count in zip(trades, counts, strict=True):
        assert count == seen[trade.instrument_id, trade.ts_event]
        seen[trade.instrument_id, trade.ts_event] += 1


@given(*[PRICES | ODD] * 2, *[SIZES | ODD] * 2)
def test_what_a_feed_takes_is_what_the_domain_allows_and_is_not_crossed(
    bid: Decimal, ask: Decimal, bid_size: Decimal, ask_size: Decimal
) -> None:
    """One counter for what can not be right, another for crossed ones; the rest is published."""
    told: list[Quote] = []
    bus = Bus(lambda value, error: (_ for _ in ()).throw(error))
    bus.subscribe(Quote, told.append)
    feed = Feed(QuoteCache(), bus, lambda _: None)
    quote = Quote("AAPL.XNAS", bid, ask, bid_size, ask_size, OPEN)
    feed.take([quote])
    try:
        check_quote(quote)
    except InvalidValueError:
        assert (len(told), feed.counters.refused, feed.counters.crossed) == (0, 1, 0)
    else:
        assert (len(told), feed.counters.refused, feed.counters.crossed) == (bid <= ask, 0, bid > ask)
