"""When jobs are due: by sessions with their half days and clock changes, or by the clock."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.jobs.schedule import (
    DAY_NS,
    MAX_DUE,
    AfterClose,
    BeforeOpen,
    CatchUp,
    Every,
    Schedule,
    missed,
)
from stockpulse_engine.marketdata.calendar import load_calendar

XNYS = load_calendar("XNYS")
SCHEDULES: tuple[Schedule, ...] = (AfterClose(XNYS, 30), BeforeOpen(XNYS, 60), Every(1), Every(60), Every(15))


def ns(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000_000


@pytest.mark.covers("F39", "F40")
def test_after_the_close_follows_half_days_holidays_and_summer_time() -> None:
    schedule = AfterClose(XNYS, 30)
    due = schedule.between(ns("2013-11-26T00:00+00:00"), ns("2013-12-03T00:00+00:00"))
    assert [one.key for one in due] == ["2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02"]
    assert due[2].at_ns == ns("2013-11-29T18:30+00:00")  # the day after Thanksgiving closes at 13:00 in New York
    assert schedule.next(ns("2013-07-03T00:00+00:00")).at_ns == ns("2013-07-03T17:30+00:00")
    assert schedule.next(ns("2013-07-08T12:00+00:00")).at_ns == ns("2013-07-08T20:30+00:00")


def test_before_the_open_is_due_on_sessions_only() -> None:
    due = BeforeOpen(XNYS, 60).between(ns("2013-10-04T00:00+00:00"), ns("2013-10-08T00:00+00:00"))
    assert [(one.key, one.at_ns) for one in due] == [
        ("2013-10-04", ns("2013-10-04T12:30+00:00")),
        ("2013-10-07", ns("2013-10-07T12:30+00:00")),
    ]


def test_the_clock_has_one_key_for_each_due_time() -> None:
    due = Every(60).between(ns("2013-10-04T10:30+00:00"), ns("2013-10-04T12:00+00:00"))
    assert [one.key for one in due] == ["2013-10-04T11:00Z", "2013-10-04T12:00Z"]


@given(
    which=st.integers(0, len(SCHEDULES) - 1),
    begin=st.integers(ns("2000-01-01T00:00+00:00"), ns("2020-01-01T00:00+00:00")),
    length=st.integers(0, 20 * DAY_NS),
)
def test_looking_back_finds_what_looking_ahead_promised(which: int, begin: int, length: int) -> None:
    schedule = SCHEDULES[which]
    due = schedule.between(begin, begin + length)
    assert len(due) <= MAX_DUE
    at = due[0].at_ns - 1 if len(due) == MAX_DUE else begin
    for one in due[:50]:
        expected = schedule.next(at)
        assert one == expected
        at = one.at_ns
    if len(due) < 50:
        assert schedule.next(at).at_ns > begin + length


def test_missed_runs_are_made_up_for_by_policy() -> None:
    schedule = AfterClose(XNYS, 30)
    span = {"after_ns": ns("2013-10-01T00:00+00:00"), "now_ns": ns("2013-10-05T00:00+00:00")}
    done = frozenset({"2013-10-02"})
    each = missed(schedule, CatchUp.EACH, done=done, **span)
    assert [one.key for one in each] == ["2013-10-01", "2013-10-03", "2013-10-04"]
    assert [one.key for one in missed(schedule, CatchUp.LATEST, done=done, **span)] == ["2013-10-04"]
    assert missed(schedule, CatchUp.LATEST, done=frozenset({"2013-10-04"}), **span) == ()
