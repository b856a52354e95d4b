"""Coverage: what is held, of whom, and what the exchange's calendar misses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.calendar import Session, load_calendar
from stockpulse_engine.marketdata.history import Gap
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.unit.storage.history.build import AAPL, D1, M1, MINUTE, bar_frame

CALENDAR = load_calendar("XNYS")
HALF_DAY = "2023-11-24"
"""The Friday after Thanksgiving: the market closes at one."""


def sessions(first: str, count: int) -> list[Session]:
    start = CALENDAR.session(first)
    assert start is not None
    return [CALENDAR.by_ordinal(start.ordinal + number) for number in range(count)]


def minutes_of(session: Session) -> list[int]:
    return list(range(session.open, session.close, MINUTE))


def bars_at(starts: list[int]) -> pl.DataFrame:
    frame = bar_frame([1] * len(starts))
    at = pl.Series("ts_event", sorted(starts))
    return frame.with_columns(at, (at + MINUTE).alias("known_at"))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        yield opened


def test_daily_bars_miss_sessions_and_not_weekends_or_holidays(store: EmbeddedHistory) -> None:
    days = sessions("2023-11-20", 10)
    held = [day.open for number, day in enumerate(days) if number not in (2, 6, 7)]
    store.writer.write_bars(bars_at(held), spec=D1, source="yahoo")
    (found,) = store.reader.coverage(AAPL, D1)
    assert (found.bars, found.missing, found.calendar) == (7, 3, "XNYS")
    assert found.gaps == (Gap(days[2].open, days[2].open, 1), Gap(days[6].open, days[7].open, 2))
    assert found.series.rows == 7


def test_a_half_day_is_whole_with_its_half(store: EmbeddedHistory) -> None:
    held = [start for day in sessions("2023-11-22", 3) for start in minutes_of(day)]
    assert len(held) == 390 + 210 + 390
    store.writer.write_bars(bars_at(held), spec=M1, source="yahoo")
    (found,) = store.reader.coverage(AAPL, M1)
    assert (found.missing, found.gaps) == (0, ())


def test_quiet_minutes_are_no_gap_and_a_quarter_of_an_hour_is(store: EmbeddedHistory) -> None:
    first, second, third = sessions("2023-11-20", 3)
    starts = minutes_of(first)
    held = [start for number, start in enumerate(starts) if not (10 <= number < 24 or 100 <= number < 115)]
    store.writer.write_bars(bars_at([*held, *minutes_of(third)]), spec=M1, source="yahoo")
    (found,) = store.reader.coverage(AAPL, M1)
    assert found.gaps == (
        Gap(starts[100], starts[114], 15),
        Gap(second.open, second.close - MINUTE, 390),
    )
    (strict,) = store.reader.coverage(AAPL, M1, quiet=1)
    assert (strict.missing, strict.gaps[0].missing) == (390 + 15 + 14, 14)


def test_minutes_outside_regular_hours_are_held_and_never_expected(store: EmbeddedHistory) -> None:
    (day,) = sessions(HALF_DAY, 1)
    early = list(range(day.pre_open, day.open, 7 * MINUTE))
    store.writer.write_bars(bars_at([*early, *minutes_of(day)]), spec=M1, source="yahoo")
    (found,) = store.reader.coverage(AAPL, M1)
    assert (found.bars, found.missing) == (len(early) + 210, 0)


def test_each_source_is_covered_for_itself_and_versions_are_counted(store: EmbeddedHistory, clock: ManualClock) -> None:
    days = [day.open for day in sessions("2023-11-20", 3)]
    store.writer.write_bars(bars_at(days), spec=D1, source="yahoo")
    store.writer.write_bars(bars_at([days[0], days[2]]), spec=D1, source="lean")
    clock.advance(MINUTE)
    store.writer.write_bars(bars_at(days).with_columns(close_e8=pl.lit(5)), spec=D1, source="yahoo")
    lean, yahoo = store.reader.coverage(AAPL, D1)
    assert (lean.series.source, lean.missing, lean.series.corrections) == ("lean", 1, 0)
    assert (yahoo.series.source, yahoo.missing, yahoo.series.corrections, yahoo.bars) == ("yahoo", 0, 3, 3)
    assert [one.series.source for one in store.reader.coverage(AAPL, D1, source="lean")] == ["lean"]


def test_where_no_calendar_is_known_nothing_is_missed(store: EmbeddedHistory) -> None:
    frame = bars_at([MINUTE, 9 * MINUTE]).with_columns(instrument_id=pl.lit("EURUSD.XXXX"))
    store.writer.write_bars(frame, spec=M1, source="oanda/mid")
    (found,) = store.reader.coverage("EURUSD.XXXX", M1)
    assert (found.calendar, found.missing, found.bars) == ("", 0, 2)
    assert store.reader.coverage("NONE.XNAS", M1) == ()


def test_weeks_begin_with_their_first_session(store: EmbeddedHistory) -> None:
    week = BarSpec(1, "w")
    opens = [sessions(day, 1)[0].open for day in ("2023-11-13", "2023-11-20", "2023-12-04")]
    store.writer.write_bars(bars_at(opens), spec=week, source="yahoo")
    (found,) = store.reader.coverage(AAPL, week)
    monday = sessions("2023-11-27", 1)[0].open
    assert found.gaps == (Gap(monday, monday, 1),)


def test_years_before_the_calendar_begins_are_not_missed(store: EmbeddedHistory) -> None:
    first = CALENDAR.first
    store.writer.write_bars(bars_at([first.open - 900 * 1440 * MINUTE, first.open]), spec=D1, source="yahoo")
    (found,) = store.reader.coverage(AAPL, D1)
    assert found.missing == 0


@pytest.mark.real_data
def test_the_hole_of_qqq_is_found(store: EmbeddedHistory, shared: Path) -> None:
    """It traded as QQQQ from December 2004 to March 2011."""
    raw = pl.read_parquet(shared / "data" / "bars_daily" / "lean_us_raw.parquet").filter(pl.col("symbol") == "QQQ")
    days = [CALENDAR.session(day.isoformat()) for day in raw["date"].to_list()]
    frame = bars_at([day.open for day in days if day]).with_columns(instrument_id=pl.lit("QQQ.XNAS"))
    store.writer.write_bars(frame, spec=D1, source="lean")
    (found,) = store.reader.coverage("QQQ.XNAS", D1)
    largest = max(found.gaps, key=lambda gap: gap.missing)
    first, last = (CALENDAR.session_at(at) for at in (largest.start_ns, largest.last_ns))
    assert first is not None
    assert last is not None
    assert (first.date, last.date) == ("2004-12-01", "2011-03-22")
    assert largest.missing == last.ordinal - first.ordinal + 1


def test_a_lunch_break_misses_nothing(store: EmbeddedHistory) -> None:
    tokyo = load_calendar("XTKS").session("2024-11-06")
    assert tokyo is not None
    whole = [at for at in range(tokyo.open, tokyo.close, MINUTE) if not tokyo.break_start <= at < tokyo.break_end]
    frame = bars_at(whole[:100] + whole[130:]).with_columns(pl.lit("7203.XTKS").alias("instrument_id"))
    store.writer.write_bars(frame, spec=M1, source="yahoo")
    (found,) = store.reader.coverage("7203.XTKS", M1)
    assert (found.bars, found.missing, found.calendar) == (300, 30, "XTKS")
