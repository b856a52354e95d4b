"""Recorded sessions: which there are, beginning and ending one."""

from __future__ import annotations

from litestar import get, post
from litestar.params import JSONBody

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.recordings import RecordingsView, RecordingView
from stockpulse_engine.wire.recordings import StartRecording
from stockpulse_engine.wire.rest import RequestId


@get("/v1/recordings")
@allow(Role.VIEWER)
async def get_recordings(request: EngineRequest) -> RecordingsView:
    """Every recorded session of this home, and which is being made."""
    return await request.services.recordings.view()


@post("/v1/recordings/start", status_code=200)
@allow(Role.TRADER, mutates=True)
async def start_recording(request: EngineRequest, data: JSONBody[StartRecording]) -> RecordingView:
    """Write down every event of the market from now on, to be played again."""

    async def act() -> RecordingView:
        return await request.services.recordings.start(data.name)

    return await request.offer.replays.once("record start", data.request_id, data, act)


@post("/v1/recordings/stop", status_code=200)
@allow(Role.TRADER, mutates=True)
async def stop_recording(request: EngineRequest, data: JSONBody[RequestId]) -> RecordingView:
    """End the recording that is being made."""

    async def act() -> RecordingView:
        return await request.services.recordings.stop()

    return await request.offer.replays.once("record stop", data.request_id, data, act)


HANDLERS = (get_recordings, start_recording, stop_recording)
