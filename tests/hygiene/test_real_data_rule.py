"""A real-data test may be skipped only where there is no real data, and the count is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.hygiene.tree import ROOT

STORY = """
import pytest

@pytest.mark.real_data
def test_reads(shared):
    assert shared.is_dir()

@pytest.mark.real_data
def test_gives_up(shared):
    pytest.skip("the file is not there")

@pytest.mark.night
def test_takes_hours():
    raise AssertionError
"""


def run_story(directory: Path) -> subprocess.CompletedProcess[str]:
    tests = directory / "tests"
    tests.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    shutil.copy(ROOT / "pyproject.toml", directory)
    (tests / "test_story.py").write_text(STORY, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "STOCKPULSE_NIGHT"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_with_the_recordings_a_skip_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    done = run_story(tmp_path / "repo")
    assert done.returncode == 1, done.stdout
    assert "real-data: 2 ran, 0 skipped" in done.stdout
    assert "1 failed, 1 passed, 1 deselected" in done.stdout
    assert "was skipped although" in done.stdout


def test_without_them_it_is_a_skip_that_is_counted(tmp_path: Path) -> None:
    done = run_story(tmp_path / "repo")
    assert done.returncode == 0, done.stdout
    assert "real-data: 0 ran, 2 skipped" in done.stdout
