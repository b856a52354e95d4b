"""The line that names another world: what it means, and how what is wrong with it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.actions.worldline import (
    WorldLine,
    parse_replay,
    parse_seek,
    parse_speed,
    parse_step,
    parse_world,
)
from stockpulse_engine.domain.errors import InvalidValueError


def test_a_whole_line() -> None:
    line = parse_replay("witness 'my ticks/ibm.parquet' spy.csv at 2013-10-07 10:00 speed 2.5")
    assert line == WorldLine(
        world="replay:witness", paths=("my ticks/ibm.parquet", "spy.csv"), at="2013-10-07 10:00", speed=2.5
    )
    assert line.arguments() == (
        "--world", "replay:witness", "--from", "my ticks/ibm.parquet", "--from", "spy.csv",
        "--at", "2013-10-07 10:00", "--speed", "2.5",
    )  # fmt: skip


def test_a_moment_may_be_one_word_or_a_day() -> None:
    assert parse_replay("w x at '2013-10-07 10:00'").at == "2013-10-07 10:00"
    assert parse_replay("w x at 2013-10-07T10:00 speed 3").at == "2013-10-07T10:00"
    assert parse_replay("w x at 2013-10-07 speed 3").at == "2013-10-07"


def test_worlds() -> None:
    assert parse_world("sim").arguments() == ("--world", "sim")
    assert parse_world("replay:w x.csv").world == "replay:w"
    assert parse_world("live").arguments() == ("--world", "live")
    assert parse_world("live").sentence() == "the live market, on paper"


def test_steps_and_speeds() -> None:
    assert parse_step("") == parse_step("1") == parse_step("1s") == parse_step("S") == 1_000_000_000
    assert parse_step("5m") == 300_000_000_000
    assert parse_speed("10×") == 10


@given(st.text(max_size=40))
def test_anything_else_is_refused_in_words(text: str) -> None:
    for parse in (parse_replay, parse_world, parse_speed, parse_step):
        try:
            parse(text)
        except InvalidValueError as error:
            assert error.message
            assert error.fix


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "1001"])
def test_no_speed_out_of_range(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_speed(text)


def test_days_of_the_store_need_no_files() -> None:
    line = parse_replay("2013-10-07..2013-10-11 only ibm,SPY at 2013-10-08 10:00 speed 5")
    assert line.arguments() == (
        "--world", "replay:2013-10-07..2013-10-11", "--symbols", "IBM,SPY",
        "--at", "2013-10-08 10:00", "--speed", "5",
    )  # fmt: skip
    assert line.sentence() == "IBM, SPY of 2013-10-07..2013-10-11, from 2013-10-08 10:00, at 5×"
    assert parse_replay("2013-10-07_2").world == "replay:2013-10-07_2"
    assert parse_replay("2013-10-07").sentence() == "everything held of 2013-10-07"


def test_a_seek_is_meant_on_the_markets_own_day() -> None:
    zone, ten = "America/New_York", 1_381_154_400 * 1_000_000_000  # 10:00 on 7 October 2013
    minute = 60_000_000_000
    assert parse_seek("11:30", ten, zone) == parse_seek("2013-10-07 11:30", ten, zone) == ten + 90 * minute
    assert parse_seek("9:45", ten, zone) == ten - 15 * minute
    assert parse_seek("+30m", ten, zone) == ten + 30 * minute
    assert parse_seek("2013-10-07T14:30+00:00", ten, zone) == ten + 30 * minute
    for text in ("", "noon", "25:00", "+x"):
        with pytest.raises(InvalidValueError):
            parse_seek(text, ten, zone)


def test_a_time_alone_is_one_of_the_first_day() -> None:
    assert parse_replay("2013-10-07..2013-10-11 at 9:35 speed 5").at == "2013-10-07 09:35"
    assert parse_replay("2013-10-07 at 15:59:30").at == "2013-10-07 15:59:30"
    with pytest.raises(InvalidValueError):
        parse_replay("witness spy.csv at 09:35")
