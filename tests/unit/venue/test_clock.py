"""Market time: stretched, paused, stepped, without nights."""

from __future__ import annotations

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.clock import NIGHT_WALL_NS, MarketTime, WallTime
from stockpulse_engine.venue.factory import night_of, parse_moment, parse_world

SECOND = 1_000_000_000
START = 1_000_000 * SECOND


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock()


def follow(time: MarketTime) -> int:
    """Play to where time is now."""
    target = time.target()
    time.reached(target)
    return target - START


def test_it_runs_at_its_speed(wall: ManualClock) -> None:
    time = MarketTime(wall, START, speed=10)
    wall.advance(3 * SECOND)
    assert follow(time) == 30 * SECOND
    time.set_speed(0.5)
    wall.advance(2 * SECOND)
    assert follow(time) == 31 * SECOND


def test_playing_in_many_small_steps_loses_nothing(wall: ManualClock) -> None:
    time = MarketTime(wall, START, speed=2)
    for _ in range(1000):
        wall.advance(1_234_567)
        target = time.target()
        wall.advance(777_777)  # the time it takes to play
        time.reached(target)
    wall.advance(1)
    assert follow(time) == 2 * (1000 * (1_234_567 + 777_777) + 1)


def test_paused_it_stands_and_steps_exactly(wall: ManualClock) -> None:
    time = MarketTime(wall, START)
    wall.advance(SECOND)
    follow(time)
    time.pause()
    wall.advance(100 * SECOND)
    assert follow(time) == SECOND
    assert time.is_still
    assert time.state().is_paused
    time.step(5 * SECOND)
    time.step(2 * SECOND)
    assert not time.is_still
    assert follow(time) == 8 * SECOND
    time.resume()
    wall.advance(SECOND)
    assert follow(time) == 9 * SECOND


def test_who_cannot_follow_falls_behind_and_says_so(wall: ManualClock) -> None:
    time = MarketTime(wall, START, speed=1000)
    wall.advance(SECOND)
    assert time.target() == START + 1000 * SECOND
    assert time.reached(START + 400 * SECOND)
    assert follow(time) == 400 * SECOND


def test_a_night_takes_three_seconds_at_any_speed(wall: ManualClock) -> None:
    calendar = load_calendar()
    friday = calendar.session("2024-03-08")
    monday = calendar.session("2024-03-11")
    assert friday is not None
    assert monday is not None
    time = MarketTime(wall, friday.post_close - SECOND, night=night_of(calendar))
    wall.advance(SECOND)
    assert time.reached(time.target())
    assert time.state().speed > 1000
    wall.advance(NIGHT_WALL_NS + SECOND)
    assert time.target() == monday.pre_open  # not past it: the first second of the day is not skipped
    assert time.reached(time.target())
    assert time.state().speed == 1.0


def test_at_the_end_of_a_replay_time_stands(wall: ManualClock) -> None:
    time = MarketTime(wall, START, last_ns=START + SECOND)
    wall.advance(5 * SECOND)
    assert time.reached(time.target())
    assert time.is_still
    assert time.state().market_ns == START + SECOND
    assert time.state().speed == 0.0


def test_clients_can_go_on_from_the_state_alone(wall: ManualClock) -> None:
    time = MarketTime(wall, START, speed=4)
    wall.advance(SECOND)
    follow(time)
    state = time.state()
    wall.advance(SECOND)
    assert state.at(wall.now_ns()) == time.target()


@pytest.mark.parametrize("speed", [0.0, 0.05, 1001, float("nan"), -1])
def test_impossible_speeds_are_refused(wall: ManualClock, speed: float) -> None:
    with pytest.raises(InvalidValueError):
        MarketTime(wall, START).set_speed(speed)


def test_live_time_is_the_wall_and_nobody_steers_it(wall: ManualClock) -> None:
    time = WallTime(wall, lambda _: "today")
    wall.advance(SECOND)
    assert time.target() == wall.now_ns()
    for steer in (time.pause, time.resume, lambda: time.set_speed(2), lambda: time.step(1)):
        with pytest.raises(InvalidValueError):
            steer()


def test_worlds_and_moments_are_read_strictly() -> None:
    assert parse_world("replay:day-1").name == "day-1"
    for text in ("", "paper", "sim:1", "replay:", "replay:../x", "live:x"):
        with pytest.raises(InvalidValueError):
            parse_world(text)
    assert parse_moment("2024-03-04T09:30:00-05:00") == 1709562600 * SECOND
    for text in ("noon", "2024-03-04T09:30:00"):
        with pytest.raises(InvalidValueError):
            parse_moment(text)


def test_a_seek_plays_on_at_once_and_then_goes_on_as_before(wall: ManualClock) -> None:
    time = MarketTime(wall, START, speed=2)
    wall.advance(SECOND)
    follow(time)
    time.seek(START + 500 * SECOND)
    assert time.is_stepping
    assert time.target() == START + 500 * SECOND
    time.reached(START + 200 * SECOND)
    assert time.state().is_stepping, "the source takes its time"
    time.reached(START + 500 * SECOND)
    assert not time.state().is_paused
    wall.advance(3 * SECOND)
    assert follow(time) == 506 * SECOND, "at its speed, from there"


def test_a_seek_of_a_paused_market_leaves_it_paused(wall: ManualClock) -> None:
    time = MarketTime(wall, START)
    time.pause()
    time.seek(START + 9 * SECOND)
    follow(time)
    wall.advance(SECOND)
    assert (follow(time), time.state().is_paused) == (9 * SECOND, True)


def test_a_pause_ends_a_seek_where_it_is(wall: ManualClock) -> None:
    time = MarketTime(wall, START)
    time.seek(START + 9 * SECOND)
    time.reached(START + 4 * SECOND)
    time.pause()
    assert follow(time) == 4 * SECOND
    assert time.is_still


def test_no_seek_goes_back_or_beyond_the_end(wall: ManualClock) -> None:
    time = MarketTime(wall, START, last_ns=START + 100 * SECOND)
    wall.advance(5 * SECOND)
    for offset, why in ((5, "never goes back"), (-1, "never goes back"), (101, "ends before")):
        with pytest.raises(InvalidValueError, match=why):
            time.seek(START + offset * SECOND)
    assert follow(time) == 5 * SECOND, "nothing moved"
    endless = MarketTime(wall, START)
    with pytest.raises(InvalidValueError, match="month"):
        endless.seek(START + 40 * 86_400 * SECOND)
