"""A stand-in for Yahoo's chart endpoint on loopback: answers what it is given and remembers what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

PATH = "/v8/finance/chart/"
Answer = tuple[int, bytes]


@dataclass
class Asked:
    """One request: the symbol, its parameters, its headers in lower case."""

    symbol: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class YahooServer:
    """`answers`: symbol → (status, body), or what makes them when asked. `complaints` lists everything a real endpoint would not be asked."""

    answers: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    url: str = ""
    port: int = 0
    """0: any that is free."""

    async def __aenter__(self) -> YahooServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        status, body = self._answer(head.split("\r\n"))
        kind = "application/json" if body[:1] == b"{" else "text/plain"
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    def _answer(self, lines: list[str]) -> tuple[int, bytes]:
        method, target, _ = lines[0].split(" ")
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        symbol = unquote(parts.path.removeprefix(PATH))
        self.asked.append(Asked(symbol, query, headers))
        self._check(method, parts.path, query, headers)
        answer = self.answers.get(symbol, (404, NOT_FOUND))
        return answer() if callable(answer) else answer

    def _check(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> None:
        if method != "GET" or not path.startswith(PATH):
            self.complaints.append(f"{method} {path}")
        if set(query) != {"interval", "period1", "period2", "includePrePost", "events"}:
            self.complaints.append(f"parameters {sorted(query)}")
        elif not int(query["period1"]) < int(query["period2"]):
            self.complaints.append("period1 is not before period2")
        if "cookie" in headers or not headers.get("user-agent", "").startswith("stockpulse/"):
            self.complaints.append(f"headers {headers}")


NOT_FOUND = (
    b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}'
)
