"""An HTTP/1.1 server of simulated brokers. Its faults happen at the socket, where a real client meets them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import httptools
import msgspec

from stockpulse_engine.drill.faults import Fault, FaultPlan

Handler = Callable[["Request"], "Response"]
READ_SIZE = 64 * 1024
MAX_BODY = 1024 * 1024
MAX_KEPT = 10_000
"""Requests kept for whoever judges what a client sent."""
HTTP_FAULTS = (
    Fault.TIMEOUT_BEFORE,
    Fault.TIMEOUT_AFTER,
    Fault.RESET,
    Fault.HALF_BODY,
    Fault.GARBAGE,
    Fault.THROTTLED,
    Fault.BANNED,
    Fault.ERROR_500,
    Fault.ERROR_502,
    Fault.ERROR_503,
    Fault.TIMEOUT_504,
    Fault.TOKEN_DEAD,
    Fault.SLOW_DRIP,
)
"""What may happen to one request. A refused connection is no request: see `HttpServer.refuse`."""
_REFUSALS: Mapping[Fault, tuple[int, str]] = {
    Fault.THROTTLED: (429, "too many requests"),
    Fault.BANNED: (418, "banned"),
    Fault.ERROR_500: (500, "internal error"),
    Fault.ERROR_502: (502, "bad gateway"),
    Fault.ERROR_503: (503, "service unavailable"),
    Fault.TOKEN_DEAD: (401, "token is not valid"),
}
_GARBAGE = b"<html><head><title>Please wait\xff\xfe</title></head><body>\x00checking your browser</body></html>"
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 207: "Multi-Status", 400: "Bad Request", 401: "Unauthorized"}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came. Names of headers are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def params(self) -> dict[str, str]:
        """The query's fields; of a repeated one the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        """The body's fields, for a client that sends forms."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Response(msgspec.Struct, frozen=True):
    """One answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()


def json_response(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A value as JSON. Decimals become strings, as brokers that care send them."""
    return Response(status, msgspec.json.encode(value), headers=headers)


def plain_refusal(status: int, words: str, _request: Request) -> Response:
    """The answer of a fault, where a broker's own shape of errors is not given."""
    return json_response({"code": status, "message": words}, status)


class HttpFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How the faults look."""

    retry_after_s: int = 1
    token_status: int = 401
    """401 or 403, as the broker answers a dead token."""
    drip_s: float = 0.02
    drip_bytes: int = 7
    skew_s: float = 300.0
    """How far the `Date` header is off when the clock is."""


class HttpServer:
    """Serves one handler on 127.0.0.1. The handler sees each request that the broker would have seen, and no other.

    `complaints` is what the handler found wrong with what the client sent: tests assert it empty.
    """

    def __init__(
        self,
        handler: Handler,
        plan: FaultPlan | None = None,
        *,
        now_s: Callable[[], float] = lambda: 0.0,
        refusal: Callable[[int, str, Request], Response] = plain_refusal,
        looks: HttpFaults | None = None,
    ) -> None:
        self._handler = handler
        self._now_s = now_s
        self._refusal = refusal
        self._looks = looks or HttpFaults()
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}
        """Each open line, and what serves it."""
        self._aim: Callable[[Request], bool] = lambda _: True
        self.plan = plan or FaultPlan()
        self.port = 0
        self.requests: deque[Request] = deque(maxlen=MAX_KEPT)
        """What arrived, oldest first, whatever became of it."""
        self.struck: deque[tuple[Fault, Request]] = deque(maxlen=MAX_KEPT)
        """Which fault struck which request."""
        self.complaints: list[str] = []

    @property
    def url(self) -> str:
        """The address to be put in place of the broker's."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def lost_name_url(self) -> str:
        """An address whose name leads nowhere (`dns-fail`): the domain is reserved for that."""
        return f"http://broker.invalid:{self.port}"

    @property
    def no_tls_url(self) -> str:
        """An address that promises TLS where none is spoken (`tls-fail`)."""
        return f"https://127.0.0.1:{self.port}"

    def aim(self, at: Callable[[Request], bool]) -> None:
        """Let faults strike only such requests."""
        self._aim = at

    async def start(self) -> str:
        """Listen and return the address; after `refuse` at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, start_serving=True)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.url

    async def refuse(self) -> None:
        """Stop listening and reset every line: whoever connects is refused, until `start`."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        serving = [task for task in self._writers.values() if task is not None]
        for writer in tuple(self._writers):
            reset(writer)
        if serving:
            await asyncio.wait(serving)
        if server is not None:
            await server.wait_closed()

    async def close(self) -> None:
        """End; nothing is left open."""
        await self.refuse()

    async def __aenter__(self) -> HttpServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- one line -----------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = asyncio.current_task()
        try:
            await self._serve_requests(reader, writer)
        except (ConnectionError, httptools.HttpParserError):
            pass  # a client may leave or speak no HTTP: that ends its line, nothing else
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            del self._writers[writer]

    async def _serve_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parsed = _Parsed()
        parser = httptools.HttpRequestParser(parsed)
        parsed.parser = parser
        while data := await reader.read(READ_SIZE):
            parser.feed_data(data)
            while parsed.complete:
                if not await self._take(parsed.complete.popleft(), reader, writer):
                    return

    async def _take(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request as it is or as the fault has it; False when the line ends."""
        self.requests.append(request)
        fault = self.plan.first_of(HTTP_FAULTS) if self._aim(request) else None
        if fault is not None:
            self.struck.append((fault, request))
        if fault is Fault.TIMEOUT_BEFORE:
            return await _hang(reader)
        response = self._answer(request, fault)
        if fault is Fault.TIMEOUT_AFTER:
            return await _hang(reader)
        return await self._send(writer, self._encode(response, request), fault)

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        refused = None if fault is None else _REFUSALS.get(fault)
        if fault is not None and refused is not None:
            return self._refuse_with(fault, refused, request)
        response = self._handler(request)
        if fault is Fault.GARBAGE:
            return Response(200, _GARBAGE, "text/html")
        if fault is Fault.TIMEOUT_504:
            return self._refusal(504, "gateway timeout", request)
        return response

    def _refuse_with(self, fault: Fault, refused: tuple[int, str], request: Request) -> Response:
        status = self._looks.token_status if fault is Fault.TOKEN_DEAD else refused[0]
        response = self._refusal(status, refused[1], request)
        if fault not in {Fault.THROTTLED, Fault.BANNED}:
            return response
        waits = ("Retry-After", str(self._looks.retry_after_s))
        return msgspec.structs.replace(response, headers=(*response.headers, waits))

    def _encode(self, response: Response, request: Request) -> bytes:
        skew = self._looks.skew_s if self.plan.strikes(Fault.CLOCK_SKEW) else 0.0
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Other')}"]
        lines += [f"Date: {formatdate(self._now_s() + skew, usegmt=True)}", f"Content-Length: {len(response.body)}"]
        lines += [f"Content-Type: {response.content_type}"] if response.body else []
        lines += [f"{name}: {value}" for name, value in response.headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return head if request.method == "HEAD" else head + response.body

    async def _send(self, writer: asyncio.StreamWriter, data: bytes, fault: Fault | None) -> bool:
        head = data.index(b"\r\n\r\n") + 4
        if fault in {Fault.RESET, Fault.HALF_BODY}:
            writer.write(data[: head + (len(data) - head) // 2])
            await writer.drain()
            if fault is Fault.RESET:
                reset(writer)
            return False
        if fault is Fault.SLOW_DRIP:
            for start in range(0, len(data), self._looks.drip_bytes):
                writer.write(data[start : start + self._looks.drip_bytes])
                await writer.drain()
                await asyncio.sleep(self._looks.drip_s)
            return True
        writer.write(data)
        await writer.drain()
        return True


async def _hang(reader: asyncio.StreamReader) -> bool:
    """Say nothing until the client gives up: its own time-out is what is tried."""
    while await reader.read(READ_SIZE):
        pass
    return False


def reset(writer: asyncio.StreamWriter) -> None:
    """End a line with RST: what was not read is lost at the other end, as after a crash on the way."""
    line = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        twin = socket.socket(fileno=os.dup(line.fileno()))
        with twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Parsed:
    """What httptools calls back: collects requests that are complete."""

    def __init__(self) -> None:
        self.parser: httptools.HttpRequestParser | None = None
        self.complete: deque[Request] = deque()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self._headers, self._body = b"", {}, bytearray()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of the body; what is over the limit is cut."""
        self._body += body[: MAX_BODY - len(self._body)]

    def on_message_complete(self) -> None:
        """The request is whole."""
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self.parser.get_method().decode("latin-1") if self.parser is not None else ""
        self.complete.append(
            Request(method=method, path=path, query=query, headers=self._headers, body=bytes(self._body))
        )
