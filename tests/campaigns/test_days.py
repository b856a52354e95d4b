"""S1, S3, S10, S11, S12: whole trading days on virtual time, with the real order service."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stockpulse_engine.bootstrap.simulated import workshop
from stockpulse_engine.drill.campaigns import days, points
from stockpulse_engine.drill.campaigns.shrink import minimal, shrink
from stockpulse_engine.drill.sim.day import Case, play
from stockpulse_engine.trading.book import TradingBook
from tests.campaigns.volumes import VOLUME, judge

pytestmark = pytest.mark.timeout(3600)  # of a night; on a quiet machine a commit takes seconds


@pytest.mark.covers("S1", "O5", "O10", "L12", "F01", "F05", "F06", "F07", "F08", "F09", "F10", "F15", "F34")
def test_s1_no_invariant_breaks_in_days_of_all_faults() -> None:
    judge(days.s1_days(VOLUME, workshop()))


@pytest.mark.covers("S3", "F34", "O4")
def test_s3_a_crash_a_failure_and_a_hang_at_every_point_are_survived() -> None:
    judge(points.s3_points(VOLUME, workshop()))


@pytest.mark.covers("S10", "O5", "L6")
def test_s10_each_fault_alone_is_survived_at_each_personality() -> None:
    judge(days.s10_matrix(VOLUME, workshop()))


@pytest.mark.covers("S10", "F10")
def test_s10_what_lost_frames_told_is_booked_within_20_seconds() -> None:
    judge(days.s10_lost_frames(VOLUME, workshop()))


@pytest.mark.covers("S11", "O7", "F16")
def test_s11_no_order_leaves_after_the_latch() -> None:
    report = days.s11_latch(VOLUME, workshop())
    judge(report)
    assert not report.figures["after the latch"]


@pytest.mark.covers("S12", "F13", "L12")
def test_s12_a_power_cut_at_any_entry_changes_nothing_in_the_end() -> None:
    judge(days.s12_restarts(VOLUME, workshop()))


def test_a_day_is_the_same_bytes_again_and_another_seed_another_day() -> None:
    made = workshop()
    first, second, other = (play(Case(seed=seed), made) for seed in (5, 5, 6))
    assert first == second
    assert first.digest != other.digest


def test_another_process_leaves_the_same_bytes() -> None:
    """Nothing hangs on how a process happens to order its sets, or on its clock."""
    script = (
        "from stockpulse_engine.bootstrap.simulated import workshop\n"
        "from stockpulse_engine.drill.sim.day import Case, play\n"
        "print(play(Case(seed=5), workshop()).digest)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert said == [play(Case(seed=5), workshop()).digest] * 2


def test_a_failing_day_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TradingBook, "has_fill", lambda *_: False)
    made = workshop()
    case = next(case for case in map(_doubled, range(1, 50)) if play(case, made).broken)
    whole = play(case, made)
    best, result = shrink(case, lambda one: play(one, made))
    assert result.broken
    assert sum(result.struck.values()) < sum(whole.struck.values())
    assert best.steps is not None
    assert len(best.steps) <= 4


def _doubled(seed: int) -> Case:
    return Case(seed=seed, forced=("frames-duplicated",))


def test_minimal_leaves_what_matters_together() -> None:
    assert minimal(range(40), lambda some: {3, 17, 38} <= set(some)) == [3, 17, 38]
    assert minimal([1, 2, 3], lambda _: True) == []
