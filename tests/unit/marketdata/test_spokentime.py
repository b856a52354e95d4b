"""Moments as people say them: read by the exchange's clock, told back with their zone, refused with the fix."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.spokentime import read_moment, say_moment

NOW = 1_795_188_727_412_000_000
"""Friday 20 November 2026, 10:32:07 in New York."""
XNYS = load_calendar("XNYS")


def said(text: str, now_ns: int = NOW) -> str:
    return read_moment(text, now_ns, XNYS).words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2013-10-07 11:32", "Mon 7 Oct 2013 11:32:00 ET"),
        ("2013-10-07T11:32:05", "Mon 7 Oct 2013 11:32:05 ET"),
        ("2013-10-07T15:32:00Z", "Mon 7 Oct 2013 11:32:00 ET"),
        ("2013-10-07 15:32 utc", "Mon 7 Oct 2013 11:32:00 ET"),
        ("2013-10-07 17:32 +02:00", "Mon 7 Oct 2013 11:32:00 ET"),
        ("2013-10-07 11:32 ET", "Mon 7 Oct 2013 11:32:00 ET"),
        ("2013-10-07 close", "Mon 7 Oct 2013 16:00:00 ET"),
        ("2013-10-07", "Mon 7 Oct 2013 16:00:00 ET"),
        ("2025-11-28 close", "Fri 28 Nov 2025 13:00:00 ET"),
        ("10:15", "Fri 20 Nov 2026 10:15:00 ET"),
        ("9:31:30", "Fri 20 Nov 2026 09:31:30 ET"),
        ("open", "Fri 20 Nov 2026 09:30:00 ET"),
        ("-5m", "Fri 20 Nov 2026 10:27:07 ET"),
        ("-1h30m", "Fri 20 Nov 2026 09:02:07 ET"),
        ("-2d", "Wed 18 Nov 2026 10:32:07 ET"),
        ("-3w", "Fri 30 Oct 2026 10:32:07 ET"),
        ("yesterday close", "Thu 19 Nov 2026 16:00:00 ET"),
        ("Yesterday 11:32", "Thu 19 Nov 2026 11:32:00 ET"),
        ("mon 15:30", "Mon 16 Nov 2026 15:30:00 ET"),
        ("monday open", "Mon 16 Nov 2026 09:30:00 ET"),
        ("1381159920000000000", "Mon 7 Oct 2013 11:32:00 ET"),
    ],
)
def test_what_people_say_is_read_by_the_exchanges_clock(text: str, words: str) -> None:
    assert said(text) == words


def test_yesterday_on_a_monday_is_the_session_before() -> None:
    monday = read_moment("2026-11-16 12:00", NOW, XNYS).at_ns
    assert said("yesterday close", monday) == "Fri 13 Nov 2026 16:00:00 ET"


def test_days_back_keep_the_time_of_day_over_summer_time() -> None:
    after = read_moment("2026-11-03 12:00", NOW, XNYS).at_ns
    assert said("-3d", after) == "Sat 31 Oct 2026 12:00:00 ET"
    assert said("-1w", after) == "Tue 27 Oct 2026 12:00:00 ET"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("11:32", "Fri 20 Nov 2026 11:32:00 ET lies ahead: it is Fri 20 Nov 2026 10:32:07 ET."),
        ("close", "lies ahead"),
        ("2026-11-15 close", "Sun 15 Nov 2026 had no session."),
        ("2026-11-27 open", "lies ahead"),
        ("tomorrow", "'tomorrow' is not a moment."),
        ("2013-13-07 11:32", "is not a moment."),
        ("25:00", "is not a moment."),
        ("-5", "is not a moment."),
        ("-999999w", "is not a moment."),
        ("2013-10-07 11:32 MARS", "is not a moment."),
        ("1813-10-07 close", "knows sessions from"),
        ("", "No moment is named."),
        ("x" * 100, "No moment is named."),
    ],
)
def test_what_can_not_be_meant_is_refused_with_the_fix(text: str, problem: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        said(text)
    assert problem in refused.value.message
    assert refused.value.fix


@given(st.text(max_size=70))
def test_no_text_is_anything_but_a_moment_or_refused(text: str) -> None:
    try:
        assert read_moment(text, NOW, XNYS).at_ns <= NOW
    except InvalidValueError as error:
        assert error.fix


@given(st.integers(1_356_998_400, 1_795_000_000))
def test_a_moment_told_in_utc_is_that_moment(seconds: int) -> None:
    stamp = dt.datetime.fromtimestamp(seconds, dt.UTC)
    assert read_moment(f"{stamp:%Y-%m-%d %H:%M:%S} UTC", NOW, XNYS).at_ns == seconds * SECOND_NS
    assert say_moment(seconds * SECOND_NS, "America/New_York").endswith(" ET")
