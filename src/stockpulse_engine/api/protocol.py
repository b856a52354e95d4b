"""The connection below ASGI: peer, number of sockets, header size and slow openings are checked here (R01, R06)."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from stockpulse_engine.api.guard import MAX_HEADERS, RESERVED_KEY, full_house
from stockpulse_engine.api.peer import peer_uid
from stockpulse_engine.api.problems import PROBLEM_TYPE, problem
from stockpulse_engine.api.stream import ABORT_KEY
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.wire import codec
from stockpulse_engine.wire.rest import Problem

MAX_SOCKETS = 64
RESERVED = 8
"""Places beyond them for halt, reduce, flatten and cancels: a full house never blocks the brake."""
OPENING_S = 10.0
"""A connection that has sent no whole header by then is cut."""
_LINE = 16 * 1024
"""What one read may bring beyond the header: the beginning of a body."""
_log = get_logger("api.protocol")


class GuardedHttp(HttpToolsProtocol):
    """HTTP/1.1 for our own user alone."""

    _opening: asyncio.TimerHandle | None = None
    _unparsed = 0
    _is_in_header = True
    _is_reserved = False
    since = 0.0
    """When it came, on the loop's clock."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Refuse strangers before a byte is parsed, and the socket beyond the last allowed."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if not is_own_peer(transport):
            _log.warning("foreign_peer_refused")
            transport.abort()
        elif self._take_place():
            self._arm()
        else:
            self._refuse_document(full_house())

    def _take_place(self) -> bool:
        """An ordinary place, or in a full house one of the kept ones; whoever says nothing there gives way."""
        kept = [each for each in self.connections if isinstance(each, GuardedHttp) and each.holds_kept_place]
        self._is_reserved = len(self.connections) - len(kept) > MAX_SOCKETS
        if not self._is_reserved or len(kept) < RESERVED:
            return True
        silent = [each for each in kept if each.is_silent]
        if silent:
            min(silent, key=lambda each: each.since).transport.abort()
        return bool(silent)

    @property
    def is_silent(self) -> bool:
        """Whether no request of it is under way."""
        return self._is_in_header

    @property
    def holds_kept_place(self) -> bool:
        """Whether it holds one of the places beyond the ordinary ones."""
        return self._is_reserved and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless the header has grown too large."""
        if self.transport.is_closing():
            return
        if self._is_in_header:
            self._unparsed += len(data)
            self._arm()
        super().data_received(data)
        if self._is_in_header and self._unparsed > MAX_HEADERS and not self.transport.is_closing():
            self._refuse(431, "headers_too_large", f"The headers have more than {MAX_HEADERS} bytes.")

    def handle_websocket_upgrade(self) -> None:
        """The connection is a head's from now on."""
        if self._is_reserved:
            self._refuse_document(full_house())
            return
        self._disarm()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_header = True
        super().on_message_begin()
        if self._is_reserved:
            self.scope[RESERVED_KEY] = True  # type: ignore[literal-required]  # a key of ours beside ASGI's

    def on_headers_complete(self) -> None:
        """The header is whole: from here the guard counts."""
        self._is_in_header = False
        self._unparsed = 0
        self._disarm()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next bytes are a header again."""
        self._is_in_header = True
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document too."""
        self._refuse(400, "invalid_value", msg)

    def _arm(self) -> None:
        if self._opening is None:
            self._opening = self.loop.call_later(OPENING_S, self.transport.abort)

    def _disarm(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._refuse_document(problem(status, code, detail))

    def _refuse_document(self, document: Problem) -> None:
        body = codec.encode(document)
        head = (
            f"HTTP/1.1 {document.status} {document.title}\r\ncontent-type: {PROBLEM_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose session can cut the connection when the reader takes nothing."""

    async def run_asgi(self) -> None:
        """Run the session, with the cut in its scope."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[ABORT_KEY] = self.transport.abort
        await super().run_asgi()


def is_own_peer(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer is our own user; on TCP the token alone decides, for loopback has no owner."""
    peer = transport.get_extra_info("socket")
    if peer is None or peer.family != socket.AF_UNIX:
        return peer is not None
    return peer_uid(peer.fileno()) == os.geteuid()
