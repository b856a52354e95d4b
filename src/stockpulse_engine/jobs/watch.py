"""Looking at jobs: from schedules and rows of runs to what a head shows. Pure but for the reading of the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.jobs import JobRun, JobSpan, JobsView, JobView
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.jobs.runner import Job, JobRunner, retry_at
from stockpulse_engine.jobs.runs import CANCELED, DIED, DONE, RUNNING, Run
from stockpulse_engine.jobs.schedule import DAY_NS, MINUTE_NS, Schedule
from stockpulse_engine.marketdata.calendar import Calendar

SHOWN: Final = 14
TIMED_NS: Final = 5 * MINUTE_NS
"""Something starts runs when one began within this time."""
JOINED_NS: Final = 5 * MINUTE_NS
"""Runs of one result closer than this are one stretch of a lane."""
HOUR_NS: Final = 60 * MINUTE_NS
MOST_IN_TWO_HOURS: Final = 4
"""What is due more often is drawn as a line."""


def look_at(runner: JobRunner, calendar: Calendar, now_ns: int) -> JobsView:
    """All jobs of a home now."""
    zone = ZoneInfo(calendar.zone_name)
    start, end = _day(now_ns, zone)
    session = calendar.session(dt.datetime.fromtimestamp(start // SECOND_NS, zone).date().isoformat())
    with runner.at_once():
        seen = [(job, runner.runs(job.name, limit=SHOWN + 1)) for job in runner.jobs]
        views = tuple(_view(runner, job, runs, (start, now_ns, end)) for job, runs in seen)
    newest = max((runs[0].started_ns for _, runs in seen if runs), default=0)
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


def _view(runner: JobRunner, job: Job, runs: Sequence[Run], day: tuple[int, int, int]) -> JobView:
    start, now, end = day
    running = next((run for run in runs if run.state == RUNNING), None)
    ended = [run for run in runs if run.state != RUNNING]
    due, missed = job.schedule.next(now), runner.missed(job)
    retry = retry_at(ended[0]) if ended and missed and ended[0].key in {one.key for one in missed} else 0
    today = runner.spans(job.name, start - DAY_NS // 2)
    is_often = len(job.schedule.between(now, now + 2 * HOUR_NS)) > MOST_IN_TWO_HOURS
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
        today=tuple(_spans([one for one in today if (one[1] or now) >= start], now, is_alive=running is not None)),
        due_today=() if is_often else tuple(one.at_ns for one in job.schedule.between(now, end)),
        missed_today=() if is_often else _missed_today(job.schedule, runner.first_due(job.name), today, (start, now)),
    )


def _missed_today(
    schedule: Schedule, first: int | None, today: Sequence[tuple[int, int, str, str]], day: tuple[int, int]
) -> tuple[int, ...]:
    """When a run was due today that nobody even tried; nothing before the job's first one."""
    start, now = day
    tried = {key for _, _, _, key in today}
    due = schedule.between(max(start, first or now) - 1, now)
    return tuple(one.at_ns for one in due if one.key not in tried)


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


def _spans(rows: Iterable[tuple[int, int, str, str]], now_ns: int, *, is_alive: bool) -> list[JobSpan]:
    """Oldest first; what lies close together with one result is one stretch. A run that works nowhere has died."""
    spans: list[JobSpan] = []
    for started, ended, told, _ in rows:
        state = DIED if told == RUNNING and not is_alive else told
        stop = now_ns if state == RUNNING else ended or started
        before = spans[-1] if spans else None
        if before is not None and before.state == state and started - before.end_ns < JOINED_NS:
            spans[-1] = JobSpan(before.start_ns, max(before.end_ns, stop), state)
        else:
            spans.append(JobSpan(started, stop, state))
    return spans


def _day(now_ns: int, zone: ZoneInfo) -> tuple[int, int]:
    """Midnight to midnight where the exchange is; 23 or 25 hours twice a year."""
    today = dt.datetime.fromtimestamp(now_ns // SECOND_NS, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    later = dt.datetime.fromtimestamp(today.timestamp() + DAY_NS // SECOND_NS + 7_200, zone)
    tomorrow = later.replace(hour=0, minute=0, second=0)
    return int(today.timestamp()) * SECOND_NS, int(tomorrow.timestamp()) * SECOND_NS
