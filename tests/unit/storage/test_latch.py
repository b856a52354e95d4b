"""The halt latch: a file anyone may set, and in doubt it is set."""

from __future__ import annotations

import shutil
from pathlib import Path

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.storage.latch import FileLatch


def test_it_stays_set_until_cleared(home: Path) -> None:
    latch = FileLatch(home / "halt" / "HALTED", ManualClock())
    assert not latch.is_set()
    latch.set("the market is mad", "tui")
    assert FileLatch(home / "halt" / "HALTED", ManualClock()).is_set()
    assert latch.note() == "the market is mad (tui)"
    latch.set("again", "cli")
    assert latch.note() == "the market is mad (tui)"
    latch.clear()
    latch.clear()
    assert not latch.is_set()


def test_touching_the_file_is_enough(home: Path) -> None:
    latch = FileLatch(home / "halt" / "HALTED", ManualClock())
    (home / "halt" / "HALTED").touch()
    assert latch.is_set()
    assert latch.note() == ""


def test_a_dangling_link_counts_as_set(home: Path) -> None:
    latch = FileLatch(home / "halt" / "HALTED", ManualClock())
    (home / "halt" / "HALTED").symlink_to("/nowhere/at/all")
    assert latch.is_set()


def test_a_directory_that_is_gone_counts_as_set(home: Path) -> None:
    latch = FileLatch(home / "halt" / "HALTED", ManualClock())
    shutil.rmtree(home / "halt")
    assert latch.is_set()
