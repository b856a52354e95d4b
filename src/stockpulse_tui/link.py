"""The real link: starts the engine when nobody answers, follows its stream, and says every state in words."""

from __future__ import annotations

from contextlib import aclosing

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.client.launch import ensure_engine_async
from stockpulse_engine.client.stream import LinkState, StreamLink
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_tui.ports import Commands, OnFrame, OnState
from stockpulse_tui.status import LIVE, LOST, READ_ONLY, STARTING

_WORDS = {"connecting": STARTING, "live": LIVE, "read_only": READ_ONLY, "lost": LOST}


class EngineLink:
    """One head's connection to the engine of one home."""

    def __init__(self, paths: Paths, *, arguments: tuple[str, ...] = ()) -> None:
        self._paths = paths
        self._arguments = arguments
        self._stream = StreamLink(paths)
        self._client = EngineClient(paths, head_id=self._stream.head_id)

    @property
    def head_id(self) -> str:
        """Id of this head."""
        return self._stream.head_id

    @property
    def commands(self) -> Commands:
        """Requests to the engine."""
        return self._client

    async def run(self, on_frame: OnFrame, on_state: OnState) -> None:
        """Start the engine if need be, then follow the stream; it reconnects and resyncs by itself."""
        on_state(STARTING, "looking for the engine")
        try:
            await ensure_engine_async(self._paths, lambda step: on_state(STARTING, step), arguments=self._arguments)
        except StockPulseError as error:
            on_state(LOST, str(error))
        async with aclosing(self._stream.events()) as events:
            async for event in events:
                if not isinstance(event, LinkState):
                    on_frame(event)
                    continue
                on_state(
                    _WORDS[event.state], event.detail or ("joining the stream" if event.state == "connecting" else "")
                )
                if event.state == "live":
                    self._warm = spawn(self._warm_up(), name="warm up the first request")

    async def _warm_up(self) -> None:
        """The first request loads its library; a halt must not wait for that."""
        try:
            await self._client.halt_view()
        except StockPulseError:
            return

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Replace the topics, now or with the next session."""
        if set(topics) != set(self._stream.topics):
            self._subscribing = spawn(self._stream.subscribe(topics), name="subscribe")

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Tell the engine how long a tick took to its cell."""
        self._stream.report_latency(tick_to_cell_ns)
