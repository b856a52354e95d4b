"""The API on a real socket, and a caller that writes its own bytes: what an attacker may send, it can send."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stockpulse_engine.api.server import ApiServer
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.wire.codec import decode_answer
from stockpulse_engine.wire.rest import Problem
from tests.fakes.fake_engine import FakeEngine


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Problem:
        """The body as a problem document."""
        document: Problem = decode_answer(self.body, Problem)
        return document


@dataclass
class LiveApi:
    """A served fake engine."""

    engine: FakeEngine
    server: ApiServer
    paths: Paths
    extra: dict[str, str] = field(default_factory=dict)

    def token(self, role: str = "trader") -> str:
        """The role's token."""
        return (self.paths.tokens / role).read_text().strip()

    def headers(self, role: str = "trader", **more: str | None) -> dict[str, str]:
        """What a good head sends; None removes a header, underscores become dashes."""
        good: dict[str, str | None] = {
            "Host": "localhost",
            "Authorization": f"Bearer {self.token(role)}",
            "X-StockPulse-Protocol": "1",
            "X-StockPulse-Head": "test-head",
        }
        good |= {name.replace("_", "-"): value for name, value in more.items()}
        return {name: value for name, value in good.items() if value is not None}

    async def get(self, target: str, role: str = "trader", **more: str | None) -> Answer:
        """A good GET, with headers added or taken away."""
        return await self.raw("GET", target, self.headers(role, **more))

    async def post(self, target: str, body: bytes, role: str = "trader", **more: str | None) -> Answer:
        """A good POST of JSON, with headers added or taken away."""
        return await self.raw("POST", target, self.headers(role, **{"Content_Type": "application/json", **more}), body)

    async def raw(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Exactly these headers, in this order."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return await self.bytes("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)

    async def bytes(self, data: bytes) -> Answer:
        """Write these bytes on a fresh connection and read one answer."""
        reader, writer = await self.connect()
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
            return await read_answer(reader)
        finally:
            writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the engine's socket, or to its port when there is one."""
        if self.server.port:
            return await asyncio.open_connection("127.0.0.1", self.server.port)
        return await asyncio.open_unix_connection(str(self.paths.socket))


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One answer with a length, or to the end of the stream."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    length = headers.get("content-length")
    body = await reader.readexactly(int(length)) if length is not None else b""
    return Answer(status, headers, body)


@contextlib.asynccontextmanager
async def serving(
    home: Path,
    engine: FakeEngine | None = None,
    *,
    clock: Clock | None = None,
    settings: ApiSettings | None = None,
    tcp_port: int | None = None,
) -> AsyncIterator[LiveApi]:
    """A fake engine behind the real API in `home`, until the block ends."""
    engine = engine or FakeEngine()
    paths = resolve_paths(home)
    options: dict[str, Any] = {"clock": clock, "settings": settings, "tcp_port": tcp_port}
    server = ApiServer(engine, paths, **options)
    await server.start()
    try:
        yield LiveApi(engine, server, paths)
    finally:
        await server.stop()
    assert engine.errors == []
