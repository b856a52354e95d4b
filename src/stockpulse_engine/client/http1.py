"""HTTP/1.1 to our own engine over its Unix socket: one request, one answer with a length.

`http.client` costs a short command 15 ms of imports (mail parsing, TLS) that nothing here needs.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024 * 1024
_READ = 64 * 1024
_END = b"\r\n\r\n"


class BrokenAnswerError(ConnectionError):
    """The answer is not HTTP as the engine writes it, or the connection ended before it was whole."""


class UnixHttp:
    """A connection that is opened when needed and kept."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self.sock: socket.socket | None = None

    def close(self) -> None:
        """Close; the next request opens a new connection."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def wait_for(self, timeout_s: float) -> None:
        """Wait that long for the next answers."""
        self._timeout_s = timeout_s
        if self.sock is not None:
            self.sock.settimeout(timeout_s)

    def exchange(self, target: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        """Send a GET, or a POST when there is a body; returns status and body of the answer.

        Raises:
            OSError: nobody is there, not in time (TimeoutError), or not HTTP (BrokenAnswerError).
        """
        if self.sock is None:
            self.sock = self._connect()
        self.sock.sendall(_request(target, headers, body))
        status, length, is_last, start = self._head(self.sock)
        data = _rest(self.sock, start, length)
        if is_last:
            self.close()
        return status, data

    def _connect(self) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.settimeout(self._timeout_s)
            peer.connect(self._path)
        except BaseException:
            peer.close()
            raise
        return peer

    def _head(self, peer: socket.socket) -> tuple[int, int, bool, bytes]:
        data = b""
        while _END not in data:
            data += _receive(peer)
            if len(data) > MAX_HEAD + _READ:
                raise BrokenAnswerError("the header does not end")
        head, _, start = data.partition(_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = fields.get("content-length", "")
        if not first.startswith("HTTP/1.1 ") or not first[9:12].isdigit() or not length.isdigit():
            raise BrokenAnswerError("not an answer of the engine")
        return int(first[9:12]), int(length), fields.get("connection", "").lower() == "close", start


def _request(target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + _END + (body or b"")


def _rest(peer: socket.socket, start: bytes, length: int) -> bytes:
    if length > MAX_BODY:
        raise BrokenAnswerError("the answer is too large")
    parts, missing = [start], length - len(start)
    while missing > 0:
        parts.append(_receive(peer))
        missing -= len(parts[-1])
    if missing < 0:
        raise BrokenAnswerError("the answer is longer than it says")
    return b"".join(parts)


def _receive(peer: socket.socket) -> bytes:
    data = peer.recv(_READ)
    if not data:
        raise BrokenAnswerError("the connection ended")
    return data
