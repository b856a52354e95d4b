"""One WebSocket per head: a hello, a snapshot, then deltas with sequence numbers (`wire.stream`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import WebSocket, websocket

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.frames import EMPTY, seal
from stockpulse_engine.api.hub import StreamHub
from stockpulse_engine.api.outbox import Closing, Outbox
from stockpulse_engine.api.roles import Caller, allow, caller_of
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.wire import codec
from stockpulse_engine.wire.stream import Hello, Pong, Subscribe
from stockpulse_engine.wire.topics import check_topics
from stockpulse_engine.wire.version import PROTOCOL_VERSION

HELLO_S = 10.0
SEND_S = 30.0
"""A socket that takes no byte for this long is cut off."""
BAD_CODE = 4400
FULL_CODE = 4429
MIN_RATE_MS, MAX_RATE_MS = 10, 1000
ABORT_KEY = "stockpulse.abort"

Socket = WebSocket[Any, Any, Any]


class _EndError(Exception):
    """The session ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _AnyHello(msgspec.Struct, tag_field="type", tag="hello"):
    """What a hello of any version has."""

    protocol: int
    head_id: str = ""


@websocket("/v1/stream")
@allow(Role.VIEWER)
async def stream(socket: Socket) -> None:
    """The frames of `wire.stream`, until either side ends it."""
    hub: StreamHub = socket.app.state.hub
    clock: Clock = socket.app.state.clock
    await socket.accept()
    try:
        await _session(socket, hub, clock, caller_of(socket.scope))
    except _EndError as end:
        await _goodbye(socket, clock, end)


async def _session(socket: Socket, hub: StreamHub, clock: Clock, caller: Caller) -> None:
    hello, reason = await _hello(socket)
    if hub.is_full:
        raise _EndError(FULL_CODE, f"{hub.heads} heads are attached already.")
    head = Outbox(hello.head_id[:64], frozenset(hello.topics), clock)
    head.read_only_reason = reason or ("The viewer token may only read." if caller.role is Role.VIEWER else "")
    hub.attach(head, min(MAX_RATE_MS, max(MIN_RATE_MS, hello.rate_ms)))
    try:
        await _both(_send(socket, head, hub), _listen(socket, head, hub, clock))
    finally:
        hub.detach(head)


async def _hello(socket: Socket) -> tuple[Hello, str]:
    """The head's first message, and why it may only read if so."""
    try:
        async with asyncio.timeout(HELLO_S):
            data = await _receive(socket)
    except TimeoutError:
        raise _EndError(BAD_CODE, "No hello came.") from None
    try:
        message = codec.decode_message(data)
        if isinstance(message, Hello):
            check_topics(message.topics)
            return message, _mismatch(message.protocol)
    except InvalidValueError as error:
        return _foreign_hello(data, error)
    raise _EndError(BAD_CODE, "The first message must be a hello.")


def _foreign_hello(data: bytes, error: InvalidValueError) -> tuple[Hello, str]:
    """A hello of another version may have other fields: it is let in to read, with the usual topics."""
    try:
        theirs: _AnyHello = codec.decode_answer(data, _AnyHello)
    except InvalidValueError:
        raise _EndError(BAD_CODE, str(error)[:120]) from None
    if theirs.protocol == PROTOCOL_VERSION:
        raise _EndError(BAD_CODE, str(error)[:120])
    return Hello(head_id=theirs.head_id, kind="foreign"), _mismatch(theirs.protocol)


def _mismatch(protocol: int) -> str:
    if protocol == PROTOCOL_VERSION:
        return ""
    which = f"This head speaks protocol {protocol}, the engine {PROTOCOL_VERSION}"
    return f"{which}: it may only read. `sp engine restart` ends that."


async def _both(*works: Any) -> None:
    """Run sender and listener until one ends; the other is canceled, the first one's error is raised."""
    tasks = [spawn(work, name="stream") for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(socket: Socket, head: Outbox, hub: StreamHub) -> None:
    while True:
        found = await head.next()
        if isinstance(found, Closing):
            await _end(socket, head, hub, found)
        else:
            await _write(socket, found)
            hub.frames += 1


async def _end(socket: Socket, head: Outbox, hub: StreamHub, closing: Closing) -> None:
    if closing.kind:
        hub.resyncs += 1
        await _write(socket, head.last_frame(closing))
    raise _EndError(closing.code, closing.reason)


async def _write(socket: Socket, data: bytes) -> None:
    try:
        async with asyncio.timeout(SEND_S):
            await socket.send({"type": "websocket.send", "bytes": data, "text": None})
    except TimeoutError:
        abort: Callable[[], None] | None = socket.scope.get("extensions", {}).get(ABORT_KEY)  # type: ignore[union-attr,assignment]  # ours
        if abort is not None:
            abort()
        raise


async def _listen(socket: Socket, head: Outbox, hub: StreamHub, clock: Clock) -> None:
    while data := await _receive(socket):
        head.heard_at = clock.monotonic_ns()
        try:
            message = codec.decode_message(data)
            if isinstance(message, Subscribe):
                hub.subscribe(head, frozenset(check_topics(message.topics)))
            elif isinstance(message, Pong) and message.tick_to_cell_ns > 0:
                hub.tick_to_cell_ns.append(message.tick_to_cell_ns)
        except InvalidValueError as error:
            raise _EndError(BAD_CODE, str(error)[:120]) from None


async def _receive(socket: Socket) -> bytes:
    """The next message's bytes.

    Raises:
        _EndError: the head is gone.
    """
    message = await socket.receive()
    if message["type"] != "websocket.receive":
        raise _EndError(0, "gone")
    data = message.get("bytes")
    return data if data is not None else (message.get("text") or "").encode()


async def _goodbye(socket: Socket, clock: Clock, end: _EndError) -> None:
    """Close; a head that was never let in is told why in a read-only frame first."""
    if end.code in (BAD_CODE, FULL_CODE):
        frame = seal(EMPTY, seq=1, sent_at=clock.now_ns(), kind="resync", is_read_only=True, reason=end.reason)
        await _write(socket, frame)
    if end.code:
        await socket.send({"type": "websocket.close", "code": end.code, "reason": end.reason[:120]})
