"""Requests about batch jobs, for either client's `send`."""

from __future__ import annotations

from urllib.parse import quote as escape

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.call import Call, get, post
from stockpulse_engine.domain.jobs import JobLog, JobStarted, JobsView
from stockpulse_engine.wire.jobs import RunJob
from stockpulse_engine.wire.rest import RequestId


def jobs() -> Call[JobsView]:
    """Every job."""
    return get("/v1/jobs", JobsView)


def job_log(job: str, limit: int = 200) -> Call[JobLog]:
    """The last lines a job wrote."""
    return get(f"/v1/jobs/{escape(job, safe='')}/log", JobLog, limit=limit)


def run_job(job: str, *, is_again: bool = False, request_id: str = "") -> Call[JobStarted]:
    """Start what is due, or the newest run again."""
    body = RunJob(request_id=request_id or new_id("R"), is_again=is_again)
    return post(f"/v1/jobs/{escape(job, safe='')}/run", JobStarted, body, "admin")


def stop_job(job: str, request_id: str = "") -> Call[JobStarted]:
    """Ask a running job to stop."""
    body = RequestId(request_id=request_id or new_id("R"))
    return post(f"/v1/jobs/{escape(job, safe='')}/stop", JobStarted, body, "admin")
