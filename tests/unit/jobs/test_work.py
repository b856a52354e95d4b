"""Which backups stay, and what is written for cron and systemd."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.jobs.install import BEGIN, cron_block, systemd_units, with_block
from stockpulse_engine.jobs.work import DAILY_KEPT, HOURLY_KEPT, backups_to_drop

NOW = 1_795_176_779


def at(*ages_s: int) -> list[Path]:
    return [Path(f"stockpulse-{NOW - age}.tar.gz") for age in ages_s]


def test_the_newest_of_each_hour_and_of_each_day_stays() -> None:
    files = at(10, 20, 3700, 5 * 3600, 3 * 86_400, 3 * 86_400 + 60, 20 * 86_400)
    dropped = backups_to_drop(files, NOW * 1_000_000_000)
    assert set(dropped) == set(at(20, 3 * 86_400 + 60, 20 * 86_400))


@given(ages=st.lists(st.integers(-86_400, 60 * 86_400), min_size=1, max_size=60, unique=True))
def test_the_newest_is_never_dropped_and_few_are_kept(ages: list[int]) -> None:
    files = at(*ages)
    dropped = backups_to_drop(files, NOW * 1_000_000_000)
    assert at(min(ages))[0] not in dropped
    assert len(files) - len(dropped) <= 2 * (HOURLY_KEPT + DAILY_KEPT) + 2


def test_the_crontab_keeps_what_others_wrote_and_holds_ours_once() -> None:
    theirs = "MAILTO=me\n0 1 * * * tidy\n"
    block = cron_block("/opt/my apps/sp", "/home/me/100%")
    once = with_block(theirs, block)
    assert once.startswith(theirs)
    assert with_block(once, block) == once
    assert once.count(BEGIN) == 1
    assert r"100\%" in once
    assert "'/opt/my apps/sp'" in once
    assert with_block(once, "") == theirs


def test_a_timer_says_when_and_its_service_what() -> None:
    units = systemd_units("/opt/my apps/sp", "/home/me/100%")
    assert 'ExecStart="/opt/my apps/sp" --home /home/me/100%% jobs run --due' in units["stockpulse-jobs.service"]
    assert "Persistent=true" in units["stockpulse-jobs.timer"]
