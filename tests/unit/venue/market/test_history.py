"""Bars agree with the prints they stand for, at every level, and know nothing of the future."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import pytest

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, Bar, BarSpec, Trade, parse_bar_spec
from tests.unit.venue.market.stream import HOUR, MINUTE, day_with_a_halt, market, opened, session

AAPL, QUIET = "AAPL.XNAS", "LNN.XNYS"
DAY = session("2026-03-12")
ONE_MINUTE = parse_bar_spec("1m")
Row = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]


def row(bar: Bar) -> Row:
    """What a bar says, without when it was known."""
    return (bar.ts_event, bar.open, bar.high, bar.low, bar.close, bar.volume)


def bars_of(trades: Sequence[Trade], begin: int, step: int) -> list[Row]:
    """Bars built from prints, the plain way."""
    groups: dict[int, list[Trade]] = defaultdict(list)
    for trade in trades:
        groups[begin + (trade.ts_event - begin) // step * step].append(trade)
    return [
        (
            ts,
            group[0].price,
            max(t.price for t in group),
            min(t.price for t in group),
            group[-1].price,
            sum((t.size for t in group), Decimal(0)),
        )
        for ts, group in sorted(groups.items())
    ]


def fold(bars: Sequence[Bar]) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
    """Many bars as one."""
    return (
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum((bar.volume for bar in bars), Decimal(0)),
    )


@pytest.mark.parametrize("begin", [DAY.open - 3 * MINUTE, DAY.open + 100 * MINUTE, DAY.close - 4 * MINUTE])
def test_minutes_of_today_are_what_the_stream_printed(begin: int) -> None:
    """Complete minutes and the running one, exactly, for every instrument."""
    now = begin + 7 * MINUTE + 13 * SECOND_NS
    source = opened(begin - 1)
    printed: dict[str, list[Trade]] = defaultdict(list)
    for event in source.advance(now):
        if isinstance(event, Trade):
            printed[event.instrument_id].append(event)
    for name in market().universe.ids:
        bars = [bar for bar in source.bars(name, ONE_MINUTE, 60) if bar.ts_event >= begin]
        assert [row(bar) for bar in bars] == bars_of(printed[name], begin, MINUTE)
        assert all(bar.known_at <= now for bar in bars)
        assert [bar for bar in bars if bar.is_open] == [bar for bar in bars if bar.ts_event + MINUTE > now]


def test_a_halted_minute_has_no_bar() -> None:
    """And the minutes around a halt still add up."""
    start, end, name = market().halts(day_with_a_halt().ordinal)[0]
    begin = (start - 2 * MINUTE) // MINUTE * MINUTE
    source = opened(begin - 1)
    trades = [e for e in source.advance(end + 3 * MINUTE) if isinstance(e, Trade) and e.instrument_id == name]
    bars = [bar for bar in source.bars(name, ONE_MINUTE, 60) if bar.ts_event >= begin]
    assert [row(bar) for bar in bars] == bars_of(trades, begin, MINUTE)
    assert not [bar for bar in bars if start < bar.ts_event < end - MINUTE]


@pytest.mark.parametrize("name", [AAPL, QUIET])
def test_minutes_fold_into_days_and_days_into_weeks(name: str) -> None:
    """The same numbers whatever the length of the bar."""
    source = opened(DAY.post_close)
    days = source.bars(name, parse_bar_spec("1d"), 20)
    minutes = source.bars(name, ONE_MINUTE, 100_000)
    for day in days:
        inside = [bar for bar in minutes if day.ts_event <= bar.ts_event < day.known_at]
        assert fold(inside) == row(day)[1:]
    for week in source.bars(name, parse_bar_spec("1w"), 3):
        inside = [day for day in days if week.ts_event <= day.ts_event and day.known_at <= week.known_at]
        assert fold(inside) == row(week)[1:]


@pytest.mark.parametrize("text", ["5m", "15m", "30m", "1h"])
def test_longer_bars_are_cut_from_the_start_of_each_part_of_the_day(text: str) -> None:
    """An hour bar starts at 09:30, none spans the open or the close, and the newest is open."""
    spec = parse_bar_spec(text)
    source = opened(DAY.open + 3 * HOUR + 17 * MINUTE + 1)
    bars = [bar for bar in source.bars(AAPL, spec, 2_000) if bar.ts_event >= DAY.pre_open]
    minutes = [bar for bar in source.bars(AAPL, ONE_MINUTE, 2_000) if bar.ts_event >= DAY.pre_open]
    for bar in bars:
        anchor = DAY.pre_open if bar.ts_event < DAY.open else DAY.open
        assert (bar.ts_event - anchor) % spec.duration_ns == 0
        end = min(bar.ts_event + spec.duration_ns, DAY.open if anchor == DAY.pre_open else DAY.close)
        assert fold([m for m in minutes if bar.ts_event <= m.ts_event < end]) == row(bar)[1:]
    assert [bar.is_open for bar in bars] == [False] * (len(bars) - 1) + [True]


def test_history_reaches_back_three_years_and_twenty_sessions() -> None:
    """A chart never opens empty."""
    source = opened(DAY.open + HOUR)
    days = source.bars(AAPL, parse_bar_spec("1d"), 756)
    assert len(days) == 756
    assert days[-1].is_open
    assert not any(bar.is_open for bar in days[:-1])
    minutes = source.bars(AAPL, ONE_MINUTE, 100_000)
    assert len({source.session_date(bar.ts_event) for bar in minutes}) == 21


def test_limit_and_end_are_respected() -> None:
    """The last `limit` that start before `end`, oldest first."""
    source = opened(DAY.open + HOUR)
    everything = source.bars(AAPL, ONE_MINUTE, 500)
    assert everything == sorted(everything, key=lambda bar: bar.ts_event)
    assert source.bars(AAPL, ONE_MINUTE, 7) == everything[-7:]
    end = everything[-20].ts_event
    assert source.bars(AAPL, ONE_MINUTE, 7, end) == everything[-27:-20]
    assert source.bars(AAPL, ONE_MINUTE, 0) == []
    days = source.bars(AAPL, parse_bar_spec("1d"), 10)
    assert source.bars(AAPL, parse_bar_spec("1d"), 3, days[-1].ts_event) == days[-4:-1]


@pytest.mark.parametrize("minute", [-200, -1, 0, 1, 389, 390, 500])
@pytest.mark.parametrize("text", ["1m", "30m", "1d", "1w"])
def test_nothing_is_known_before_its_time(minute: int, text: str) -> None:
    """Whatever the hour, no bar carries a number that the stream will only print later."""
    now = DAY.open + minute * MINUTE
    source = opened(now)
    for bar in source.bars(AAPL, parse_bar_spec(text), 5):
        assert bar.ts_event <= bar.known_at <= now
    later = opened(now + 10 * MINUTE)
    now_known = [bar for bar in source.bars(AAPL, parse_bar_spec(text), 5) if not bar.is_open]
    then_known = {bar.ts_event: bar for bar in later.bars(AAPL, parse_bar_spec(text), 40)}
    assert all(then_known[bar.ts_event] == bar for bar in now_known)


def test_sessions_continue_seamlessly() -> None:
    """What was today yesterday is history today, unchanged."""
    yesterday = opened(session("2026-03-11").post_close)
    today = opened(DAY.open)
    old = yesterday.bars(AAPL, ONE_MINUTE, 300)
    known = {bar.ts_event: bar for bar in today.bars(AAPL, ONE_MINUTE, 2_000)}
    assert all(known[bar.ts_event] == bar for bar in old)


def test_unknown_names_and_lengths_are_refused_in_words() -> None:
    """The fix is in the message."""
    source = opened(DAY.open)
    with pytest.raises(NotFoundError, match=r"NOPE\.XXXX"):
        source.bars("NOPE.XXXX", ONE_MINUTE, 5)
    for spec in (BarSpec(30, "s"), BarSpec(2, "d"), BarSpec(25, "h")):
        with pytest.raises(InvalidValueError, match="not kept"):
            source.bars(AAPL, spec, 5)
    with pytest.raises(InvalidValueError, match="starts later"):
        source.seed_events(session("1990-06-01").open)
