"""A run has one effect: done once, held by one process at a time, tried again only after it failed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock, WallClock
from stockpulse_engine.domain.errors import ConflictError, NotFoundError, UnavailableError
from stockpulse_engine.jobs.runner import Job, JobContext, JobRunner, Outcome
from stockpulse_engine.jobs.runs import CANCELED, DIED, DONE, FAILED, AlreadyDoneError, RunStore
from stockpulse_engine.jobs.schedule import CatchUp, Due, Every

HOUR = 3_600_000_000_000


def make(tmp_path: Path, work: Callable[[JobContext], Outcome], clock: ManualClock | None = None) -> JobRunner:
    job = Job(name="count", about="Counts.", unit="rows", schedule=Every(60), catch_up=CatchUp.LATEST, work=work)
    own = clock or ManualClock()
    return JobRunner([job], RunStore(tmp_path / "jobs", own), tmp_path / "logs", own)


def test_what_is_due_is_done_once(tmp_path: Path) -> None:
    seen: list[str] = []

    def work(context: JobContext) -> Outcome:
        seen.append(context.key)
        return Outcome(7, "counted 7")

    clock = ManualClock()
    runner = make(tmp_path, work, clock)
    (run,) = runner.run_missed("count")
    assert (run.state, run.wrote, run.detail, run.exit_code) == (DONE, 7, "counted 7", 0)
    assert runner.run_missed("count") == ()
    clock.advance(HOUR)
    assert len(runner.run_missed("count")) == 1
    assert len(set(seen)) == len(seen) == 2
    assert runner.log_file("count").read_text().count("done: counted 7") == 2


def test_a_new_home_has_missed_nothing_and_a_used_one_what_came_since(tmp_path: Path) -> None:
    clock = ManualClock()
    job = Job(
        name="each",
        about="",
        unit="rows",
        schedule=Every(60),
        catch_up=CatchUp.EACH,
        work=lambda _: Outcome(0, ""),
    )
    runner = JobRunner([job], RunStore(tmp_path / "jobs", clock), tmp_path / "logs", clock)
    assert len(runner.missed(job)) == 1
    runner.run_missed("each")
    clock.advance(3 * HOUR)
    assert len(runner.missed(job)) == 3
    assert len(runner.run_missed("each")) == 3


def test_a_run_that_is_done_is_done_again_only_when_asked(tmp_path: Path) -> None:
    runner = make(tmp_path, lambda _: Outcome(1, ""))
    runner.run_key("count", "x")
    with pytest.raises(AlreadyDoneError):
        runner.run_key("count", "x")
    assert runner.run_key("count", "x", again=True).tries == 2


def test_a_failure_is_told_with_its_cure_and_tried_again(tmp_path: Path) -> None:
    results = [UnavailableError("The disk is full.", fix="Make room.")]

    def work(context: JobContext) -> Outcome:
        if results:
            raise results.pop()
        return Outcome(1, "worked")

    runner = make(tmp_path, work)
    failed = runner.run_missed("count")[0]
    assert (failed.state, failed.detail, failed.fix, failed.exit_code) == (FAILED, "The disk is full.", "Make room.", 1)
    again = runner.run_missed("count")[0]
    assert (again.state, again.tries) == (DONE, 2)


def test_a_job_stops_where_it_asks(tmp_path: Path) -> None:
    def work(context: JobContext) -> Outcome:
        context.cancel()
        context.progress(1, 2)
        raise AssertionError("it went on")

    run = make(tmp_path, work).run_missed("count")[0]
    assert (run.state, run.exit_code) == (CANCELED, 130)
    assert "sp jobs run count" in run.fix


def test_an_unknown_job_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        make(tmp_path, lambda _: Outcome(0, "")).run_missed("cuont")
    assert "count" in caught.value.fix


def test_while_one_process_works_another_is_told_so(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "jobs", ManualClock())
    run, lock = store.begin("count", "x", 0)
    with pytest.raises(ConflictError, match="runs in process"):
        store.begin("count", "x", 0)
    store.end(run, lock, state=DONE, wrote=0, detail="", fix="", exit_code=0)
    with pytest.raises(AlreadyDoneError):
        store.begin("count", "x", 0)


THREE = textwrap.dedent("""
    import sys
    from pathlib import Path
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.domain.errors import ConflictError
    from stockpulse_engine.jobs.runner import Job, JobRunner, Outcome
    from stockpulse_engine.jobs.runs import AlreadyDoneError, RunStore
    from stockpulse_engine.jobs.schedule import CatchUp, Every

    root = Path(sys.argv[1])

    def work(context):
        with (root / "effect").open("a") as out:
            out.write(context.key + "\\n")
        return Outcome(1, "")

    clock = WallClock()
    job = Job(name="count", about="", unit="rows", schedule=Every(1440), catch_up=CatchUp.LATEST, work=work)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        JobRunner([job], RunStore(root / "jobs", clock), root / "logs", clock).run_key("count", "one")
    except (AlreadyDoneError, ConflictError):
        pass
""")


@pytest.mark.covers("F19")
def test_three_processes_at_once_have_one_effect(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", THREE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.communicate("go\n")
        assert process.returncode == 0
    assert (tmp_path / "effect").read_text() == "one\n"


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.jobs.runs import RunStore

    RunStore(Path(sys.argv[1]), WallClock()).begin("count", "x", 0)
    os.kill(os.getpid(), signal.SIGKILL)
""")


def test_a_run_whose_process_was_killed_has_died_and_may_be_tried_again(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "jobs")], check=False)
    assert done.returncode < 0
    store = RunStore(tmp_path / "jobs", WallClock())
    (run,) = store.runs("count")
    assert run.state == DIED
    assert "sp jobs run count" in run.fix
    again, lock = store.begin("count", "x", 0)
    assert again.tries == 2
    store.end(again, lock, state=DONE, wrote=0, detail="", fix="", exit_code=0)
    assert store.runs("count")[0].state == DONE


def test_due_keys_become_the_runs_keys(tmp_path: Path) -> None:
    run = make(tmp_path, lambda _: Outcome(0, "")).run("count", Due("2013-10-07", 5))
    assert (run.key, run.due_ns) == ("2013-10-07", 5)


def test_a_timer_tries_later_each_time_and_never_what_a_person_canceled(tmp_path: Path) -> None:
    clock = ManualClock()
    tries: list[int] = []

    def work(context: JobContext) -> Outcome:
        tries.append(clock.now_ns())
        if len(tries) == 4:
            context.cancel()
        context.check()
        raise UnavailableError("The disk is full.")

    runner = make(tmp_path, work, clock)
    for _ in range(40):
        runner.run_missed("count", is_patient=True)
        clock.advance(60_000_000_000)
    assert [at - tries[0] for at in tries] == [minutes * 60_000_000_000 for minutes in (0, 2, 6, 14)]
    assert runner.run_missed("count")[0].state == FAILED, "a person who asks is not made to wait"
