"""Recording this engine's market: asked of the venue, which makes it, and looked after while it goes on."""

from __future__ import annotations

import asyncio
from typing import Final

from stockpulse_engine.adapters.paper.market import PaperMarket
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, PartChanged
from stockpulse_engine.domain.errors import InvalidValueError, StockPulseError
from stockpulse_engine.domain.recordings import RecordingsView, RecordingView
from stockpulse_engine.marketdata.time import MarketTime
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.daterange import is_range
from stockpulse_engine.venue.recording.tape import list_recordings, require_name

PART: Final = "recording"
LOOK_S: Final = 2.0


class RecordingDesk:
    """Implements the API's RecordingsPort."""

    def __init__(self, paths: Paths, venue: PaperMarket, settings: HistorySettings, bus: Bus, time: MarketTime) -> None:
        self._shelf = paths.recordings
        self._venue = venue
        self._settings = settings
        self._bus = bus
        self._time = time
        self._running = ""

    async def start(self, name: str) -> RecordingView:
        """Write down every event from now on; raises InvalidValueError."""
        if is_range(require_name(name)):
            raise InvalidValueError(f"{name} is the name of days in the store.", fix="Give the recording another.")
        ensure_private(self._shelf)
        limits = {"max_mb": self._settings.recording_mb, "free_mb": self._settings.recording_free_mb}
        begun = await self._venue.record(p.Record("start", name, str(self._shelf), **limits))
        assert begun is not None
        self._running = name
        return begun

    async def stop(self) -> RecordingView:
        """End the recording; raises InvalidValueError."""
        ended = await self._venue.record(p.Record("stop"))
        assert ended is not None
        self._running = ""
        return ended

    async def view(self) -> RecordingsView:
        """Every recording of this home, and which is being made."""
        now = await self._venue.record(p.Record("state"))
        held = await asyncio.to_thread(list_recordings, self._shelf)
        is_running = now is not None and now.state == "recording"
        shown = tuple(now if now is not None and is_running and one.name == now.name else one for one in held)
        return RecordingsView(running=now.name if now is not None and is_running else "", recordings=shown)

    async def run(self) -> None:
        """Say when a recording ends by itself: at its limit, with the disk, or with the venue."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._running:
                await self._look()

    async def _look(self) -> None:
        name = self._running
        try:
            now = await self._venue.record(p.Record("state"))
        except StockPulseError:  # the venue is away: the link's own part says so
            return
        if name != self._running or (now is not None and now.name == name and now.state == "recording"):
            return
        self._running = ""
        detail = now.detail if now is not None and now.name == name else "the venue was started anew"
        words = f"the recording {name} ended: {detail or 'stopped'}"
        self._bus.publish(PartChanged(name=PART, state="late", detail=words))
        self._bus.publish(AlertRaised(ts_event=self._time.now_ns(), level="warn", text=words, subject=name))
