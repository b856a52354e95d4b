"""Requests about recorded sessions, for either client's `send`."""

from __future__ import annotations

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.call import Call, get, post
from stockpulse_engine.domain.recordings import RecordingsView, RecordingView
from stockpulse_engine.wire.recordings import StartRecording
from stockpulse_engine.wire.rest import RequestId


def recordings() -> Call[RecordingsView]:
    """Every recorded session."""
    return get("/v1/recordings", RecordingsView)


def start_recording(name: str, request_id: str = "") -> Call[RecordingView]:
    """Begin to record."""
    return post("/v1/recordings/start", RecordingView, StartRecording(request_id=request_id or new_id("R"), name=name))


def stop_recording(request_id: str = "") -> Call[RecordingView]:
    """End the recording."""
    return post("/v1/recordings/stop", RecordingView, RequestId(request_id=request_id or new_id("R")))
