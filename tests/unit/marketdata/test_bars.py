"""Bars follow the session, whatever the clock says, and never lose a print that came while history loaded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.market import BarSpec, parse_bar_spec
from stockpulse_engine.marketdata.bars import BarBuilder, bucket_start
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.hours import hours_at, with_hours
from tests.fakes.fake_provider import MINUTE, a_bar, a_trade

CALENDAR = load_calendar("XNYS")
SESSION = CALENDAR.session("2013-10-07")
assert SESSION is not None
OPEN = SESSION.open
FIVE = BarSpec(5, "m")


def test_prints_of_one_bucket_make_one_bar() -> None:
    builder = BarBuilder(CALENDAR)
    series = builder.open("AAPL.XNAS", FIVE, [])
    for offset, price in ((1, "10"), (2, "12"), (3, "9"), (4, "11")):
        builder.apply(a_trade(price, OPEN + offset))
    (bar,) = series.bars
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == tuple(map(Decimal, ("10", "12", "9", "11", "40")))
    assert bar.is_open
    assert bar.ts_event == OPEN


def test_the_next_bucket_closes_the_bar_before() -> None:
    builder = BarBuilder(CALENDAR)
    series = builder.open("AAPL.XNAS", FIVE, [])
    builder.apply(a_trade("10", OPEN + 1))
    builder.apply(a_trade("11", OPEN + 5 * MINUTE))
    assert [bar.is_open for bar in series.bars] == [False, True]


def test_history_and_stream_meet_without_counting_a_print_twice() -> None:
    builder = BarBuilder(CALENDAR)
    builder.hold("AAPL.XNAS", FIVE)
    builder.apply(a_trade("10", OPEN + 3))
    builder.apply(a_trade("12", OPEN + 9))
    history = [a_bar(FIVE, OPEN, "10", is_open=True)]
    series = builder.open("AAPL.XNAS", FIVE, history)
    before = history[0].volume
    assert series.bars[-1].volume == before + 20, "both prints are later than the bar's last update"


@pytest.mark.parametrize(
    ("text", "offset_minutes", "expected_minutes"),
    [("1m", 7, 7), ("5m", 7, 5), ("15m", 44, 30), ("1h", 61, 60), ("5m", -7, -10), ("1h", -61, -120)],
)
def test_intraday_buckets_count_from_the_open(text: str, offset_minutes: int, expected_minutes: int) -> None:
    start = bucket_start(CALENDAR, OPEN + offset_minutes * MINUTE, parse_bar_spec(text))
    assert start == OPEN + expected_minutes * MINUTE


def test_daily_and_weekly_buckets_start_at_an_open() -> None:
    wednesday = CALENDAR.session("2013-10-09")
    assert wednesday is not None
    assert bucket_start(CALENDAR, wednesday.close - 1, BarSpec(1, "d")) == wednesday.open
    assert bucket_start(CALENDAR, wednesday.close - 1, BarSpec(1, "w")) == OPEN, "Monday 7 October"


def test_there_is_no_bar_outside_a_session() -> None:
    assert SESSION is not None
    assert bucket_start(CALENDAR, SESSION.pre_open - 1, FIVE) is None


def test_the_number_of_series_is_bounded() -> None:
    builder = BarBuilder(CALENDAR)
    for n in range(400):
        builder.open(f"S{n}.XNAS", FIVE, [])
    assert builder.get("S0.XNAS", FIVE) is None
    assert builder.get("S399.XNAS", FIVE) is not None


def test_a_bar_says_when_it_began_outside_regular_hours() -> None:
    assert SESSION is not None
    builder = BarBuilder(CALENDAR)
    series = builder.open("AAPL.XNAS", FIVE, [])
    for moment in (SESSION.pre_open + 1, OPEN - 1, OPEN, SESSION.close - 1, SESSION.close, SESSION.post_close - 1):
        builder.apply(a_trade("10", moment))
    assert [bar.hours for bar in series.bars] == ["pre", "pre", "", "", "post", "post"]
    builder.apply(a_trade("11", SESSION.post_close - 1))
    assert series.bars[-1].hours == "post", "a print that lengthens a bar keeps them"


def test_history_is_told_its_hours_as_the_stream_is() -> None:
    assert SESSION is not None
    hour = BarSpec(1, "h")
    starts = (
        OPEN - 6 * 60 * MINUTE,
        OPEN - 60 * MINUTE,
        OPEN,
        SESSION.close - 30 * MINUTE,
        SESSION.close + 30 * MINUTE,
    )
    assert starts[0] < SESSION.pre_open, "bars are cut from the open: the first begins before the session"
    bars = with_hours([a_bar(hour, start, "10") for start in starts], CALENDAR)
    assert [bar.hours for bar in bars] == ["pre", "pre", "", "", "post"]
    assert [bar.hours for bar in bars] == [hours_at(CALENDAR, start, hour) for start in starts]


@pytest.mark.covers("F42")
def test_days_and_unknown_exchanges_have_no_hours() -> None:
    bars = [a_bar(BarSpec(1, "d"), OPEN, "10"), a_bar(BarSpec(1, "d"), OPEN + 1, "10")]
    assert with_hours(bars, CALENDAR) is bars
    early = [a_bar(FIVE, OPEN - MINUTE, "10")]
    assert with_hours(early, None) is early
    night = [a_bar(FIVE, OPEN - 9 * 60 * MINUTE, "10")]
    assert [bar.hours for bar in with_hours(night, CALENDAR)] == [""]
