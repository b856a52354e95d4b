"""Headers as vendors write them: days and times apart, dates without separators, columns that could both be meant."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from tests.unit.storage.importing.desk import HEAD, Desk, minute

M1, D1 = BarSpec(1, "m"), BarSpec(1, "d")
OPEN = 1_381_152_600 * 10**9
"""2013-10-07, half past nine in New York."""


@pytest.mark.parametrize(
    ("day", "times"),
    [
        ("2013-10-07", ("09:30", "09:31")),
        ("20131007", ("093000", "093100")),
        ("20131007", ("930", "931")),
        ("2013-10-07", ("9:30:00", "9:31:00")),
    ],
)
def test_a_day_and_its_time_in_two_columns_are_one_moment(desk: Desk, day: str, times: tuple[str, str]) -> None:
    rows = [f"{day},{time},10,11,9,10,5" for time in times]
    bad = f"{day},{times[1]},10,9,11,10,5"
    report = desk.take_lines(["Date,Time,Open,High,Low,Close,Volume", *rows, bad], "ibm.csv", zone="America/New_York")
    assert (report.what, report.added, report.refused) == ("bars 1m", 2, 1)
    assert desk.store.reader.bars("IBM.XNYS", M1).ts_event.tolist() == [OPEN, OPEN + M1.duration_ns]
    assert desk.refused(report)[0].endswith(bad), "the file's own cells, and no column of ours"


def test_a_time_of_day_without_a_zone_is_not_guessed(desk: Desk) -> None:
    with pytest.raises(InvalidValueError, match="has no time zone"):
        desk.take_lines(["Date,Time,Open,High,Low,Close", "20131007,0930,1,1,1,1"], "ibm.csv")


@pytest.mark.parametrize("name", ["Date", "ts"])
def test_a_date_without_separators_is_a_day_and_no_second_of_1970(desk: Desk, name: str) -> None:
    lines = [f"{name},Open,High,Low,Close,Volume", "20131007,10,11,9,10,5", "20131008,10,11,9,10,5"]
    report = desk.take_lines(lines, "ibm.csv")
    assert (report.what, report.added) == ("bars 1d", 2)
    assert desk.store.reader.bars("IBM.XNYS", D1).ts_event[0] == OPEN


def test_columns_that_could_have_been_meant_are_shown_beside_the_one_that_was_chosen(desk: Desk) -> None:
    head = "symbol,timestamp,date,open,high,low,close,last,volume,qty_traded,name"
    plan = desk.plan(
        desk.write("x.csv", [head, "IBM,2013-10-07T13:30:00Z,2013-10-07,1,1,1,1,2,5,6,Big Blue"]), spec="1m"
    )
    shown = [value for name, value in plan.lines() if name == "chosen"]
    assert sorted(shown) == [
        "close=close, not last (--map close=NAME)",
        "symbol=symbol, not name (--map symbol=NAME)",
        "ts=timestamp, not date (--map ts=NAME)",
        "volume=volume, not qty_traded (--map volume=NAME)",
    ]
    assert not desk.plan(desk.write("y.csv", [HEAD, minute(0)]), spec="1m").rivals


def test_another_vendors_rows_under_the_same_source_are_called_what_they_are(desk: Desk) -> None:
    ours = [HEAD, *(minute(number, 100.0) for number in range(30))]
    theirs = [HEAD, *(minute(number, 100.5) for number in range(30))]
    assert desk.take_lines(ours, source="mine").warnings == ()
    report = desk.take_lines(theirs, source="mine")
    assert report.corrected == 30
    (warning,) = report.warnings
    assert "30 of 30 rows that were held have other values now" in warning
    assert "--source NAME keeps it apart from mine" in warning


def test_a_few_corrections_are_corrections(desk: Desk) -> None:
    lines = [HEAD, *(minute(number, 100.0) for number in range(60))]
    desk.take_lines(lines, source="mine")
    changed = [*lines[:-21], *(minute(number, 101.0) for number in range(39, 60))]
    report = desk.take_lines(changed, source="mine")
    assert (report.corrected, report.unchanged, report.warnings) == (21, 39, ())
