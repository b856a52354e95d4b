"""A campaign counts only if it can see: 20 faults are planted in the real code, and each is found by the one named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.bootstrap.simulated import workshop
from stockpulse_engine.drill.campaigns import days
from stockpulse_engine.drill.sim.day import Case, play
from tests.campaigns.planted import MUTANTS, Mutant

pytestmark = pytest.mark.timeout(3600)  # of a night; on a quiet machine a commit takes seconds

ROOT = Path(__file__).resolve().parents[2]
MOST_DAYS = 150
ALL = 20
SIMULATED = [mutant for mutant in MUTANTS if not mutant.tests]
TESTED = [mutant for mutant in MUTANTS if mutant.tests]


def named(mutant: Mutant) -> str:
    """For the test's name."""
    return mutant.name.replace(" ", "-")


@pytest.mark.covers("S1", "S10", "S11")
@pytest.mark.parametrize("mutant", SIMULATED, ids=named)
def test_simulated_days_find_it(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    made = workshop()
    assert not play(_case(mutant, 1), made).broken  # the day is sound without it
    mutant.plant(monkeypatch)
    found = next((seed for seed in range(1, MOST_DAYS + 1) if play(_case(mutant, seed), made).broken), 0)
    assert found, f"{MOST_DAYS} days of {mutant.campaign} do not find it"


def _case(mutant: Mutant, seed: int) -> Case:
    if mutant.campaign == "S11":
        return days.latch_case(seed)
    if mutant.campaign == "S10":
        return Case(seed=seed, most=0.0, forced=mutant.forced)
    return Case(seed=seed)


@pytest.mark.night
@pytest.mark.covers("S4", "S7", "S13", "S14", "S17")
@pytest.mark.parametrize("mutant", TESTED, ids=named)
def test_the_tests_of_the_campaign_find_it(mutant: Mutant) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.campaigns.planted", "-p", "no:cacheprovider"]
    environment = {**os.environ, "STOCKPULSE_MUTANT": mutant.name, "STOCKPULSE_NIGHT": "", "TZ": "UTC"}
    done = subprocess.run(
        [*words, "--timeout=0", *mutant.tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout[-2000:]
    assert " failed" in done.stdout


def test_the_page_of_campaigns_names_each_fault_and_who_finds_it() -> None:
    page = (ROOT / "docs" / "reference" / "campaigns.md").read_text(encoding="utf-8")
    assert len(MUTANTS) == len({mutant.name for mutant in MUTANTS}) == ALL
    for mutant in MUTANTS:
        assert f"| {mutant.name} | {mutant.campaign} |" in page
