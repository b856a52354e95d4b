"""Each fault of the HTTP server as a real client meets it, and what the broker behind it has done."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.servers.http import HttpServer, Request, Response, json_response

NO_ANSWER_S = 0.3
DONE = {
    Fault.TIMEOUT_AFTER: httpx.ReadTimeout,
    Fault.RESET: httpx.ReadError,
    Fault.HALF_BODY: httpx.RemoteProtocolError,
    Fault.GARBAGE: 200,
    Fault.TIMEOUT_504: 504,
    Fault.SLOW_DRIP: 201,
}
NOT_DONE = {
    Fault.TIMEOUT_BEFORE: httpx.ReadTimeout,
    Fault.THROTTLED: 429,
    Fault.BANNED: 418,
    Fault.ERROR_500: 500,
    Fault.ERROR_502: 502,
    Fault.ERROR_503: 503,
    Fault.TOKEN_DEAD: 401,
}


class Shop:
    """Takes orders."""

    def __init__(self) -> None:
        self.taken: list[object] = []

    def __call__(self, request: Request) -> Response:
        """POST makes an order, anything else is told what was made."""
        if request.method != "POST":
            return json_response(self.taken)
        self.taken.append(request.json())
        return json_response({"id": len(self.taken), "note": "x" * 200}, 201)


@pytest.fixture
async def shop() -> Shop:
    """One broker."""
    return Shop()


@pytest.fixture
async def server(shop: Shop) -> AsyncIterator[HttpServer]:
    """Its server."""
    async with HttpServer(shop) as running:
        yield running


@pytest.mark.parametrize(("fault", "met"), [*DONE.items(), *NOT_DONE.items()], ids=str)
async def test_a_client_meets_the_fault_and_the_broker_has_done_or_not_done(
    server: HttpServer, shop: Shop, fault: Fault, met: int | type[Exception]
) -> None:
    server.plan.force(fault)
    async with httpx.AsyncClient(base_url=server.url, timeout=5) as client:
        if isinstance(met, int):
            answer = await client.post("/orders", json={"n": 1})
            assert answer.status_code == met
            assert ("retry-after" in answer.headers) is (fault in {Fault.THROTTLED, Fault.BANNED})
        else:
            timeout = NO_ANSWER_S if met is httpx.ReadTimeout else 5
            with pytest.raises(met):
                await client.post("/orders", json={"n": 1}, timeout=timeout)
        assert shop.taken == ([{"n": 1}] if fault in DONE else [])
        assert (await client.post("/orders", json={"n": 2})).status_code == 201, "it is over"
    assert [struck for struck, _ in server.struck] == [fault]


async def test_a_garbage_answer_is_not_readable(server: HttpServer) -> None:
    server.plan.force(Fault.GARBAGE)
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.post("/orders", json={})
    with pytest.raises(ValueError, match=r"decode|value"):
        answer.json()


async def test_refused_is_refused_and_the_port_comes_back(server: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/")).status_code == 200
        await server.refuse()
        with pytest.raises(httpx.HTTPError):
            await client.get("/")
        with pytest.raises(httpx.ConnectError):
            await client.get("/")
        assert await server.start() == str(client.base_url).rstrip("/")
        assert (await client.get("/")).status_code == 200


async def test_tls_and_name_fail_before_anything_is_sent(server: HttpServer) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(server.no_tls_url)
        with pytest.raises(httpx.ConnectError):
            await client.get(server.lost_name_url)
    assert not server.requests


async def test_the_broker_s_clock_is_off_when_it_is_said_to_be(shop: Shop) -> None:
    async with HttpServer(shop, now_s=lambda: 1_000_000.0) as server, httpx.AsyncClient(base_url=server.url) as client:
        plain = (await client.get("/")).headers["date"]
        server.plan.force(Fault.CLOCK_SKEW)
        skewed = (await client.get("/")).headers["date"]
    assert (plain[-12:], skewed[-12:]) == ("13:46:40 GMT", "13:51:40 GMT")


async def test_faults_strike_only_where_they_are_aimed(server: HttpServer) -> None:
    server.aim(lambda request: request.method == "POST")
    server.plan.force(Fault.ERROR_503)
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.post("/", json={})).status_code == 503


async def test_requests_are_kept_as_they_came_and_what_is_no_http_ends_its_line(server: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        await client.post("/a?x=1&y=%20", data={"k": "v w"}, headers={"X-Key": "abc"})
    request = server.requests[0]
    assert (request.path, request.params(), request.form()) == ("/a", {"x": "1", "y": " "}, {"k": "v w"})
    assert (request.headers["x-key"], request.json()) == ("abc", None)
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setblocking(False)
        await _send(line, b"\x00\x01 nonsense\r\n\r\n")
        assert await _read(line) == b""


async def _send(line: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(line, data)


async def _read(line: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(line, 100)
