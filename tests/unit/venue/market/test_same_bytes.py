"""Same seed, same day, same bytes: however time is cut, and at whatever hour the market is opened."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.market import SECOND_NS, MarketEvent
from stockpulse_engine.venue.market.source import SimulatedSource
from tests.unit.venue.market.stream import MINUTE, SEED, opened, play, session, small_market

DAY = session("2026-03-12")
START, END = DAY.open - 20 * SECOND_NS, DAY.open + 20 * SECOND_NS


def as_bytes(events: list[MarketEvent]) -> bytes:
    """The wire's own encoding."""
    return msgspec.msgpack.encode(events)


WHOLE = as_bytes(play(START, END))


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(START, END), max_size=30))
def test_any_partition_of_time_gives_the_same_events(cuts: list[int]) -> None:
    """The open is inside: auction prints, status changes and quotes of one moment stay together in order."""
    source = opened(START)
    events = [event for cut in [*sorted(cuts), END] for event in source.advance(cut)]
    assert as_bytes(events) == WHOLE


@settings(deadline=None, max_examples=10)
@given(st.integers(START, END))
def test_opened_later_the_rest_is_the_same(at: int) -> None:
    """Events after the opening time are those another opening would have seen."""
    expected = [event for event in play(START, END) if event.ts_event > at]
    assert as_bytes(play(at, END)) == as_bytes(expected)


def test_a_new_process_would_play_the_same_day() -> None:
    """Another market object, reached by another route, with other things asked of it before."""
    other = small_market(SEED)
    other.daily(3, 250)
    source = SimulatedSource(other)
    source.seed_events(session("2026-03-11").post_close - 5 * SECOND_NS)
    source.advance(session("2026-03-11").post_close + MINUTE)
    source.seed_events(START)
    assert as_bytes(source.advance(END)) == WHOLE


def test_another_seed_is_another_market() -> None:
    """The seed matters."""
    source = SimulatedSource(small_market(SEED + 1))
    source.seed_events(START)
    assert as_bytes(source.advance(END)) != WHOLE


def test_time_does_not_run_backwards() -> None:
    """Asking for the past gives nothing and changes nothing."""
    source = opened(START)
    first = source.advance(START + 30 * SECOND_NS)
    assert source.advance(START) == []
    assert as_bytes(first + source.advance(END)) == WHOLE
