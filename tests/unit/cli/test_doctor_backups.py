"""`sp doctor` on backups: none, an old one, a new one."""

from __future__ import annotations

import os
from pathlib import Path

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.cli.doctor import OLD_BACKUP_NS, examine
from stockpulse_engine.storage.backup import write_backup


def told(home: Path) -> tuple[str, str]:
    (found,) = [one for one in examine(resolve_paths(home)) if one.name == "backups"]
    return found.verdict, found.fix


def test_a_home_that_nobody_backs_up_is_worth_a_look(home: Path) -> None:
    paths = resolve_paths(home)
    assert told(home) == ("ok", "")
    paths.world("sim").mkdir(parents=True)
    paths.journal("sim").touch()
    assert told(home)[0] == "!"
    assert "sp jobs install" in told(home)[1]
    (paths.data / "backups").mkdir(parents=True)
    file, _ = write_backup(paths, paths.data / "backups", WallClock())
    assert told(home) == ("ok", "")
    old = (WallClock().now_ns() - 2 * OLD_BACKUP_NS) // 1_000_000_000
    os.utime(file, (old, old))
    assert told(home)[0] == "!"
