"""The real link: starts the engine when nobody answers, follows its stream, and says every state in words.

The client's modules are loaded when the link runs: the first frame does not wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.flagfile import FlagFile
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.wire.stream import DEFAULT_TOPICS
from stockpulse_tui.ports import Commands, OnFrame, OnState
from stockpulse_tui.status import LIVE, LOST, READ_ONLY, STARTING

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient
    from stockpulse_engine.client.stream import StreamLink

_WORDS = {"connecting": STARTING, "live": LIVE, "read_only": READ_ONLY, "lost": LOST}


class EngineLink:
    """One head's connection to the engine of one home."""

    def __init__(self, paths: Paths, *, arguments: tuple[str, ...] = ()) -> None:
        self._paths = paths
        self._arguments = arguments
        self._head_id = new_id("head-")
        self._topics: tuple[str, ...] = DEFAULT_TOPICS
        self._stream: StreamLink | None = None
        self._client: EngineClient | None = None
        self._group: asyncio.TaskGroup | None = None
        self._of_session: set[asyncio.Task[None]] = set()
        self._is_moving = False
        self._last = (STARTING, "")
        """What the stream last said of itself."""

    @property
    def head_id(self) -> str:
        """Id of this head."""
        return self._head_id

    @property
    def commands(self) -> Commands:
        """Requests to the engine."""
        return self._requests()

    def _requests(self) -> EngineClient:
        if self._client is None:
            from stockpulse_engine.client.client import EngineClient

            self._client = EngineClient(self._paths, head_id=self._head_id)
        return self._client

    async def run(self, on_frame: OnFrame, on_state: OnState) -> None:
        """Start the engine if need be, then follow the stream; it reconnects and resyncs by itself.

        Whatever it began beside that has ended when it ends; a bug in one of them ends it as well.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                await self.start_engine(on_state)
                await self._follow(on_frame, on_state)
        finally:
            self._stream = self._group = None
            if self._client is not None:
                await self._client.close()

    async def _follow(self, on_frame: OnFrame, on_state: OnState) -> None:
        from stockpulse_engine.client.stream import LinkState, StreamLink

        self._stream = StreamLink(self._paths, head_id=self._head_id, topics=self._topics)
        async with aclosing(self._stream.events()) as events:
            async for event in events:
                if not isinstance(event, LinkState):
                    on_frame(event)
                    continue
                await self._end_session()
                words = event.detail or ("joining the stream" if event.state == "connecting" else "")
                self._last = (_WORDS[event.state], words)
                if not self._is_moving:  # the steps of a move are told instead
                    on_state(*self._last)
                if event.state == "live":
                    self._begin(self._warm_up(), "warm up the first request")

    async def start_engine(self, on_state: OnState) -> None:
        """Start the engine where none runs, saying each step."""
        from stockpulse_engine.client.launch import ensure_engine_async

        on_state(STARTING, "looking for the engine")
        try:
            await ensure_engine_async(self._paths, lambda step: on_state(STARTING, step), arguments=self._arguments)
        except StockPulseError as error:
            on_state(LOST, str(error))
        else:
            self._hurry()

    async def change_world(self, arguments: tuple[str, ...], world_now: str, on_state: OnState) -> None:
        """Stop the engine and start it in another world; the stream joins by itself, at once."""
        from stockpulse_engine.client.worlds import change_world

        self._arguments = ()
        self._is_moving = True
        try:
            await change_world(self._paths, arguments, lambda step: on_state(STARTING, step), world_now=world_now)
        finally:
            self._is_moving = False
            self._hurry()
            on_state(*((STARTING, "joining the stream") if self._last[0] == LOST else self._last))

    def _hurry(self) -> None:
        if self._stream is not None:
            self._stream.hurry()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Work that has a sense for this session of the stream only."""
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(work, name=name)
        self._of_session.add(task)
        task.add_done_callback(self._of_session.discard)

    async def _end_session(self) -> None:
        """The session is over: cancel what was begun for it, and wait for its end."""
        tasks = tuple(self._of_session)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _warm_up(self) -> None:
        """The first request loads its library; a halt must not wait for that."""
        with contextlib.suppress(StockPulseError):  # refused or unanswered it is warm as well
            await self._requests().halt_view()

    async def latch(self, reason: str) -> str:
        """Set the halt latch, a file before which every send stops whatever the engine can still hear.

        Returns "" once it is on the disk, else what went wrong.
        """
        try:
            await asyncio.to_thread(self._set_latch, reason)
        except OSError as error:
            return f"the latch file could not be written: {error.strerror or error}"
        return ""

    def _set_latch(self, reason: str) -> None:
        FlagFile(self._paths.latch, WallClock()).set(reason, self._head_id)

    def last_alarm(self, since: int) -> str:
        """What the watchdog said last after a wall time, "" when nothing."""
        from stockpulse_engine.base.alarmlog import read_alarms

        alarms = read_alarms(self._paths.alarms, since=since, limit=1)
        return alarms[-1].text if alarms else ""

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Replace the topics, now or with the next session."""
        if set(topics) == set(self._topics):
            return
        self._topics = topics
        if self._stream is not None:
            self._begin(self._stream.subscribe(topics), "subscribe")

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Tell the engine how long a tick took to its cell."""
        if self._stream is not None:
            self._stream.report_latency(tick_to_cell_ns)
