"""`sp drill` on the real engine: faults are survived, a broken engine is found out, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.lock import acquire_lock, lock_holder
from stockpulse_engine.base.paths import ensure_private, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.bootstrap.drilled import read_account, sweep
from stockpulse_engine.bootstrap.drilling import DrillAsked, run_drill
from stockpulse_engine.settings import load_settings
from stockpulse_engine.wire.drill import (
    DrillBegan,
    DrillLine,
    DrillReport,
    EventTold,
    FaultBegan,
    FaultEnded,
    decode_line,
    end_line,
)
from tests.system.process import EngineProcess
from tests.system.test_engine_hardships import OPEN, buy

pytestmark = pytest.mark.timeout(300)
SP = (sys.executable, "-m", "stockpulse_engine.cli")
QUICK = ("reset", "bust", "sigkill")
WAIT_S = 60.0


class Running:
    """The command, and the home it made: the one in which it holds the venue's lock."""

    def __init__(self, home: Path, *more: str) -> None:
        self.child = subprocess.Popen([*SP, "--home", str(home), "drill", "--json", *more], stdout=subprocess.PIPE)
        assert self.child.stdout is not None
        self.lines: list[DrillLine] = [decode_line(self.child.stdout.readline())]
        self.home = next(path for path in Path("/tmp").glob("sp-drill-*") if self._is_mine(path))

    def _is_mine(self, home: Path) -> bool:
        holder = lock_holder(resolve_paths(home).venue("sim") / "venue.lock")
        return holder is not None and holder.pid == self.child.pid

    def end(self) -> int:
        """Read it to its end; its home is gone then. Returns the exit code."""
        assert self.child.stdout is not None
        self.lines += [decode_line(line) for line in self.child.stdout]
        self.child.stdout.close()
        code = self.child.wait(timeout=WAIT_S)
        assert not self.home.exists()
        return code


@pytest.mark.covers("F07", "O5", "L6")
def test_three_faults_are_survived_by_a_copy_of_an_account_that_is_only_read(home: Path) -> None:
    with EngineProcess(home, OPEN) as engine, engine.client() as client:
        buy(client, "AAPL.XNAS")
        assert wait_until(lambda: bool(client.positions()), WAIT_S)
        held, cash = client.positions()[0].quantity, client.account().cash
        before = client.health().journal_seq
        running = Running(home, "--seed", "5", *(word for name in QUICK for word in ("--fault", name)))
        code = running.end()
        assert client.health().journal_seq == before, "nothing was written into the person's journal"
    offline = read_account(resolve_paths(home), load_settings(resolve_paths(home), {}))
    assert (offline.copy.source, offline.copy.cash, offline.copy.positions) == (
        "the journal",
        cash,
        {"AAPL.XNAS": held},
    )
    began, *steps, report = running.lines
    assert isinstance(began, DrillBegan)
    assert isinstance(report, DrillReport)
    assert [one.name for one in began.faults] == list(QUICK)
    assert [step.number for step in steps if isinstance(step, FaultBegan)] == [4, 19, 22]
    assert any(isinstance(step, EventTold) and step.event.who == "fault" for step in steps)
    ended = [step.result for step in steps if isinstance(step, FaultEnded)]
    assert [(one.state, one.problems) for one in ended] == [("ok", ())] * 3
    assert all(row.verdict == "equal" for one in ended for row in one.rows)
    assert (code, report.is_good, report.duplicates, report.journal) == (0, True, 0, "ok")
    assert report.kill.tried >= 20
    assert report.kill.left == 0
    assert end_line(report).startswith("recovered 3/3 · duplicate orders 0 · worst gap ")
    written = msgspec.json.decode(Path(report.path).read_bytes(), type=DrillReport)
    assert written == report
    assert "## 22. SIGKILL: ok" in Path(report.path).with_suffix(".md").read_text()
    assert (report.account.cash, report.account.positions) == (cash, {"AAPL.XNAS": held})
    assert (report.account.source, report.account.left_out) == ("the running engine", ())
    row = next(row for row in report.results[0].rows if row.label == "AAPL.XNAS")
    assert (row.ours, row.verdict) == (f"{held:,f}", "equal")


@pytest.mark.covers("F07", "O5")
async def test_an_engine_that_sends_again_is_found_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    paths = resolve_paths(home)
    command = (sys.executable, "-m", "tests.fakes.resending_daemon", "--world", "sim")
    asked = DrillAsked(seed=2, faults=("reset",), command=command)
    report = await run_drill(paths, load_settings(paths, {}), asked, lambda _: None)
    assert not report.is_good
    assert report.duplicates >= 1
    assert any("was sent again" in words for words in report.complaints)


def test_an_interrupt_ends_it_and_leaves_no_process_and_no_directory(home: Path) -> None:
    running = Running(home)
    assert isinstance(running.lines[0], DrillBegan)
    engines = holders(running.home)
    assert engines
    running.child.send_signal(signal.SIGINT)
    assert running.end() == 130
    assert wait_until(lambda: not any(is_alive(pid) for pid in engines), WAIT_S)


def holders(home: Path) -> list[int]:
    """Processes that hold a lock of a home, but for ourselves."""
    found = [lock_holder(home / "state" / name) for name in ("engine.lock", "watchdog.lock")]
    return [one.pid for one in found if one is not None and one.pid != os.getpid()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split(")")[-1].split()[0] != "Z"


@pytest.mark.night
@pytest.mark.covers("S2", "S10", "O5", "L6")
def test_all_24_faults_are_survived(home: Path) -> None:
    running = Running(home, "--real-time")
    code, report = running.end(), running.lines[-1]
    assert isinstance(report, DrillReport)
    sys.stdout.write(f"night: {end_line(report)}\n")
    assert [(one.name, one.problems) for one in report.results if one.state == "failed"] == []
    assert (code, report.recovered, report.total) == (0, 24, 24)


def test_what_a_killed_drill_left_is_cleared_up_by_the_next_and_nothing_else(tmp_path: Path) -> None:
    made = {name: tmp_path / name for name in ("sp-drill-dead", "sp-drill-alive", "sp-drill-young", "other")}
    for home in made.values():
        home.mkdir()
    clock = ManualClock(made["sp-drill-dead"].stat().st_mtime_ns + 120_000_000_000)
    alive = ensure_private(resolve_paths(made["sp-drill-alive"]).venue("sim"))
    os.utime(made["sp-drill-young"], ns=(clock.now_ns(), clock.now_ns()))
    os.utime(made["sp-drill-alive"], ns=(1, 1))
    with acquire_lock(alive / "venue.lock", clock):
        sweep(clock, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"sp-drill-alive", "sp-drill-young", "other"}
