"""The judge of the memory campaign can tell a leak from a cache that fills: else it would be no judge."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.system.memory import Diary, Sample, growth_per_hour, look_at, more_than_at_first

HERE = 100_000
RNG = Random(4)


def run(*held: float) -> list[Sample]:
    """A sample every five seconds."""
    return [Sample(5.0 * number, int(kib), 20, 8) for number, kib in enumerate(held)]


def test_noise_is_no_growth() -> None:
    assert abs(growth_per_hour(run(*(HERE + RNG.uniform(-400, 400) for _ in range(500))))) < 200


def test_a_leak_is_found_under_noise() -> None:
    leak = 10 * 1024 / 720
    samples = run(*(HERE + number * leak + RNG.uniform(-400, 400) for number in range(500)))
    assert growth_per_hour(samples) == pytest.approx(10 * 1024, rel=0.1)


def test_a_cache_that_fills_once_is_no_growth() -> None:
    assert growth_per_hour(run(*[HERE] * 100, *[HERE + 8_192] * 400)) == 0


def test_memory_that_goes_up_and_comes_back_is_no_growth() -> None:
    assert abs(growth_per_hour(run(*(HERE + 4_096 * (number // 50 % 2) for number in range(500))))) < 700


def test_a_staircase_is_growth() -> None:
    assert growth_per_hour(run(*(HERE + 1_024 * (number // 50) for number in range(500)))) > 10_000


def test_files_that_stay_open_are_counted() -> None:
    leaky = [Sample(5.0 * number, HERE, 20 + number // 50, 8) for number in range(500)]
    busy = [Sample(5.0 * number, HERE, 20 + number % 7, 8) for number in range(500)]
    assert more_than_at_first(leaky) == (9, 0)
    assert more_than_at_first(busy) == (0, 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of processes is read from /proc")
def test_a_process_that_is_gone_is_an_error_and_not_a_zero(tmp_path: Path) -> None:
    diary = Diary({"own": os.getpid()})
    diary.look()
    diary.write(tmp_path / "memory.csv")
    assert (tmp_path / "memory.csv").read_text(encoding="utf-8").count("own") == 1
    assert diary.samples["own"][0].held_kib > 1_000
    with pytest.raises(ProcessLookupError):
        look_at(2**22 + 1, 0.0)
