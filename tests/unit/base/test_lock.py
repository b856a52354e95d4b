"""One engine per home, and the second learns who the first is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.lock import LockHeldError, acquire_lock, lock_holder

SINCE = 1_700_000_000_000_000_000


def test_the_second_is_told_who_holds_it_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "state" / "engine.lock"
    with acquire_lock(path, ManualClock(SINCE)), pytest.raises(LockHeldError) as refused:
        acquire_lock(path, ManualClock())
    assert refused.value.holder.pid == os.getpid()
    assert refused.value.holder.since_ns == SINCE
    assert str(os.getpid()) in str(refused.value)
    assert "2023-11-14 22:13:20 UTC" in str(refused.value)


def test_a_released_lock_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    lock = acquire_lock(path, ManualClock())
    assert lock_holder(path) is not None
    lock.release()
    lock.release()
    assert lock_holder(path) is None
    acquire_lock(path, ManualClock()).release()


def test_no_file_means_no_holder(tmp_path: Path) -> None:
    assert lock_holder(tmp_path / "engine.lock") is None


@pytest.mark.covers("F18")
def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    script = (
        "import os, sys; from pathlib import Path;"
        "from stockpulse_engine.base.clock import WallClock; from stockpulse_engine.base.lock import acquire_lock;"
        "acquire_lock(Path(sys.argv[1]), WallClock()); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script.replace("acquire_lock(Path", "lock = acquire_lock(Path"), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        holder = lock_holder(path)
        assert holder is not None
        assert holder.pid == other.pid
        other.kill()
        other.wait()
        acquire_lock(path, ManualClock()).release()


def test_an_unreadable_record_still_refuses(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    with acquire_lock(path, ManualClock()):
        path.write_bytes(b"rubbish")
        with pytest.raises(LockHeldError) as refused:
            acquire_lock(path, ManualClock())
    assert refused.value.holder.pid == 0
