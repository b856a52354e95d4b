"""Back-off grows, stays within its bounds and is repeatable from a seed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.retry import Backoff, delays


def test_without_jitter_the_delay_doubles_up_to_the_limit() -> None:
    policy = Backoff(first_s=1, factor=2, limit_s=5, jitter=0)
    assert [policy.delay(attempt, Random(0)) for attempt in range(1, 6)] == [1, 2, 4, 5, 5]


@pytest.mark.covers("F23")
@given(st.integers(1, 10_000), st.integers())
def test_any_attempt_waits_within_the_bounds(attempt: int, seed: int) -> None:
    policy = Backoff(first_s=0.1, limit_s=30, jitter=0.2)
    assert 0.08 <= policy.delay(attempt, Random(seed)) <= 30


def test_the_same_seed_waits_the_same() -> None:
    assert list(delays(Backoff(), Random(7), 5)) == list(delays(Backoff(), Random(7), 5))


def test_there_is_no_wait_after_the_last_try() -> None:
    assert len(list(delays(Backoff(), Random(0), 3))) == 2
    assert list(delays(Backoff(), Random(0), 1)) == []


@pytest.mark.parametrize("wrong", [{"first_s": 0}, {"factor": 0.5}, {"jitter": 1}, {"first_s": 9, "limit_s": 1}])
def test_an_unusable_policy_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="back-off"):
        Backoff(**wrong)
