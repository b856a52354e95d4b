"""Jobs as the engine shows, starts and stops them: each works in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.bootstrap.jobsdesk import JobsDesk
from stockpulse_engine.domain.errors import ConflictError, NotFoundError
from tests.conftest import ROOT

WAIT_S = 60.0
HOLDS = """
import signal, sys
from pathlib import Path
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.jobs.runs import RunStore
RunStore(Path(sys.argv[1]), WallClock()).begin("prune", "held", 0)
print("begun", flush=True)
signal.pause()
"""


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def desk(paths: Paths) -> JobsDesk:
    return JobsDesk(paths, WallClock())


async def test_a_job_is_started_beside_the_engine_and_told_like_any_other(desk: JobsDesk, paths: Paths) -> None:
    started = await desk.run("report", is_again=False)
    assert started.pid
    runner = desk._runner()
    assert wait_until(lambda: any(run.state == "DONE" for run in runner.runs("report")), WAIT_S)
    view = await desk.view()
    report = next(one for one in view.jobs if one.name == "report")
    assert report.last is not None
    assert (report.state, report.last.state, report.results) == ("waits", "DONE", ("DONE",))
    assert [line.split(" ", 2)[2].partition(":")[0] for line in (await desk.log("report", 10)).lines] == [
        "begins",
        "done",
    ]
    assert wait_until(lambda: runner.holder("report") is None, WAIT_S)
    with pytest.raises(ConflictError, match="Nothing is due"):
        await desk.run("report", is_again=False)
    await desk.run("report", is_again=True)
    assert wait_until(lambda: runner.runs("report")[0].tries == 2, WAIT_S)


async def test_what_runs_is_not_started_twice_and_can_be_asked_to_stop(desk: JobsDesk, paths: Paths) -> None:
    command = [sys.executable, "-c", HOLDS, str(paths.state / "jobs")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "begun\n"
        with pytest.raises(ConflictError, match=str(holder.pid)):
            await desk.run("prune", is_again=True)
        assert (await desk.stop("prune")).pid == holder.pid
        assert holder.wait(WAIT_S) == -signal.SIGTERM
    with pytest.raises(ConflictError, match="does not run"):
        await desk.stop("prune")


async def test_a_wrong_name_is_told_with_the_right_ones(desk: JobsDesk) -> None:
    for asked in (desk.run("x", is_again=True), desk.stop("x"), desk.log("x", 5)):
        with pytest.raises(NotFoundError, match="eod"):
            await asked
