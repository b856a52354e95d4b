"""The day that is told: it has what the story needs, for the usual seed at once and for others after a search."""

from __future__ import annotations

import pytest

from stockpulse_engine.cli.demo_day import AT, MINUTE_NS, SEED, find_day
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.market.market import SimulatedMarket


def test_the_usual_story_is_the_morning_it_was_chosen_for() -> None:
    day = find_day()
    assert (day.seed, day.at) == (SEED, AT), "the market has changed: choose another seed and morning"
    assert day.news_ns - day.open_ns < 30 * MINUTE_NS
    assert day.halt_ns - day.news_ns < 30 * MINUTE_NS


@pytest.mark.parametrize("seed", [SEED, 1, 7])
def test_any_day_found_has_a_headline_and_then_a_halt_of_another_stock(seed: int) -> None:
    day = find_day(seed)
    market = SimulatedMarket(seed, load_calendar())
    session = market.calendar.session(day.date)
    assert session is not None
    assert (day.news_ns, (day.news_id,)) in [(one.ts_event, one.instrument_ids) for one in market.news(session.ordinal)]
    assert (day.halt_ns, day.resume_ns, day.halt_id) in market.halts(session.ordinal)
    assert day.news_id != day.halt_id
    assert session.open < day.news_ns < day.halt_ns < session.close


def test_a_story_may_begin_elsewhere() -> None:
    later = find_day(SEED, "2026-05-04 11:00")
    assert later.date >= "2026-05-04"
    assert later.news_ns > later.open_ns + 60 * SECOND_NS


@pytest.mark.parametrize("at", ["soon", "1990-01-02 10:00"])
def test_a_moment_that_is_none_is_said(at: str) -> None:
    with pytest.raises(InvalidValueError):
        find_day(SEED, at)
