"""The line that names another world: what it means, and how what is wrong with it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.actions.worldline import WorldLine, parse_replay, parse_speed, parse_step, parse_world
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
