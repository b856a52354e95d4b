"""The night's own judgement: rows say what happened, what started ends, what passed is not run again."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.hygiene.tree import ROOT

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
HANGS = """
import subprocess, sys, time

def test_that_hangs():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    time.sleep(600)
"""


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module that writes into a directory of the test."""
    spec = importlib.util.spec_from_file_location("night", ROOT / "scripts" / "night.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "night", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STATE", tmp_path / "night.json")
    monkeypatch.setattr(module, "LOGS", tmp_path / "logs")
    return module


def judged(night: ModuleType, tmp_path: Path, text: str, note: str = "") -> tuple[int, int, str, bool]:
    log = tmp_path / "some.log"
    log.write_text(text, encoding="utf-8")
    row = night.judge(night.CAMPAIGNS[0], "mark", log, 1.0, note)
    return row.tests, row.failures, row.note, row.is_good


def test_a_row_is_read_from_the_last_line(night: ModuleType, tmp_path: Path) -> None:
    assert judged(night, tmp_path, "....\n4 passed in 3.00s\n") == (4, 0, "", True)
    assert judged(night, tmp_path, "1 failed, 3 passed, 2 errors in 3.00s\n") == (6, 3, "", False)
    assert judged(night, tmp_path, "night: +0.1 MiB/h\n1 passed in 9.00s\n") == (1, 0, "+0.1 MiB/h", True)


def test_what_was_stopped_left_something_behind_or_ran_nothing_is_not_good(night: ModuleType, tmp_path: Path) -> None:
    assert not judged(night, tmp_path, "3 passed in 1s", "stopped after 5 min")[3]
    assert not judged(night, tmp_path, "3 passed in 1s", "left behind: -m stockpulse_engine.daemon")[3]
    assert not judged(night, tmp_path, "no tests ran in 0.01s")[3]


def test_only_what_passed_at_this_state_of_the_code_is_known(night: ModuleType) -> None:
    rows = [
        night.Outcome("passed", "", 3, 0, 1.0, "now"),
        night.Outcome("failed", "", 3, 1, 1.0, "now"),
        night.Outcome("older", "", 3, 0, 1.0, "before"),
    ]
    night.save({row.campaign: row for row in rows})
    assert list(night.load("now")) == ["passed"]


def test_without_time_a_campaign_is_left_out_and_says_so(night: ModuleType) -> None:
    row = night.run(night.CAMPAIGNS[0], "mark", 0.0)
    assert (row.is_good, row.note) == (False, "left out: no time was left")


@needs_proc
def test_a_daemon_that_detached_itself_is_found_by_its_mark_and_ended(
    night: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "GRACE_S", 0.0)
    token = f"test-{os.getpid()}"
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(command, env={**os.environ, night.MARK: token}, start_new_session=True)
    try:
        assert "import time" in " ".join(night.sweep(token))
        assert child.wait(timeout=10) < 0
        assert night.sweep(token) == []
    finally:
        child.kill()
        child.wait()


@needs_proc
@pytest.mark.timeout(60)
def test_a_campaign_that_hangs_is_stopped_with_all_it_started(
    night: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "GRACE_S", 0.0)
    (tmp_path / "test_hangs.py").write_text(HANGS, encoding="utf-8")
    campaign = night.Campaign("hangs", "hangs", "one", (str(tmp_path / "test_hangs.py"),), 0.05, ("--rootdir=/",))
    row = night.run(campaign, "mark", 60.0)
    assert (row.is_good, row.note) == (False, "stopped after 0.05 min")
    assert night.marked(f"hangs-{os.getpid()}") == {}


def test_the_campaigns_have_keys_of_their_own_and_paths_that_exist(night: ModuleType) -> None:
    assert len({one.key for one in night.CAMPAIGNS}) == len(night.CAMPAIGNS)
    assert all((ROOT / path).exists() for one in night.CAMPAIGNS for path in one.paths)
