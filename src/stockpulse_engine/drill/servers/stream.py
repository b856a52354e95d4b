"""A WebSocket server of simulated brokers: sessions that send through the weather and can be cut or frozen."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.servers.weather import FAIR, FrameLane, Weather

Talk = Callable[["StreamSession"], Awaitable[None]]
MAX_OUT = 10_000
"""Frames that wait for a slow reader; beyond that its line is cut, as brokers do."""
MAX_KEPT = 10_000


class StreamSession:
    """One client of the stream. A talk reads it as an iterator of messages and answers with `reply` or `push`."""

    def __init__(self, line: ServerConnection, plan: FaultPlan, rng: Random) -> None:
        self._line = line
        self._out: asyncio.Queue[bytes | str] = asyncio.Queue(MAX_OUT)
        self.lane = FrameLane(self._put, plan, rng)
        self.path = line.request.path if line.request is not None else ""
        self.headers = (
            {} if line.request is None else {name.lower(): value for name, value in line.request.headers.items()}
        )
        self.is_ready = False
        """Whether `broadcast` reaches it: set by the talk once the client has logged in and asked for the stream."""

    def push(self, frame: bytes | str) -> None:
        """Send a frame of the stream: it meets the weather."""
        self.lane.push(frame)

    def reply(self, frame: bytes | str) -> None:
        """Send an answer to the client (of a login, a subscription): it meets no weather but silence."""
        if not self.lane.weather.is_silent:
            self._put(frame)

    async def __aiter__(self) -> AsyncIterator[bytes | str]:
        """What the client sends, until it leaves."""
        with contextlib.suppress(ConnectionClosed):
            async for message in self._line:
                yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End in order."""
        await self._line.close(code, reason)

    def cut(self) -> None:
        """End without a word: the line is gone."""
        self.lane.close()
        self._line.transport.abort()

    def freeze(self) -> None:
        """Read nothing more: even pings are not answered, and the line stays open."""
        self._line.transport.pause_reading()

    async def pump(self) -> None:
        """Carry frames to the socket until the line ends (the server runs it)."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._line.send(await self._out.get())

    def _put(self, frame: bytes | str) -> None:
        try:
            self._out.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut()


class StreamServer:
    """Serves one talk on 127.0.0.1; the weather holds for all sessions, those of today and those to come."""

    def __init__(self, talk: Talk, plan: FaultPlan | None = None, *, seed: int = 0, subprotocol: str = "") -> None:
        self._talk = talk
        self._seed = seed
        self._subprotocol = subprotocol
        self._server: Server | None = None
        self._count = 0
        self._weather = FAIR
        self.plan = plan or FaultPlan(seed)
        self.port = 0
        self.sessions: set[StreamSession] = set()
        self.received: deque[bytes | str] = deque(maxlen=MAX_KEPT)
        """What clients sent, as talks noted it."""
        self.complaints: list[str] = []

    @property
    def url(self) -> str:
        """The address to be put in place of the broker's."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def weather(self) -> Weather:
        """How bad the stream is now."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        for session in self.sessions:
            session.lane.weather = weather

    async def start(self) -> str:
        """Listen and return the address; after `refuse` at the same port as before."""
        offered = [self._subprotocol] if self._subprotocol else None
        self._server = await serve(
            self._meet,
            "127.0.0.1",
            self.port,
            ping_interval=None,
            close_timeout=0.5,
            subprotocols=offered,  # type: ignore[arg-type] # a plain name is a Subprotocol
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self.url

    async def refuse(self) -> None:
        """Stop listening and cut every line: whoever connects is refused, until `start`."""
        self.cut()
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    async def close(self) -> None:
        """End; nothing is left open."""
        await self.refuse()

    async def __aenter__(self) -> StreamServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def broadcast(self, frame: bytes | str) -> int:
        """Send a frame of the stream to every session that is ready; returns how many there were."""
        ready = [session for session in self.sessions if session.is_ready]
        for session in ready:
            session.push(frame)
        return len(ready)

    def cut(self) -> None:
        """End every line without a word; clients may come back at once."""
        for session in tuple(self.sessions):
            session.cut()

    async def _meet(self, line: ServerConnection) -> None:
        self._count += 1
        session = StreamSession(line, self.plan, Random(f"{self._seed}/stream/{self._count}"))
        session.lane.weather = self._weather
        if self.plan.strikes(Fault.SILENCE):
            session.lane.weather = Weather(is_silent=True)
        self.sessions.add(session)
        try:
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(session.pump())
                with contextlib.suppress(ConnectionClosed):
                    await self._talk(session)
                pump.cancel()
        finally:
            session.lane.close()
            self.sessions.discard(session)
