"""The engine about itself: health, journal, metrics, description, backup, stop."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.views import HealthView, LogEntry, VerifyResult
from stockpulse_engine.wire.codec import MAX_INT
from stockpulse_engine.wire.rest import Accepted, BackupAnswer, RequestId

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@get("/v1/health")
@allow(Role.VIEWER)
async def get_health(request: EngineRequest) -> HealthView:
    """State of every part, and what the engine is doing while it starts."""
    return msgspec.structs.replace(request.services.system.health(), heads=request.app.state.hub.heads)


@get("/v1/log")
@allow(Role.VIEWER)
async def get_log(
    request: EngineRequest,
    after: Annotated[int | None, QueryParameter(ge=0, le=MAX_INT)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 200,
) -> list[LogEntry]:
    """Journal records in order: the newest `limit`, or with `after` the first `limit` after that sequence number."""
    return list(await request.services.trading.log(after_seq=after, limit=limit))


@get("/v1/log/verify")
@allow(Role.VIEWER)
async def verify_log(request: EngineRequest) -> VerifyResult:
    """Walk the whole hash chain against the external head."""
    return await request.services.trading.verify_log()


@get("/metrics", media_type=METRICS_TYPE)
@allow(Role.VIEWER)
async def get_metrics(request: EngineRequest) -> Response[bytes]:
    """Counters and gauges in Prometheus' text format."""
    return Response(request.app.state.metrics.render(), media_type=METRICS_TYPE)


@get("/openapi.json")
@allow(Role.VIEWER)
async def get_openapi(request: EngineRequest) -> dict[str, Any]:
    """This API, described."""
    described: dict[str, Any] = request.app.state.describe()
    return described


@post("/v1/backup", status_code=200)
@allow(Role.ADMIN, mutates=True)
async def make_backup(request: EngineRequest, data: JSONBody[RequestId]) -> BackupAnswer:
    """Write a consistent backup."""

    async def act() -> BackupAnswer:
        system = request.services.system
        file, size = await system.backup()
        health = system.health()
        return BackupAnswer(file=file, bytes=size, journal_seq=health.journal_seq, journal_digest=health.journal_digest)

    return await request.offer.replays.once("backup", data.request_id, data, act)


@post("/v1/engine/stop", status_code=202)
@allow(Role.ADMIN, mutates=True)
async def stop_engine(request: EngineRequest, data: JSONBody[RequestId]) -> Accepted:
    """Begin the ordered stop."""

    async def act() -> Accepted:
        await request.services.system.stop()
        return Accepted()

    return await request.offer.replays.once("stop", data.request_id, data, act)


HANDLERS = (get_health, get_log, verify_log, get_metrics, get_openapi, make_backup, stop_engine)
