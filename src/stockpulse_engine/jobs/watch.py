"""Looking at jobs: from schedules and rows of runs to what a head shows. Pure but for the reading of the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.jobs import JobRun, JobSpan, JobsView, JobView
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.jobs.runner import Job, JobRunner, retry_at
from stockpulse_engine.jobs.runs import CANCELED, DONE, RUNNING, Run
from stockpulse_engine.jobs.schedule import DAY_NS, MINUTE_NS, Schedule
from stockpulse_engine.marketdata.calendar import Calendar

SHOWN: Final = 14
TIMED_NS: Final = 5 * MINUTE_NS
"""Something starts runs when one began within this time."""
JOINED_NS: Final = 5 * MINUTE_NS
"""Runs of one result closer than this are one stretch of a lane."""
MAX_DUE_TODAY: Final = 48
MAX_RUNS: Final = 2_000


def look_at(runner: JobRunner, calendar: Calendar, now_ns: int) -> JobsView:
    """All jobs of a home now."""
    zone = ZoneInfo(calendar.zone_name)
    start, end = _day(now_ns, zone)
    session = calendar.session(dt.datetime.fromtimestamp(start // SECOND_NS, zone).date().isoformat())
    views = tuple(_view(runner, job, (start, now_ns, end)) for job in runner.jobs)
    newest = max((run.started_ns for job in runner.jobs for run in runner.runs(job.name, limit=1)), default=0)
    return JobsView(
        now_ns=now_ns,
        zone=calendar.zone_name,
        day_start_ns=start,
        day_end_ns=end,
        open_ns=session.open if session else 0,
        close_ns=session.close if session else 0,
        is_timed=now_ns - newest < TIMED_NS,
        jobs=views,
    )


def _view(runner: JobRunner, job: Job, day: tuple[int, int, int]) -> JobView:
    start, now, end = day
    runs = runner.runs(job.name, limit=MAX_RUNS)
    running = next((run for run in runs if run.state == RUNNING), None)
    ended = [run for run in runs if run.state != RUNNING]
    due, missed = job.schedule.next(now), runner.missed(job)
    retry = retry_at(ended[0]) if ended and missed and ended[0].key in {one.key for one in missed} else 0
    return JobView(
        name=job.name,
        about=job.about,
        unit=job.unit,
        when=job.schedule.words(),
        state=_state(running, ended, retry, len(missed)),
        next_key=due.key,
        next_ns=due.at_ns,
        missed=len(missed),
        retry_ns=max(0, retry),
        done=running.done_parts if running else 0,
        total=running.parts if running else 0,
        doing=running.detail if running else "",
        last=_run(ended[0]) if ended else None,
        usual_ns=_usual(ended),
        results=tuple(run.state for run in reversed(ended[:SHOWN])),
        today=tuple(_spans((run for run in reversed(runs) if (run.ended_ns or now) >= start), now)),
        due_today=_due(job.schedule, now, end),
    )


def _state(running: Run | None, ended: Sequence[Run], retry: int, missed: int) -> str:
    if running is not None:
        return "running"
    if retry > 0:
        return "retry"
    if missed and ended and ended[0].state == CANCELED:
        return "canceled"
    return "late" if missed and ended else "waits"


def _usual(ended: Sequence[Run]) -> int:
    took = [run.took_ns for run in ended if run.state == DONE][:SHOWN]
    return int(median(took)) if took else 0


def _run(run: Run) -> JobRun:
    return JobRun(
        key=run.key,
        state=run.state,
        started_ns=run.started_ns,
        ended_ns=run.ended_ns or run.started_ns,
        wrote=run.wrote,
        detail=run.detail,
        fix=run.fix,
        tries=run.tries,
    )


def _spans(runs: Iterable[Run], now_ns: int) -> Iterable[JobSpan]:
    """Oldest first; what lies close together with one result is one stretch."""
    spans: list[JobSpan] = []
    for state, group in groupby(runs, key=lambda run: run.state):
        for run in group:
            stop = now_ns if run.state == RUNNING else run.ended_ns or run.started_ns
            before = spans[-1] if spans else None
            if before is not None and before.state == state and run.started_ns - before.end_ns < JOINED_NS:
                spans[-1] = JobSpan(before.start_ns, max(before.end_ns, stop), state)
            else:
                spans.append(JobSpan(run.started_ns, stop, state))
    return spans


def _due(schedule: Schedule, now_ns: int, end_ns: int) -> tuple[int, ...]:
    found = schedule.between(now_ns, end_ns)
    return tuple(one.at_ns for one in found) if len(found) <= MAX_DUE_TODAY else ()


def _day(now_ns: int, zone: ZoneInfo) -> tuple[int, int]:
    """Midnight to midnight where the exchange is; 23 or 25 hours twice a year."""
    today = dt.datetime.fromtimestamp(now_ns // SECOND_NS, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    later = dt.datetime.fromtimestamp(today.timestamp() + DAY_NS // SECOND_NS + 7_200, zone)
    tomorrow = later.replace(hour=0, minute=0, second=0)
    return int(today.timestamp()) * SECOND_NS, int(tomorrow.timestamp()) * SECOND_NS
