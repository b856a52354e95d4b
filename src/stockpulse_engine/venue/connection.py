"""One client's connection: bytes in, requests out; replies and pushes in, bytes out."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import cast

import msgspec

from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.outbox import MarketOutbox, ReportOutbox

MAX_PENDING = 4096
"""Requests one client may have unanswered before we stop reading from it."""
HIGH_WATER = 1024 * 1024
"""Bytes waiting for a slow reader at which we begin to conflate."""

_log = get_logger("venue.connection")


class _Numbered(msgspec.Struct, array_like=True):
    """As much of a request as is needed to refuse it politely."""

    request_id: int
    question: msgspec.Raw


_decode_numbered = msgspec.msgpack.Decoder(_Numbered).decode


class Connection(asyncio.Protocol):
    """Framing and flow of one client. Nothing is answered here: requests wait for the server's next turn."""

    def __init__(
        self, on_request: Callable[[Connection, p.Request], None], on_end: Callable[[Connection], None]
    ) -> None:
        self._on_request = on_request
        self._on_end = on_end
        self._reader = p.FrameReader(p.MAX_REQUEST)
        self._transport: asyncio.Transport | None = None
        self._waiting = 0
        self.is_full = False
        """The line to the client is full."""
        self.full_since = 0
        """Monotonic time it became full, set by the server."""
        self.is_greeted = False
        self.market: MarketOutbox | None = None
        self.reports: ReportOutbox | None = None
        self.name = ""

    @property
    def is_open(self) -> bool:
        """Whether bytes can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse other users, then take requests."""
        # uvloop's transports are no subclass of asyncio's.
        line = cast("asyncio.Transport", transport)
        peer = peer_uid(line.get_extra_info("socket"))
        if peer is not None and peer != os.getuid():
            _log.warning("peer_refused", uid=peer)
            line.abort()
            return
        line.set_write_buffer_limits(high=HIGH_WATER)
        self._transport = line

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; what it asked and was not yet answered still takes effect."""
        self._transport = None
        self._on_end(self)

    def data_received(self, data: bytes) -> None:
        """Cut into requests; what cannot be read is refused, what cannot be framed ends the connection."""
        try:
            frames = self._reader.feed(data)
        except p.FrameTooLongError as error:
            self.drop(str(error))
            return
        for frame in frames:
            self._take(frame)
        if self._waiting >= MAX_PENDING and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.is_full = True

    def resume_writing(self) -> None:
        """It caught up."""
        self.is_full, self.full_since = False, 0

    def reply(self, request_id: int, answer: p.Answered) -> None:
        """Send the answer to one request."""
        self.send(p.Reply(request_id, answer))
        self._waiting -= 1
        if self._waiting == MAX_PENDING // 2 and self._transport is not None:
            self._transport.resume_reading()

    def send(self, message: p.Message) -> None:
        """Send one message; nothing happens when the client is gone."""
        if self._transport is not None:
            self._transport.write(p.encode_frame(message))

    def drop(self, reason: str) -> None:
        """End the connection at once."""
        _log.warning("client_dropped", client=self.name, reason=reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the connection after what was sent has left."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, frame: bytes) -> None:
        try:
            request = p.decode_request(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._refuse(frame, str(error)[:200])
            return
        self._waiting += 1
        self._on_request(self, request)

    def _refuse(self, frame: bytes, reason: str) -> None:
        try:
            numbered = _decode_numbered(frame)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self.drop("unreadable message")
            return
        self._waiting += 1
        self.reply(numbered.request_id, p.Failure("bad_request", reason))


def peer_uid(connected: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where the platform cannot tell."""
    if sys.platform != "linux":
        return None
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)
