"""`sp drill` on the real engine: faults are survived, a broken engine is found out, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.base.wait import wait_until
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

pytestmark = pytest.mark.timeout(300)
SP = (sys.executable, "-m", "stockpulse_engine.cli")
QUICK = ("reset", "bust", "sigkill")
WAIT_S = 60.0


def drill_homes() -> set[str]:
    return {path.name for path in Path("/tmp").glob("sp-drill-*")}


def drill(home: Path, *more: str) -> tuple[list[DrillLine], int]:
    """Run the command; its lines and its exit code."""
    before = drill_homes()
    done = subprocess.run(
        [*SP, "--home", str(home), "drill", "--json", *more], capture_output=True, timeout=280, check=False
    )
    assert done.stderr == b"", done.stderr.decode()
    assert drill_homes() <= before, "its home is gone"
    return [decode_line(line) for line in done.stdout.splitlines()], done.returncode


@pytest.mark.covers("F07", "O5", "L6")
def test_three_faults_are_survived_and_reported(home: Path) -> None:
    lines, code = drill(home, "--seed", "5", *(word for name in QUICK for word in ("--fault", name)))
    began, *steps, report = lines
    assert isinstance(began, DrillBegan)
    assert isinstance(report, DrillReport)
    assert [one.name for one in began.faults] == list(QUICK)
    assert [step.number for step in steps if isinstance(step, FaultBegan)] == [4, 19, 22]
    assert any(isinstance(step, EventTold) and step.event.who == "fault" for step in steps)
    ended = [step.result for step in steps if isinstance(step, FaultEnded)]
    assert [(one.state, one.problems) for one in ended] == [("ok", ())] * 3
    assert all(row.verdict == "equal" for one in ended for row in one.rows)
    assert (code, report.is_good, report.duplicates, report.journal) == (0, True, 0, "ok")
    assert report.kill.tried >= 10
    assert report.kill.left == 0
    assert end_line(report).startswith("recovered 3/3 · duplicate orders 0 · worst gap ")
    written = msgspec.json.decode(Path(report.path).read_bytes(), type=DrillReport)
    assert written == report
    assert "## 22. SIGKILL: ok" in Path(report.path).with_suffix(".md").read_text()
    assert sorted(path.name for path in (home / "state").iterdir()) == ["drills"], "the home itself is only read"


@pytest.mark.covers("F07", "O5")
async def test_an_engine_that_sends_again_is_found_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    paths = resolve_paths(home)
    command = (sys.executable, "-m", "tests.fakes.resending_daemon", "--world", "sim")
    asked = DrillAsked(seed=2, faults=("reset",), settle_s=3.0, command=command)
    report = await run_drill(paths, load_settings(paths, {}), asked, lambda _: None)
    assert not report.is_good
    assert report.duplicates >= 1
    assert report.results[0].state == "failed"
    assert any("was sent 2 times" in words for words in report.results[0].problems)
    assert any("was sent again" in words for words in report.complaints)


def test_an_interrupt_ends_it_and_leaves_no_process_and_no_directory(home: Path) -> None:
    before = drill_homes()
    running = subprocess.Popen([*SP, "--home", str(home), "drill", "--json"], stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert isinstance(decode_line(running.stdout.readline()), DrillBegan)
    (mine,) = drill_homes() - before
    engines = holders(Path("/tmp") / mine)
    assert engines
    running.send_signal(signal.SIGINT)
    running.stdout.read()
    assert running.wait(timeout=WAIT_S) == 130
    running.stdout.close()
    assert drill_homes() <= before
    assert wait_until(lambda: not any(is_alive(pid) for pid in engines), WAIT_S)


def holders(home: Path) -> list[int]:
    """Processes that hold a lock of a home, but for ourselves."""
    from stockpulse_engine.base.lock import lock_holder

    found = [lock_holder(home / "state" / name) for name in ("engine.lock", "watchdog.lock")]
    return [one.pid for one in found if one is not None and one.pid != os.getpid()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split(")")[-1].split()[0] != "Z"


def test_a_name_that_is_no_fault_is_refused_and_the_list_names_them(home: Path) -> None:
    refused = subprocess.run(
        [*SP, "--home", str(home), "drill", "--fault", "flood"], capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 2
    assert "sp drill --list" in refused.stderr
    listed = subprocess.run([*SP, "drill", "--list", "--json"], capture_output=True, timeout=60, check=False)
    assert len(msgspec.json.decode(listed.stdout)) == 24


@pytest.mark.night
@pytest.mark.covers("S2", "S10", "O5", "L6")
def test_all_24_faults_are_survived(home: Path) -> None:
    lines, code = drill(home, "--real-time")
    report = lines[-1]
    assert isinstance(report, DrillReport)
    assert [(one.name, one.problems) for one in report.results if one.state == "failed"] == []
    assert (code, report.recovered, report.total) == (0, 24, 24)


def test_the_account_of_a_running_engine_is_copied_and_only_read(home: Path) -> None:
    from tests.system.process import EngineProcess
    from tests.system.test_engine_hardships import OPEN, buy

    with EngineProcess(home, OPEN) as engine, engine.client() as client:
        buy(client, "AAPL.XNAS")
        assert wait_until(lambda: bool(client.positions()), WAIT_S)
        held, cash = client.positions()[0].quantity, client.account().cash
        before = client.health().journal_seq
        paths = resolve_paths(home)
        asked = DrillAsked(faults=("reject",))
        report = asyncio.run(run_drill(paths, load_settings(paths, {}), asked, lambda _: None))
        assert (report.account.cash, report.account.positions) == (cash, {"AAPL.XNAS": held})
        assert report.account.source == "the running engine"
        assert report.account.left_out == ()
        row = next(row for row in report.results[0].rows if row.label == "AAPL.XNAS")
        assert (row.ours, row.verdict) == (f"{held:,f}", "equal")
        assert client.health().journal_seq == before, "nothing was written into the person's journal"
