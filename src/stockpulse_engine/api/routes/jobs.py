"""Batch jobs: how they stand, what they wrote, starting and stopping one."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.jobs import JobLog, JobStarted, JobsView
from stockpulse_engine.wire.jobs import RunJob
from stockpulse_engine.wire.rest import RequestId

MAX_LINES = 2_000


@get("/v1/jobs")
@allow(Role.VIEWER)
async def get_jobs(request: EngineRequest) -> JobsView:
    """Every job: when it is due, what it does or did, what is missed, and today as stretches of time."""
    return await request.services.jobs.view()


@get("/v1/jobs/{job:str}/log")
@allow(Role.VIEWER)
async def get_job_log(
    request: EngineRequest, job: FromPath[str], limit: Annotated[int, QueryParameter(ge=1, le=MAX_LINES)] = 200
) -> JobLog:
    """The last lines a job wrote."""
    return await request.services.jobs.log(job, limit)


@post("/v1/jobs/{job:str}/run", status_code=202)
@allow(Role.ADMIN, mutates=True)
async def run_job(request: EngineRequest, job: FromPath[str], data: JSONBody[RunJob]) -> JobStarted:
    """Start what is due of a job in a process of its own, missed runs first; or its newest run again."""

    async def act() -> JobStarted:
        return await request.services.jobs.run(job, is_again=data.is_again)

    return await request.offer.replays.once(f"job run {job}", data.request_id, data, act)


@post("/v1/jobs/{job:str}/stop", status_code=202)
@allow(Role.ADMIN, mutates=True)
async def stop_job(request: EngineRequest, job: FromPath[str], data: JSONBody[RequestId]) -> JobStarted:
    """Ask a running job to stop at its next safe place."""

    async def act() -> JobStarted:
        return await request.services.jobs.stop(job)

    return await request.offer.replays.once(f"job stop {job}", data.request_id, data, act)


HANDLERS = (get_jobs, get_job_log, run_job, stop_job)
