"""What a head is shown of jobs: states, what is usual, stretches of today, and that a table of before is read."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.jobs.runner import Job, JobContext, JobRunner, Outcome
from stockpulse_engine.jobs.runs import RunStore
from stockpulse_engine.jobs.schedule import AfterClose, CatchUp, Every
from stockpulse_engine.jobs.watch import look_at
from stockpulse_engine.marketdata.calendar import load_calendar

CALENDAR = load_calendar("XNYS")
MINUTE, HOUR = 60_000_000_000, 3_600_000_000_000
HALF_DAY = CALENDAR.session("2026-11-27")


class Home:
    """Two jobs and a clock; what they do is set from outside."""

    def __init__(self, tmp_path: Path, now_ns: int) -> None:
        self.clock = ManualClock(now_ns)
        self.takes_ns, self.fails, self.seen = 0, "", ""
        jobs = [
            Job(name=name, about="", unit="rows", schedule=schedule, catch_up=CatchUp.LATEST, work=self.work)
            for name, schedule in (("hourly", Every(60)), ("minutely", Every(1)), ("eod", AfterClose(CALENDAR, 30)))
        ]
        self.runner = JobRunner(jobs, RunStore(tmp_path / "jobs", self.clock), tmp_path / "logs", self.clock)

    def work(self, context: JobContext) -> Outcome:
        context.progress(16, 25, "history")
        self.seen = next(one.state for one in look_at(self.runner, CALENDAR, self.clock.now_ns()).jobs)
        self.clock.advance(self.takes_ns)
        if self.fails:
            raise UnavailableError(self.fails, fix="Do something.")
        return Outcome(7, "7 rows")


def test_a_day_is_the_exchanges_and_a_half_day_is_one(tmp_path: Path) -> None:
    assert HALF_DAY is not None
    home = Home(tmp_path, HALF_DAY.open)
    view = look_at(home.runner, CALENDAR, home.clock.now_ns())
    assert (view.day_end_ns - view.day_start_ns, HALF_DAY.open - view.day_start_ns) == (
        24 * HOUR,
        9 * HOUR + 30 * MINUTE,
    )
    assert (view.open_ns, view.close_ns) == (HALF_DAY.open, HALF_DAY.close)
    hourly, minutely, eod = view.jobs
    assert eod.due_today == (HALF_DAY.open + 4 * HOUR,), "half an hour after one o'clock"
    assert (len(hourly.due_today), minutely.due_today) == (15, ())
    assert not view.is_timed
    sunday = look_at(home.runner, CALENDAR, HALF_DAY.open + 48 * HOUR)
    assert (sunday.open_ns, sunday.jobs[2].due_today) == (0, ())


@pytest.mark.covers("F40")
def test_a_day_of_the_change_to_summer_time_has_23_hours(tmp_path: Path) -> None:
    session = CALENDAR.session("2026-03-09")
    assert session is not None
    view = look_at(Home(tmp_path, session.open).runner, CALENDAR, session.open - 24 * HOUR)
    assert view.day_end_ns - view.day_start_ns == 23 * HOUR


def test_states_follow_what_happens_and_what_is_usual_is_the_middle(tmp_path: Path) -> None:
    assert HALF_DAY is not None
    home = Home(tmp_path, HALF_DAY.open)
    for seconds in (10, 1000, 12, 14):
        home.takes_ns = seconds * 1_000_000_000
        home.runner.run_missed("hourly")
        home.clock.advance(HOUR)
    job = look_at(home.runner, CALENDAR, home.clock.now_ns()).jobs[0]
    assert home.seen == "running"
    assert (job.state, job.missed, job.usual_ns, job.results) == ("late", 1, 13_000_000_000, ("DONE",) * 4)
    assert len(job.today) == 4
    home.fails = "The disk is full."
    home.runner.run_missed("hourly")
    job = look_at(home.runner, CALENDAR, home.clock.now_ns()).jobs[0]
    assert job.last is not None
    assert (job.state, job.last.fix, job.retry_ns - home.clock.now_ns()) == ("retry", "Do something.", 2 * MINUTE)
    assert job.results[-1] == "FAILED"
    assert look_at(home.runner, CALENDAR, home.clock.now_ns()).is_timed
    home.clock.advance(3 * HOUR)
    job = look_at(home.runner, CALENDAR, home.clock.now_ns()).jobs[0]
    assert [(at - HALF_DAY.open) // HOUR for at in job.missed_today] == [4, 5, 6], "hours that nobody tried"


def test_runs_of_every_minute_are_one_stretch_until_one_is_missing(tmp_path: Path) -> None:
    assert HALF_DAY is not None
    home = Home(tmp_path, HALF_DAY.open)
    for minute in range(14):
        if minute not in range(3, 10):
            home.runner.run_missed("minutely")
        home.clock.advance(MINUTE)
    stretches = look_at(home.runner, CALENDAR, home.clock.now_ns()).jobs[1].today
    assert [(one.start_ns - HALF_DAY.open) // MINUTE for one in stretches] == [0, 10]


def test_a_table_of_the_version_before_is_read_and_kept(tmp_path: Path) -> None:
    home = Home(tmp_path, 1_795_188_727_000_000_000)
    home.runner.run_missed("hourly")
    database = apsw.Connection(str(tmp_path / "jobs" / "runs.db"))
    for column in ("done_parts", "parts"):
        database.execute(f"ALTER TABLE runs DROP COLUMN {column}")
    database.close()
    (run,) = home.runner.runs("hourly")
    assert (run.detail, run.parts) == ("7 rows", 0)
