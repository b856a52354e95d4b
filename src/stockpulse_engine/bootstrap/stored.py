"""Stored history in the engine: charts from it, and the recording of this world into it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.newsdesk import NewsDesk
from stockpulse_engine.bootstrap.options import LIVE, REPLAY, StartOptions
from stockpulse_engine.bootstrap.queries import EngineQueries
from stockpulse_engine.bootstrap.servertier import PART as SERVER
from stockpulse_engine.bootstrap.servertier import Tier, tier_over
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.known import KnownHistory
from stockpulse_engine.marketdata.stored import StoredCharts
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.server.settings import StorageSettings

if TYPE_CHECKING:
    from stockpulse_engine.marketdata.history import HistoryReader
    from stockpulse_engine.storage.history.recorder import HistoryRecorder
    from stockpulse_engine.storage.history.store import EmbeddedHistory

PART: Final = "history"
LOOK_S: Final = 5.0
"""How often the recording is looked at."""
COMPACT_BYTES: Final = 16 * 1024 * 1024
"""A live tail of this size becomes segments."""
COMPACT_S: Final = 900.0
"""So does one of this age, whatever its size."""
_log = get_logger(PART)


class EngineHistory:
    """The store as the engine uses it: opened by the first chart that needs it, recorded into where that is wanted."""

    def __init__(  # noqa: PLR0917 - what a store in an engine is made of
        self,
        paths: Paths,
        settings: HistorySettings,
        options: StartOptions,
        clock: Clock,
        bus: Bus,
        storage: StorageSettings | None = None,
    ) -> None:
        """With an address in `storage` the server answers for what is not here."""
        self._paths = paths
        self._directory = paths.history
        self._settings = settings
        self._clock = clock
        self._bus = bus
        self._source = source_of(options) if is_recorded(settings, options) else ""
        self._opening = threading.Lock()
        self._store: EmbeddedHistory | None = None
        self._storage = storage or StorageSettings()
        self._tier: Tier | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._recorder: HistoryRecorder | None = None
        self._news: NewsDesk | None = None
        self._dropped = 0
        self._was_dropping = False

    def charts(self, now_ns: Callable[[], int]) -> StoredCharts | None:
        """What the market service draws from; None where history is switched off."""
        if not self._settings.enabled:
            return None
        return StoredCharts(self._reader, now_ns)

    def known(self) -> KnownHistory | None:
        """What a head that looks back is shown from; None where history is switched off."""
        return KnownHistory(self._reader) if self._settings.enabled else None

    def queries(self) -> EngineQueries:
        """What the API reads of it, and SQL over it."""
        return EngineQueries(self._reader, self._paths, self._clock, embedded=self._embedded)

    def start(self, calendar: Calendar) -> bool:
        """Begin to record, where this world is recorded; before the feed, so that nothing is missed."""
        if not self._source:
            return False
        from stockpulse_engine.storage.history.layout import Layout
        from stockpulse_engine.storage.history.recorder import HistoryRecorder

        self._news = NewsDesk(self._bus, self._paths, self._source, self._clock)
        loop = asyncio.get_running_loop()

        def say_failed(detail: str) -> None:
            loop.call_soon_threadsafe(self._say, "gone", f"nothing more is recorded: {detail}")

        layout = Layout(self._directory)
        self._recorder = HistoryRecorder(self._bus, layout, self._clock, calendar, self._source, say_failed)
        self._recorder.start()
        return True

    async def run(self) -> None:
        """Say what a recording drops; turn its tail into segments in a process of its own."""
        compacted_at = -COMPACT_S
        self._loop = loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            self._look_at_drops()
            if self._news is not None:
                await self._news.flush()
            waiting = await asyncio.to_thread(self._tail_bytes)
            if waiting >= COMPACT_BYTES or (waiting and loop.time() - compacted_at >= COMPACT_S):
                compacted_at = loop.time()
                await self._compact()

    async def stop(self) -> None:
        """Write what is queued and let go of the store."""
        if self._news is not None:
            await self._news.flush()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.stop)
        if self._tier is not None:
            self._tier.close()
        if self._store is not None:
            self._store.close()

    def _look_at_drops(self) -> None:
        """Say when events are dropped, and when it stopped."""
        state = self._recorder.state() if self._recorder is not None else None
        if state is None or state.failure:
            return
        is_dropping = state.dropped > self._dropped
        if is_dropping:
            self._say("late", f"{state.dropped} quotes and prints came faster than the disk takes them")
        elif self._was_dropping:
            self._say("ok", f"recording; {state.dropped} quotes and prints were dropped")
        self._dropped, self._was_dropping = state.dropped, is_dropping

    async def _compact(self) -> None:
        """Millions of decimals become integers elsewhere: this loop and this interpreter belong to the market."""
        module = "stockpulse_engine.storage.history.compact"
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, str(self._directory)),
            env={**os.environ, "POLARS_MAX_THREADS": "1"},  # one core at most
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, problem = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            await child.wait()
            raise
        if child.returncode:
            last = problem.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
            self._say("late", f"the live tail could not be compacted: {last[0][:120]}")

    def _reader(self) -> HistoryReader:
        with self._opening:
            if self._store is None:
                from stockpulse_engine.storage.history.store import open_history

                self._store = open_history(self._directory, self._clock, self._settings)
                if self._storage.url:
                    self._tier = self._tier_over(self._store.reader)
            return self._tier.reader if self._tier is not None else self._store.reader

    def _embedded(self) -> HistoryReader:
        """What lies in files."""
        self._reader()
        assert self._store is not None
        return self._store.reader

    def _tier_over(self, local: HistoryReader) -> Tier:
        def told(problem: str) -> None:
            detail = f"charts and reads show what is here: {problem}" if problem else ""
            change = PartChanged(name=SERVER, state="late" if problem else "ok", detail=detail)
            loop = self._loop  # told by the thread that has tried it
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._bus.publish, change)

        return tier_over(local, self._directory, self._storage, self._clock, self._settings.priority, told)

    def _tail_bytes(self) -> int:
        if not (self._directory / "tail").is_dir():
            return 0
        from stockpulse_engine.storage.history.layout import Layout
        from stockpulse_engine.storage.history.taillogs import waiting_bytes

        return waiting_bytes(Layout(self._directory))

    def _say(self, state: str, detail: str) -> None:
        _log.warning("recording", state=state, detail=detail)
        self._bus.publish(PartChanged(name=PART, state=state, detail=detail))


def is_recorded(settings: HistorySettings, options: StartOptions) -> bool:
    """Whether this world's market is kept."""
    return settings.enabled and (settings.record == "always" or (settings.record == "live" and options.is_live))


def source_of(options: StartOptions) -> str:
    """The source under which a recording of this world is kept: a market that is made up says so."""
    if options.is_live:
        return f"{LIVE}:yahoo"
    return f"replay:{options.world.removeprefix(REPLAY).lower()}" if options.is_replay else f"sim:{options.seed}"
