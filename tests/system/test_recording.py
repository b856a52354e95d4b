"""A session of the real venue is recorded, its recorder is killed, and what was told is played again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client import recordings
from stockpulse_engine.venue.recording.tape import list_recordings
from tests.system.process import EngineProcess

WAIT_S = 90.0


@pytest.mark.timeout(400)
def test_a_recording_whose_venue_was_killed_plays_what_was_told(home: Path) -> None:
    engine = EngineProcess(home)
    try:
        with engine.start() as client:
            begun = client.send(recordings.start_recording("morning"))
            assert begun.state == "recording"

            def has_events() -> bool:
                (one,) = client.send(recordings.recordings()).recordings
                return one.events > 200 and one.state == "recording"

            assert wait_until(has_events, WAIT_S)
            (before,) = client.send(recordings.recordings()).recordings
            engine.kill_both()
        (found,) = list_recordings(engine.paths.recordings)
        assert found.state == "cut"
        assert found.events >= before.events, "what the venue had told is there"
        listed = json.loads(engine.sp("record", "list", "--json").stdout)
        assert [(one["name"], one["events"]) for one in listed] == [("morning", found.events)]
        engine.arguments = ("--world", "replay:morning")
        with engine.start() as client:
            assert client.clock().market_ns >= found.first_ns
            assert wait_until(lambda: bool(client.quotes()), WAIT_S)
            source = client.health().feed.source
            assert source is not None
            assert "recording morning of sim" in source.played[0]
            assert "ends early" in source.gaps[0]
    finally:
        engine.kill_both()
