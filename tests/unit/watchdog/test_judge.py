"""When an engine counts as hung, dead, back or replaced, as a story of looks."""

from __future__ import annotations

import pytest

from stockpulse_engine.base.heartbeat import Beat
from stockpulse_engine.watchdog.judge import Judge, Sight, Verdict

S = 1_000_000_000
ENGINE = 4711
T0 = 1_000 * S


class Story:
    """An engine seen every half second."""

    def __init__(self, silent_s: float = 6.0) -> None:
        self.now = T0
        self.judge = Judge(ENGINE, silent_s, T0)
        self.beat: Beat | None = Beat(ENGINE, T0, 1)
        self.is_line_open = True
        self.holder = ENGINE

    def pass_time(self, seconds: float, *, beats: bool, step_s: float = 0.5) -> list[Verdict]:
        """Look on; returns what was said beside WELL."""
        said: list[Verdict] = []
        for _ in range(round(seconds / step_s)):
            self.now += int(step_s * S)
            if beats and self.beat is not None:
                self.beat = Beat(self.beat.pid, self.now, self.beat.beats + 1)
            verdict = self.judge.look(
                Sight(now=self.now, beat=self.beat, is_line_open=self.is_line_open, holder=self.holder)
            )
            if verdict is not Verdict.WELL:
                said.append(verdict)
        return said


def test_an_engine_that_beats_is_well() -> None:
    assert Story().pass_time(60, beats=True) == []


@pytest.mark.covers("F24")
def test_a_loop_that_stops_turning_is_told_once_and_within_ten_seconds() -> None:
    story = Story()
    story.pass_time(10, beats=True)
    assert story.pass_time(5, beats=False) == []
    assert story.pass_time(2, beats=False) == [Verdict.HANGS]
    assert story.pass_time(60, beats=False) == []


def test_one_that_turns_again_is_told_and_watched_anew() -> None:
    story = Story()
    assert story.pass_time(8, beats=False) == [Verdict.HANGS]
    assert story.pass_time(3, beats=True) == [Verdict.BACK]
    assert story.pass_time(8, beats=False) == [Verdict.HANGS]


def test_one_that_never_beats_is_told_too() -> None:
    story = Story()
    story.beat = None
    assert story.pass_time(8, beats=False) == [Verdict.HANGS]


@pytest.mark.covers("F24")
def test_one_that_is_gone_without_a_word_is_told_when_nobody_comes() -> None:
    story = Story()
    story.is_line_open, story.holder = False, 0
    assert story.pass_time(5, beats=False) == []
    assert story.pass_time(2, beats=False) == [Verdict.DEAD]
    assert story.pass_time(60, beats=False) == []


@pytest.mark.parametrize("by", ["lock", "beat"])
def test_an_engine_that_takes_its_place_ends_the_watch_without_an_alarm(by: str) -> None:
    story = Story()
    story.is_line_open, story.holder = False, 0
    story.pass_time(3, beats=False)
    if by == "lock":
        story.holder = 4712
    else:
        story.beat = Beat(4712, story.now, 1)
    assert story.pass_time(0.5, beats=False) == [Verdict.REPLACED]


def test_a_watchdog_that_was_stopped_itself_blames_nobody() -> None:
    story = Story()
    story.pass_time(5, beats=True)
    assert story.pass_time(30, beats=False, step_s=30) == [], "the machine slept: the engine had no chance either"
    assert story.pass_time(5, beats=False) == []
    assert story.pass_time(2, beats=False) == [Verdict.HANGS], "it had six seconds after waking up"


def test_the_time_it_slept_does_not_count_as_a_death_either() -> None:
    story = Story()
    story.is_line_open, story.holder = False, 0
    story.pass_time(2, beats=False)
    assert story.pass_time(30, beats=False, step_s=30) == []
    assert story.pass_time(7, beats=False) == [Verdict.DEAD]
