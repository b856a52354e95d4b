"""Each check refuses the row it is for, says why, and leaves the rows beside it alone."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.market import BarSpec
from tests.unit.storage.importing.desk import HEAD, Desk, minute

GOOD = [minute(number) for number in range(6)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("AAPL,2014-06-05T13:30:00Z,100,99,98,98.5,1", "high 99 is below open or close 100"),
        ("AAPL,2014-06-05T13:30:00Z,100,101,100.5,100.7,1", "low 100.5 is above open or close 100"),
        ("AAPL,2014-06-05T13:30:00Z,100,99,101,100,1", "high 99 is below low 101"),
        ("AAPL,2014-06-05T13:30:00Z,100,101,0,100,1", "low is not positive: 0"),
        ("AAPL,2014-06-05T13:30:00Z,-1,101,100,100,1", "open is not positive: -1"),
        ("AAPL,2014-06-05T13:30:00Z,100,101,99,100,-5", "volume is negative: -5"),
        ("AAPL,2014-06-05T13:30:00Z,,101,99,100,5", "open is missing"),
        ("AAPL,2014-06-05T13:30:00Z,abc,101,99,100,5", "open is no number that fits: abc"),
        ("AAPL,2014-06-05T13:30:00Z,99.000000001,101,99,100,5", "open has more than 8 decimals: 99.000000001"),
        ("AAPL,yesterday,100,101,99,100,5", "the time can not be read: yesterday"),
        ("A b$,2014-06-05T13:30:00Z,100,101,99,100,5", "the symbol or the venue can be no part of"),
        ("AAPL,2014-06-05T13:01:00Z,100,101,99,100,5", "other values for the time of row 2"),
        (minute(30, 10_000), "close is about 100 times the usual: another unit?"),
        (minute(30, 1), "close is about 0.01 times the usual: another unit?"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(desk: Desk, row: str, reason: str) -> None:
    report = desk.take_lines([HEAD, *GOOD, row])
    assert (report.added, report.refused) == (6, 1)
    (line,) = desk.refused(report)
    assert line.startswith(("7," + reason, '7,"' + reason)), line
    assert line.endswith(row)


def test_a_row_said_again_is_a_repeat_and_nothing_is_refused(desk: Desk) -> None:
    report = desk.take_lines([HEAD, *GOOD, GOOD[0]])
    assert (report.added, report.repeats, report.refused, report.refused_file) == (6, 1, 0, "")


def test_order_of_rows_does_not_matter(desk: Desk) -> None:
    report = desk.take_lines([HEAD, *reversed(GOOD)])
    assert (report.added, report.refused) == (6, 0)


def test_a_price_in_pence_among_pounds_is_the_minority(desk: Desk) -> None:
    lines = [minute(number, 0.5 if number < 4 else 50.0) for number in range(12)]
    report = desk.take_lines([HEAD, *lines])
    assert (report.added, report.reasons) == (8, {"close is about … times the usual": 4})


def test_a_day_that_was_no_session_is_refused(desk: Desk) -> None:
    days = ["AAPL,2014-07-03,1,1,1,1,1", "AAPL,2014-07-04,1,1,1,1,1", "AAPL,2014-07-07,1,1,1,1,1"]
    report = desk.take_lines([HEAD, *days])
    assert (report.added, report.reasons) == (2, {"… is no session of its exchange": 1})


def test_missing_days_are_counted_against_the_calendar(desk: Desk) -> None:
    days = [f"AAPL,2014-07-{day:02},1,1,1,1,1" for day in (1, 2, 8, 9)]
    assert desk.take_lines([HEAD, *days]).missing == 2


def test_days_before_the_calendar_are_weekdays_of_new_york(desk: Desk) -> None:
    days = ["AAPL,1981-03-06,1,1,1,1,1", "AAPL,1981-03-07,1,1,1,1,1", "AAPL,1987-03-09,1,1,1,1,1"]
    report = desk.take_lines([HEAD, *days])
    assert (report.added, report.refused) == (2, 1)
    held = desk.store.reader.bars("AAPL.XNAS", BarSpec(1, "d"))
    assert held.ts_event.tolist() == [352_738_800 * 10**9, 542_298_600 * 10**9]


def test_an_unadjusted_split_is_a_warning(desk: Desk) -> None:
    days = ["AAPL,2014-06-05,647,650,640,645.57,1", "AAPL,2014-06-09,92.7,94,91,93.7,1"]
    (warning,) = desk.take_lines([HEAD, *days]).warnings
    assert warning.startswith("AAPL.XNAS 2014-06-09: price ÷6.96 overnight")
    desk.take_lines(["symbol,ex_date,split", "AAPL,2014-06-09,7"], "events.csv")
    assert desk.take_lines([HEAD, *days]).warnings == ()


def test_a_time_without_zone_needs_one(desk: Desk) -> None:
    lines = [HEAD, "AAPL,2014-06-05 09:30:00,1,1,1,1,1", "AAPL,2014-06-05 09:31:00,1,1,1,1,1"]
    with pytest.raises(Exception, match="has no time zone"):
        desk.take_lines(lines)
    report = desk.take_lines(lines, zone="America/New_York")
    assert report.first_ts == 1_401_975_000 * 10**9
    assert (
        desk.take_lines(lines, zone="America/New_York", label="end", source="other").first_ts == 1_401_974_940 * 10**9
    )


def test_a_date_that_may_be_two_days_needs_a_word(desk: Desk) -> None:
    lines = [HEAD, "EURUSD,1/2/2014,1,1,1,1,1", "EURUSD,3/2/2014,1,1,1,1,1"]
    with pytest.raises(Exception, match="day/month or month/day"):
        desk.take_lines(lines)
    assert desk.take_lines(lines, dates="dmy").first_ts == 1_391_212_800 * 10**9


def test_other_exchanges_days_are_checked_by_their_own_calendar(desk: Desk) -> None:
    days = ["SAP,2024-12-23,1,1,1,1,1", "SAP,2024-12-24,1,1,1,1,1", "SAP,2025-01-02,1,1,1,1,1"]
    report = desk.take_lines([HEAD, *days], venue="XETR")
    assert (report.added, report.reasons) == (2, {"… is no session of its exchange": 1})
    assert (report.missing, report.warnings) == (2, ())  # the 27th and the 30th
    (bar, _) = desk.store.reader.bars("SAP.XETR", BarSpec(1, "d")).to_bars()
    assert bar.ts_event == 1_734_940_800 * 10**9  # nine in Frankfurt


def test_where_no_calendar_is_known_no_gap_is_made_up_and_that_is_said(desk: Desk) -> None:
    days = ["BHP,2024-12-23,1,1,1,1,1", "BHP,2025-01-02,1,1,1,1,1"]
    report = desk.take_lines([HEAD, *days], venue="XASX")
    assert (report.added, report.missing) == (2, 0)
    (warning,) = report.warnings
    assert "no calendar is known of XASX" in warning
    assert "gaps are not looked for" in warning
