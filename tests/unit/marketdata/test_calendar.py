"""The calendar answers like the exchange's own: dates, half days, daylight saving, phases."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from pathlib import Path

import pytest

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, MarketPhase
from stockpulse_engine.marketdata.calendar import BAKED, Calendar, load_calendar

HOUR = 3600 * SECOND_NS
MINUTE = 60 * SECOND_NS


def at(text: str) -> int:
    """UTC nanoseconds of `2026-03-09T13:30`."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND_NS


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    """The New York calendar."""
    return load_calendar("XNYS")


@pytest.mark.covers("F39")
@pytest.mark.real_data
@pytest.mark.parametrize("code", ["XNYS", "XBOM"])
def test_every_session_of_the_golden_file_is_ours_and_no_other(code: str, shared: Path) -> None:
    """Dates, opens and closes agree over decades with answers another program gave."""
    calendar = load_calendar(code)
    with (shared / "data" / "calendars" / f"{code.lower()}_sessions.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = [(row["session"], at(row["open"][:19]), at(row["close"][:19])) for row in rows]
    ours = []
    session = calendar.session(rows[0]["session"])
    assert session is not None
    while session.date <= rows[-1]["session"]:
        ours.append((session.date, session.open, session.close))
        if session.ordinal == calendar.last.ordinal:
            break
        session = calendar.next_session(session.date)
    assert ours == expected


def test_a_regular_session_has_extended_hours_around_it(xnys: Calendar) -> None:
    """04:00 to 20:00 New York time, in winter five hours behind UTC."""
    session = xnys.session("2026-01-05")
    assert session is not None
    assert (session.pre_open, session.open) == (at("2026-01-05T09:00"), at("2026-01-05T14:30"))
    assert (session.close, session.post_close) == (at("2026-01-05T21:00"), at("2026-01-06T01:00"))
    assert not session.is_half_day


@pytest.mark.covers("F39")
def test_a_half_day_closes_at_one_and_ends_at_five(xnys: Calendar) -> None:
    """The Friday after Thanksgiving."""
    session = xnys.session("2026-11-27")
    assert session is not None
    assert session.is_half_day
    assert (session.close, session.post_close) == (at("2026-11-27T18:00"), at("2026-11-27T22:00"))


@pytest.mark.covers("F40")
@pytest.mark.parametrize(
    ("before", "after", "shift"),
    [("2026-03-06", "2026-03-09", -HOUR), ("2026-10-30", "2026-11-02", HOUR)],
)
def test_daylight_saving_moves_the_open_by_an_hour(xnys: Calendar, before: str, after: str, shift: int) -> None:
    """The weekend of the change lies between; the wall clock stays at 09:30."""
    first, second = xnys.session(before), xnys.session(after)
    assert first is not None
    assert second is not None
    assert second.open - first.open == 3 * 24 * HOUR + shift


def test_phases_follow_one_another_and_next_change_says_when(xnys: Calendar) -> None:
    """Walking from change to change visits each phase once, in order."""
    now, seen = at("2026-03-08T12:00"), []
    assert xnys.phase_at(now) is MarketPhase.CLOSED
    for _ in range(6):
        now, phase = xnys.next_change(now)
        assert xnys.phase_at(now) is phase
        assert xnys.phase_at(now - 1) is not phase
        seen.append(phase)
    assert seen == [
        MarketPhase.PRE,
        MarketPhase.OPENING_AUCTION,
        MarketPhase.OPEN,
        MarketPhase.CLOSING_AUCTION,
        MarketPhase.POST,
        MarketPhase.CLOSED,
    ]
    assert now == at("2026-03-10T00:00")


def test_weekends_and_holidays_have_no_session(xnys: Calendar) -> None:
    """Neighbours are found across them."""
    assert xnys.session("2026-07-04") is None
    assert xnys.session("2026-12-25") is None
    assert xnys.session_at(at("2026-12-25T15:00")) is None
    assert xnys.next_session("2026-12-24").date == "2026-12-28"
    assert xnys.previous_session("2026-12-28").date == "2026-12-24"
    assert xnys.current_or_next(at("2026-12-25T15:00")).date == "2026-12-28"
    assert xnys.current_or_previous(at("2026-12-25T15:00")).date == "2026-12-24"


def test_session_at_includes_its_first_moment_and_excludes_its_last(xnys: Calendar) -> None:
    """Half-open intervals leave no moment in two sessions."""
    session = xnys.session("2026-03-02")
    assert session is not None
    assert xnys.session_at(session.pre_open) == session
    assert xnys.session_at(session.pre_open - 1) is None
    assert xnys.session_at(session.post_close) is None
    assert xnys.session_at(session.post_close - 1) == session


def test_beyond_the_calendar_the_error_names_its_range(xnys: Calendar) -> None:
    """The reader learns what to do."""
    with pytest.raises(NotFoundError, match="1990-01-02 to 2030-12-31"):
        xnys.next_session("2030-12-31")
    with pytest.raises(NotFoundError, match="XNYS"):
        load_calendar("NOPE")


@pytest.mark.parametrize(
    ("code", "day", "opens", "closes", "is_half"),
    [
        ("XLON", "2024-12-24", "2024-12-24T08:00", "2024-12-24T12:30", True),
        ("XLON", "2024-07-01", "2024-07-01T07:00", "2024-07-01T15:30", False),
        ("XETR", "2024-01-02", "2024-01-02T08:00", "2024-01-02T16:30", False),
        ("XPAR", "2024-12-31", "2024-12-31T08:00", "2024-12-31T13:05", True),
        ("XTKS", "2024-11-01", "2024-11-01T00:00", "2024-11-01T06:00", False),
        ("XTKS", "2024-11-05", "2024-11-05T00:00", "2024-11-05T06:30", False),
        ("XHKG", "2024-12-24", "2024-12-24T01:30", "2024-12-24T04:00", True),
        ("XTSE", "2024-07-02", "2024-07-02T13:30", "2024-07-02T20:00", False),
    ],
)
def test_other_exchanges_keep_their_own_hours(code: str, day: str, opens: str, closes: str, is_half: bool) -> None:
    session = load_calendar(code).session(day)
    assert session is not None
    assert (session.open, session.close, session.is_half_day) == (at(opens), at(closes), is_half)


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("XLON", "2022-09-19"),  # the funeral of a queen
        ("XETR", "2024-12-24"),
        ("XPAR", "2024-05-01"),
        ("XTKS", "2024-01-03"),
        ("XHKG", "2024-02-12"),
        ("XTSE", "2024-07-01"),
    ],
)
def test_other_exchanges_keep_their_own_holidays(code: str, day: str) -> None:
    assert load_calendar(code).session(day) is None


def test_a_lunch_break_is_told_and_a_half_day_has_none() -> None:
    hongkong = load_calendar("XHKG")
    whole, half = hongkong.session("2024-12-23"), hongkong.session("2024-12-24")
    assert whole is not None
    assert half is not None
    assert (whole.break_start, whole.break_end) == (at("2024-12-23T04:00"), at("2024-12-23T05:00"))
    assert (half.break_start, half.break_end) == (0, 0)


@pytest.mark.parametrize("code", BAKED)
def test_every_baked_calendar_reaches_past_today_and_its_sessions_do_not_overlap(code: str) -> None:
    calendar = load_calendar(code)
    assert calendar.first.date < "2012-03-10"
    assert calendar.last.date > "2026-12-01"
    sessions = [calendar.by_ordinal(number) for number in range(0, len(calendar), 7)]
    for one in sessions:
        assert one.pre_open <= one.open < one.close <= one.post_close
        assert one.break_start == one.break_end == 0 or one.open < one.break_start < one.break_end < one.close
    assert all(one.post_close <= two.pre_open for one, two in itertools.pairwise(sessions))
