"""A home is backed up, trades on, and is lost: what comes back is what was there at the last tail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stockpulse_engine.base.wait import wait_until
from tests.system.process import EngineProcess
from tests.system.shell import Shell

SOME_DAY = ("--at", "2026-03-04 11:00")


@contextmanager
def engine_of(home: Path) -> Iterator[EngineProcess]:
    """An engine process that may be started later."""
    with ExitStack() as stack:
        engine = EngineProcess(home, SOME_DAY)
        stack.push(engine)
        yield engine


def orders(sp: Shell) -> dict[str, str]:
    return {one["client_order_id"]: one["status"] for one in sp("orders", "--json").data}


def test_what_was_traded_after_the_full_copy_comes_back_from_the_tail(sandbox: Path) -> None:
    backups = sandbox / "tailb"
    with engine_of(sandbox / "taila") as engine:
        settings = engine.paths.config_file
        settings.parent.mkdir(parents=True)
        settings.write_text(f'[backup]\ndirectory = "{backups}"\n')
        engine.start().close()
        sp = Shell(engine.home)
        assert sp("buy", "AAPL", "10", "--yes", "--id", "BEFORE").code == 0
        assert sp("jobs", "run", "backup").code == 0
        assert sp("buy", "AAPL", "7", "--yes", "--id", "AFTER").code == 0
        assert sp("buy", "KO", "5", "lmt", "bid-2", "--yes", "--id", "RESTS").code == 0
        assert wait_until(lambda: orders(sp).get("AFTER") == "FILLED" and orders(sp).get("RESTS") == "ACCEPTED", 20.0)
        assert sp("jobs", "run", "tail", "--key", "up").code == 0, "while the engine works"
        before = orders(sp)
        engine.kill_both()
        assert sp("jobs", "run", "tail", "--key", "down").code == 0, "and while it does not"
        assert sp("backup", "verify").code == 0
    shutil.rmtree(sandbox / "taila")
    with engine_of(sandbox / "tailc") as copy:
        there = Shell(copy.home)
        assert there("restore", str(backups)).code == 0
        assert there("log", "verify").code == 0
        assert orders(there) == before
        assert there("positions", "--json").data[0]["quantity"] == "17"
        assert there("account", "--json").data["differences"] == []
