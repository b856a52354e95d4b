"""The stream as a head sees it: frames in order, and words for every state of the link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from random import Random
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.client.credentials import read_token
from stockpulse_engine.client.errors import error_of
from stockpulse_engine.domain.errors import InvalidValueError, StockPulseError
from stockpulse_engine.wire.codec import decode_frame, encode
from stockpulse_engine.wire.stream import DEFAULT_TOPICS, ClientMessage, Frame, Hello, Pong, Subscribe
from stockpulse_engine.wire.version import HEAD_HEADER, PROTOCOL_VERSION, VERSION_HEADER

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_FRAME = 16 * 1024 * 1024
SILENCE_S = 25.0
"""The engine sends a heartbeat every 10 seconds; longer silence means that it is gone."""
OPEN_S = 5.0
CONNECTING, LIVE, READ_ONLY, LOST = "connecting", "live", "read_only", "lost"


class LinkState(msgspec.Struct, frozen=True):
    """`state`: connecting, live, read_only or lost; `detail` says why, in words."""

    state: str
    detail: str = ""


class _ResyncError(Exception):
    """Frames are missing or the engine asked for it: start again with a snapshot, at once."""


class StreamLink:
    """One head's stream. Iterate `events()`; it reconnects by itself until it is closed.

    After every `live` or `read_only` state the next frame is a snapshot: forget what you knew.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        topics: tuple[str, ...] = DEFAULT_TOPICS,
        kind: str = "tui",
        rate_ms: int = 33,
        role: str = "trader",
        head_id: str = "",
        backoff: Backoff | None = None,
    ) -> None:
        self.head_id = head_id or new_id("head-")
        self._paths = paths
        self._topics = topics
        self._kind = kind
        self._rate_ms = rate_ms
        self._role = role
        self._backoff = backoff or Backoff(first_s=0.1, limit_s=3.0)
        self._rng = Random()  # spreads reconnects, guards nothing
        self._socket: ClientConnection | None = None
        self._latency_ns = 0
        self._is_closed = False
        self._hurried = asyncio.Event()

    @property
    def topics(self) -> tuple[str, ...]:
        """What is subscribed to, now and after a reconnect."""
        return self._topics

    async def subscribe(self, topics: tuple[str, ...]) -> None:
        """Replace the topics; the missing state comes inside the next delta."""
        self._topics = topics
        await self._say(Subscribe(topics=topics))

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Tell the engine with the next heartbeat how long a tick took to reach its cell."""
        self._latency_ns = tick_to_cell_ns

    def hurry(self) -> None:
        """The engine is known to be there again: do not wait until the next try is due."""
        self._hurried.set()

    async def close(self) -> None:
        """End the iteration."""
        self._is_closed = True
        if self._socket is not None:
            await self._socket.close()

    async def events(self) -> AsyncGenerator[Frame | LinkState, None]:
        """Frames, and a `LinkState` before every change of the link."""
        failures = 0
        yield LinkState(CONNECTING)
        while not self._is_closed:
            try:
                async with aclosing(self._session()) as session:
                    async for event in session:
                        failures = 0
                        yield event
            except _ResyncError as resync:
                yield LinkState(CONNECTING, str(resync))
                failures += 1  # a resync is answered at once; only resyncs without a frame between them back off
                if failures == 1:
                    continue
            except Exception as error:  # noqa: BLE001 - whatever ends a session, the head lives on and says so
                if self._is_closed:
                    return
                failures += 1
                yield LinkState(LOST, _reason(error))
            if not self._is_closed:
                await self._wait(self._backoff.delay(failures, self._rng))

    async def _wait(self, seconds: float) -> None:
        self._hurried.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), seconds)

    async def _session(self) -> AsyncGenerator[Frame | LinkState, None]:
        socket = await self._connect()
        self._socket = socket
        try:
            hello = Hello(head_id=self.head_id, kind=self._kind, rate_ms=self._rate_ms, topics=self._topics)
            await self._say(hello)
            seq = 0
            while True:
                frame = await self._receive(socket)
                _check(frame, seq)
                seq = frame.seq
                if seq == 1:
                    yield LinkState(READ_ONLY if frame.is_read_only else LIVE, frame.reason)
                if frame.kind == "heartbeat":
                    await self._say(Pong(seq=seq, tick_to_cell_ns=self._latency_ns))
                yield frame
        finally:
            self._socket = None
            await socket.close()

    async def _connect(self) -> ClientConnection:
        from websockets.asyncio.client import unix_connect  # 20 ms that the first frame of a head does not wait for

        headers = {
            "Authorization": f"Bearer {read_token(self._paths, self._role)}",
            VERSION_HEADER: str(PROTOCOL_VERSION),
            HEAD_HEADER: self.head_id,
        }
        return await unix_connect(
            str(self._paths.socket),
            "ws://localhost/v1/stream",
            additional_headers=headers,
            compression=None,
            max_size=MAX_FRAME,
            ping_interval=None,
            open_timeout=OPEN_S,
            close_timeout=1,
            user_agent_header=None,
            proxy=None,
        )

    async def _receive(self, socket: ClientConnection) -> Frame:
        async with asyncio.timeout(SILENCE_S):
            data = await socket.recv(decode=False)
        return decode_frame(data)

    async def _say(self, message: ClientMessage) -> None:
        """Send a message; without a link it is not needed, for a new session begins with a hello."""
        from websockets.exceptions import ConnectionClosed

        if self._socket is not None:
            try:
                await self._socket.send(encode(message), text=True)
            except ConnectionClosed:
                return


def _check(frame: Frame, before: int) -> None:
    """Refuse a frame that does not follow the one before.

    Raises:
        _ResyncError: a gap, a first frame that is no snapshot, or the engine's own word.
    """
    if frame.kind == "resync":
        raise _ResyncError(frame.reason or "The engine asks for a new snapshot.")
    if frame.seq != before + 1:
        raise _ResyncError(f"Frames {before + 1} to {frame.seq - 1} are missing.")
    if (frame.kind == "snapshot") != (frame.seq == 1):
        raise _ResyncError("The stream did not begin with a snapshot.")


def _reason(error: Exception) -> str:
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    if isinstance(error, InvalidStatus):
        return str(error_of(error.response.status_code, bytes(error.response.body or b"")))
    if isinstance(error, ConnectionClosed):
        return (error.rcvd.reason if error.rcvd else "") or "The engine closed the stream."
    if isinstance(error, TimeoutError):
        return "The engine has gone silent."
    if isinstance(error, InvalidValueError | StockPulseError):
        return error.message
    if isinstance(error, OSError):
        return "The engine does not answer."
    return f"The stream broke: {type(error).__name__}."
