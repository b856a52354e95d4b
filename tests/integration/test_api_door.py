"""The door, attacked over real sockets: R01-R09. Nothing that is refused has an effect on the engine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.api import guard, protocol
from stockpulse_engine.api.app import HANDLERS
from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.roles import allowed
from stockpulse_engine.api.server import ApiServer, listen_unix
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.domain.errors import ConfigError, UnavailableError
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.live_api import Answer, LiveApi, read_answer, serving

ORDER: dict[str, Any] = {
    "client_order_id": "C1",
    "terms": {
        "account_id": "main",
        "instrument_id": "AAPL.XNAS",
        "side": "BUY",
        "quantity": "100",
        "order_type": "LIMIT",
        "limit_price": "100.00",
    },
}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
NOT_OURS = [
    "", "localhost.", "LOCALHOST", "LocalHost", "localhost:", "localhost:abc", "localhost:99999", "localhost :80",
    "user@localhost", "user:pw@localhost", "localhost@evil.example", "evil.example", "evil.example:80",
    "localhost.evil.example", "evil-localhost", "xlocalhost", "localhost,evil.example", "localhost evil.example",
    "localhost/", "localhost/x", "localhost#", "localhost?", "http://localhost", "//localhost", "2130706433",
    "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.0.0.2", "0.0.0.0", "0", "::1", "[::1].",
    "[::1%25lo]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "127.0.0.1.nip.io", "localtest.me", "xn--localhost-",
    "*", "%6cocalhost", "localhost%00", "localhost:1",
]  # fmt: skip


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        yield live
        assert live.engine.effects == []


def _routes() -> list[tuple[str, str]]:
    """Method and a concrete path of every REST route."""
    found = []
    for handler in HANDLERS:
        method = str(next(iter(getattr(handler, "http_methods", None) or {"GET"}))).rsplit(".", 1)[-1]
        found += [(method, re.sub(r"\{[^}]*\}", "AAPL.XNAS", path)) for path in handler.paths]
    return found


@pytest.mark.covers("R02")
async def test_no_route_answers_without_a_token(api: LiveApi) -> None:
    wrong = (None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", f"Token {api.token()}")
    for (method, path), authorization in itertools.product(_routes(), wrong):
        upgrade = UPGRADE if path == "/v1/stream" else {}
        headers = {**api.headers(Authorization=authorization), "Content-Type": "application/json", **upgrade}
        answer = await api.raw(method, path, headers, b"{}" if method == "POST" else b"")
        assert (answer.status, answer.problem.code) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_even_what_does_not_exist_needs_a_token(api: LiveApi) -> None:
    assert (await api.get("/nowhere", Authorization=None)).status == 401
    assert (await api.get("/nowhere")).status == 404
    assert (await api.get("/schema")).status == 404


async def test_a_token_in_the_address_is_no_token(api: LiveApi) -> None:
    assert (await api.get(f"/v1/health?token={api.token()}", Authorization=None)).status == 401


async def test_two_tokens_are_none(api: LiveApi) -> None:
    data = f"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n{f'Authorization: Bearer {api.token()}' + chr(13) + chr(10)}"
    twice = data + f"Authorization: Bearer {api.token()}\r\nConnection: close\r\n\r\n"
    assert (await api.bytes(twice.encode())).status == 401


@pytest.mark.covers("R03")
async def test_no_other_spelling_of_a_host_is_ours(api: LiveApi) -> None:
    assert len(NOT_OURS) >= 40
    for host in NOT_OURS:
        assert (await api.get("/v1/health", Host=host)).status in (400, 421), host


async def test_a_missing_or_second_host_is_refused(api: LiveApi) -> None:
    assert (await api.get("/v1/health", Host=None)).status in (400, 421)
    lines = f"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nAuthorization: Bearer {api.token()}\r\n"
    assert (await api.bytes((lines + "Connection: close\r\n\r\n").encode())).status in (400, 421)


@pytest.mark.covers("R03")
async def test_on_tcp_the_three_names_of_loopback_are_ours_with_our_port_alone(home: Path) -> None:
    async with serving(home, tcp_port=0) as api:
        port = api.server.port
        for name in ("localhost", "127.0.0.1", "[::1]"):
            assert (await api.get("/v1/health", Host=f"{name}:{port}")).status == 200
            assert (await api.get("/v1/health", Host=f"{name}:{port + 1}")).status == 421
        for host in NOT_OURS:
            assert (await api.get("/v1/health", Host=host)).status in (400, 421)


@pytest.mark.covers("F49", "R04")
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost", "https://localhost:8000", "file://", ""]
)
async def test_a_page_in_a_browser_is_refused_before_routing_and_before_upgrade(api: LiveApi, origin: str) -> None:
    assert (await api.get("/nowhere", Origin=origin)).status == 403
    answer = await api.raw("GET", "/v1/stream", {**api.headers(Origin=origin), **UPGRADE})
    assert answer.status == 403
    assert "upgrade" not in answer.headers


@pytest.mark.covers("R05")
@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "unheard-of"])
async def test_what_a_browser_calls_cross_site_is_refused(api: LiveApi, site: str) -> None:
    assert (await api.get("/v1/health", Sec_Fetch_Site=site)).status == 403


@pytest.mark.covers("R05")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json5", "application/jsonx",
             "text/json", "application/json; charset=utf-16", "", None, "application/json, text/plain", "application/msgpack"],
)  # fmt: skip
async def test_a_body_is_json_or_refused(api: LiveApi, kind: str | None) -> None:
    answer = await api.post("/v1/orders", json.dumps(ORDER).encode(), Content_Type=kind)
    assert answer.status == 415


async def test_a_packed_body_is_refused(api: LiveApi) -> None:
    assert (await api.post("/v1/orders", b"x", Content_Encoding="gzip")).status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_unknown_here(api: LiveApi, method: str) -> None:
    answer = await api.raw(method, "/v1/orders", api.headers())
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.covers("F49", "R04", "R05")
async def test_browser_attacks_replayed_have_no_effect(api: LiveApi) -> None:
    """CSRF by form and by text/plain, DNS rebinding, cross-site WebSocket: with the right token even."""
    body = json.dumps(ORDER).encode()
    page = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        assert (
            await api.raw("POST", "/v1/orders", {**api.headers(), **page, "Content-Type": kind}, body)
        ).status == 403
        bare = {"Host": "localhost", "Cookie": f"token={api.token()}", "Content-Type": kind}
        assert (await api.raw("POST", "/v1/orders", bare, body)).status == 401
    assert (await api.post("/v1/orders", body, Host="rebound.evil.example")).status == 421
    assert (await api.raw("GET", "/v1/stream", {**api.headers(), **page, **UPGRADE})).status == 403
    preflight = await api.raw(
        "OPTIONS", "/v1/orders", {**api.headers(), **page, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status == 403
    assert api.engine.trading.book == {}


@pytest.mark.covers("R06")
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(ORDER).replace('"100"', "NaN").encode(),
        json.dumps(ORDER).replace('"100"', "Infinity").encode(),
        json.dumps(ORDER).replace('"100"', "1e999").encode(),
        json.dumps(ORDER).replace('"100"', '"NaN"').encode(),
        json.dumps(ORDER).replace('"100"', '"1_000"').encode(),
        json.dumps(ORDER).replace('"100"', '"١٠٠"').encode(),
        json.dumps(ORDER).replace('"side": "BUY"', '"side": "BUY", "side": "SELL"').encode(),
        json.dumps(ORDER).replace('"C1"', '""').encode(),
        json.dumps(ORDER).replace('"C1"', '"C 1"').encode(),
        json.dumps({**ORDER, "terms": {**ORDER["terms"], "quantiy": "1"}}).encode(),
        b"[" * 30_000,
        b'{"a":' * 10_000,
        b"",
        b"\xff",
        b"null",
    ],
)
async def test_bodies_that_mislead_parsers_are_refused(api: LiveApi, body: bytes) -> None:
    answer = await api.post("/v1/orders", body)
    assert (answer.status, answer.problem.code) == (400, "invalid_value")


@pytest.mark.covers("R07")
async def test_every_mutation_wants_its_key(api: LiveApi) -> None:
    for method, path in _routes():
        if method == "POST" and path not in ("/v1/orders/preview", "/v1/sql"):
            answer = await api.post(path, b'{"action":"halt","pattern":"*"}', "admin")
            assert answer.status == 400, path


@pytest.mark.covers("R06")
async def test_limits_on_size(api: LiveApi) -> None:
    assert (await api.post("/v1/orders", b" " * 65_537)).status == 413
    assert (await api.post("/v1/orders", b" " * 65_536)).status == 400
    assert (await api.get("/v1/health", X_Filler="x" * 8192)).status == 431
    assert (await api.get("/v1/health", X_Filler="x" * 7000)).status == 200


async def test_a_body_that_lies_about_its_length_is_cut(api: LiveApi) -> None:
    start = "".join(f"{name}: {value}\r\n" for name, value in api.headers(Content_Type="application/json").items())
    chunked = f"POST /v1/orders HTTP/1.1\r\n{start}Transfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    assert (await api.bytes(chunked + chunk * 9)).status == 413
    huge = f"POST /v1/orders HTTP/1.1\r\n{start}Content-Length: 99999999999999999999\r\n\r\n".encode()
    assert (await api.bytes(huge)).status in (400, 413)


async def test_a_header_without_end_is_cut_before_it_fills_memory(api: LiveApi) -> None:
    reader, writer = await api.connect()
    writer.write(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 9000)
    answer = await read_answer(reader)
    assert answer.status == 431
    assert await reader.read() == b""
    writer.close()


@pytest.mark.covers("R06")
async def test_the_sockets_are_counted(api: LiveApi) -> None:
    held = [await api.connect() for _ in range(64)]
    answer = await api.get("/v1/quotes")
    assert (answer.status, answer.problem.code) == (503, "too_many_sockets")
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    for _ in range(100):
        if (await api.get("/v1/quotes")).status == 200:
            return
        await asyncio.sleep(0)
    pytest.fail("closed sockets still count")


@pytest.mark.covers("R14")
@pytest.mark.parametrize("squatters", [0, 8, 30])
async def test_a_full_house_does_not_keep_the_brake_out(home: Path, squatters: int) -> None:
    """64 heads on the stream, and more sockets that would hold every kept place and say nothing."""
    async with serving(home) as api:
        writers = [await attached(api) for _ in range(64)]
        writers += [(await api.connect())[1] for _ in range(squatters)]
        for action in ("reduce", "halt"):
            body = json.dumps({"request_id": f"r-{action}", "action": action}).encode()
            answer = await api.raw("POST", "/v1/halt", api.headers(Content_Type="application/json"), body)
            assert answer.status == 200, answer
            assert answer.headers["connection"] == "close", "the place is for the next one"
        flatten = json.dumps({"request_id": "r-flat", "action": "flatten", "word": "FLATTEN"}).encode()
        assert (await api.post("/v1/halt", flatten)).status == 200
        assert (await api.post("/v1/orders/cancel", b'{"request_id":"r"}')).status == 200
        assert (await api.post("/v1/orders/C1/cancel", b'{"request_id":"q"}')).status == 404
        assert (await api.get("/v1/halt")).status == 200
        assert (await api.get("/v1/halt", Authorization=None)).status == 401
        reader, writer = await api.connect()
        writers.append(writer)
        for refused in (
            await api.get("/v1/orders"),
            await api.post("/v1/orders", json.dumps(ORDER).encode()),
            await handshake(api, reader, writer),
        ):
            assert (refused.status, refused.problem.code) == (503, "too_many_sockets")
        for writer in writers:
            writer.close()


async def attached(api: LiveApi) -> asyncio.StreamWriter:
    """A socket that was upgraded to the stream."""
    reader, writer = await api.connect()
    assert (await handshake(api, reader, writer)).status == 101
    return writer


async def handshake(api: LiveApi, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    """The answer to the opening handshake of the stream."""
    lines = [f"{name}: {value}" for name, value in {**api.headers(), **UPGRADE}.items()]
    writer.write("\r\n".join(["GET /v1/stream HTTP/1.1", *lines, "", ""]).encode())
    return await read_answer(reader)


@pytest.mark.covers("R06", "O8")
async def test_a_token_may_ask_100_times_a_second_but_always_cancel_and_halt(home: Path, clock: ManualClock) -> None:
    async with serving(home, clock=clock) as api:
        statuses = [(await api.get("/v1/halt")).status for _ in range(101)]
        assert statuses == [200] * 100 + [429]
        refused = await api.get("/v1/halt")
        assert (refused.problem.code, refused.headers["retry-after"]) == ("too_many_requests", "1")
        assert (await api.get("/v1/halt", "viewer")).status == 200
        assert (await api.post("/v1/orders/C1/cancel", b'{"request_id":"r"}')).status == 404
        assert (await api.post("/v1/orders/cancel", b'{"request_id":"r"}')).status == 200
        assert (await api.post("/v1/halt", b'{"request_id":"r","action":"halt"}')).status == 200
        clock.advance(1_000_000_000)
        assert (await api.get("/v1/halt")).status == 200


@pytest.mark.covers("R09")
async def test_another_protocol_version_may_only_read(api: LiveApi) -> None:
    for version in ("2", "0", None, "", "x", "١"):
        sent = version if version is None or version.isascii() else version.encode().decode("latin-1")
        assert (await api.get("/v1/quotes", X_StockPulse_Protocol=sent)).status == 200
        answer = await api.post("/v1/orders", json.dumps(ORDER).encode(), X_StockPulse_Protocol=sent)
        assert (answer.status, answer.problem.code) == (426, "read_only")
        assert "may only read" in answer.problem.detail
    assert (await api.get("/v1/quotes")).headers["x-stockpulse-protocol"] == "1"


@pytest.mark.covers("R08")
async def test_problems_tell_nothing_of_the_inside(home: Path) -> None:
    engine = FakeEngine()
    secret = "/home/trader/.local/state/stockpulse/worlds/sim/journal.db"
    async with serving(home, engine) as api:
        errors: list[Exception] = [
            RuntimeError(f"no such table: orders in {secret}"),
            UnavailableError(f"could not open {secret}: disk I/O error", fix=f"ls -l {secret}"),
            ConfigError(f"{secret} is broken"),
            KeyError("SELECT * FROM journal"),
        ]
        for number, error in enumerate(errors):
            engine.system.backup_error = error
            body = json.dumps({"request_id": f"r{number}"}).encode()
            answer = await api.post("/v1/backup", body, "admin")
            text = answer.body.decode()
            assert answer.status in (500, 503)
            assert answer.headers["content-type"] == "application/problem+json"
            for private in ("/home", "worlds", "Traceback", "SELECT", "no such table", "line ", api.token("admin")):
                assert private not in text


@pytest.mark.covers("R05")
async def test_answers_carry_no_cookie_and_no_cors(api: LiveApi) -> None:
    for answer in (
        await api.get("/v1/health"),
        await api.get("/nowhere"),
        await api.get("/v1/health", Authorization=None),
    ):
        assert not {name for name in answer.headers if name.startswith(("set-cookie", "access-control", "server"))}
        assert answer.headers["cache-control"] == "no-store"


async def test_a_start_under_umask_000_leaves_nothing_open(home: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(home) as api:
            os.umask(before)
            found = {
                path: stat.S_IMODE(path.stat().st_mode)
                for path in (api.paths.socket, api.paths.socket.parent, api.paths.tokens, *api.paths.tokens.iterdir())
            }
    finally:
        os.umask(before)
    assert {mode for path, mode in found.items() if path.suffix == ".sock" or not path.is_dir()} == {0o600}
    assert found[api.paths.tokens] == found[api.paths.socket.parent] == 0o700


async def test_a_readable_token_stops_the_start(home: Path) -> None:
    async with serving(home) as api:
        token = api.paths.tokens / "trader"
    token.chmod(0o644)
    with pytest.raises(ConfigError, match="read by other"):
        ApiServer(FakeEngine(), resolve_paths(home))


async def test_a_second_engine_on_the_socket_is_refused_and_a_dead_ones_socket_is_taken_over(home: Path) -> None:
    async with serving(home) as api:
        with pytest.raises(UnavailableError, match="answers"):
            await ApiServer(FakeEngine(), api.paths).start()
    listener = listen_unix(api.paths.socket)
    listener.close()  # a killed engine leaves its file
    async with serving(home) as again:
        assert (await again.get("/v1/health")).status == 200
    assert not api.paths.socket.exists()


def test_a_socket_directory_of_somebody_else_or_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    private = tmp_path / "run"
    private.mkdir(mode=0o700)
    (private / "engine.sock").write_text("mine")
    with pytest.raises(ConfigError, match="not a socket"):
        listen_unix(private / "engine.sock")
    (tmp_path / "link").symlink_to(private)
    with pytest.raises(ConfigError, match="yours alone"):
        listen_unix(tmp_path / "link" / "other.sock")


_STRANGER = textwrap.dedent("""
    import socket, sys
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(sys.argv[1])
        peer.sendall(b"GET /v1/health HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Bearer " + sys.argv[2].encode() + b"\\r\\n\\r\\n")
        print(repr(peer.recv(100)))
    except OSError as error:
        print(type(error).__name__)
""")


@pytest.mark.covers("R01")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a second user")
async def test_another_user_is_turned_away_by_the_directory_and_by_the_peer_check(api: LiveApi) -> None:
    """First as installed; then with every permission opened by hand, so that only the peer check is left."""
    assert await _as_nobody(api) == "PermissionError"
    opened = [api.paths.socket, *list(api.paths.socket.parents)[:-2]]
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in opened}
    for path in opened:
        path.chmod(0o777)
    try:
        said = await _as_nobody(api)
    finally:
        for path, mode in before.items():
            path.chmod(mode)
    assert said in ("b''", "ConnectionResetError", "BrokenPipeError")


async def _as_nobody(api: LiveApi) -> str:
    def run() -> str:
        command = [
            getattr(sys, "_base_executable", sys.executable),
            "-I",
            "-c",
            _STRANGER,
            str(api.paths.socket),
            api.token(),
        ]
        if not _can_run_as_nobody(command[0]):
            command[0] = "/usr/bin/python3"
        if not _can_run_as_nobody(command[0]):
            pytest.skip("no Python that another user may run")
        done = subprocess.run(command, user=65534, group=65534, capture_output=True, text=True, check=False, cwd="/")
        return done.stdout.strip() or done.stderr.strip()[-200:]

    return await asyncio.to_thread(run)


def _can_run_as_nobody(python: str) -> bool:
    try:
        done = subprocess.run(
            [python, "-I", "-c", ""], user=65534, group=65534, capture_output=True, check=False, cwd="/"
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.covers("R01", "R43")
async def test_the_engine_listens_on_nothing_but_what_was_asked(home: Path) -> None:
    async with serving(home, settings=ApiSettings()) as api:
        assert api.server.port == 0
    async with serving(home, tcp_port=0) as api:
        with pytest.raises(UnavailableError, match="Port"):
            await ApiServer(FakeEngine(), resolve_paths(home / "other"), tcp_port=api.server.port).start()


def test_a_route_without_a_role_is_found() -> None:
    assert [sorted(handler.paths) for handler in HANDLERS if allowed(handler.fn) is None] == []
    assert {rule.role for handler in HANDLERS if (rule := allowed(handler.fn))} == set(Role)


async def test_a_connection_that_says_nothing_is_cut(api: LiveApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "OPENING_S", 0.01)
    for beginning in (b"", b"GET /v1/health HTTP/1.1\r\nHost: loc"):
        reader, writer = await api.connect()
        writer.write(beginning)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_a_body_that_does_not_arrive_is_given_up(api: LiveApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_TIMEOUT_S", 0.01)
    reader, writer = await api.connect()
    start = "".join(f"{name}: {value}\r\n" for name, value in api.headers(Content_Type="application/json").items())
    writer.write(f"POST /v1/orders HTTP/1.1\r\n{start}Content-Length: 100\r\n\r\n{{".encode())
    assert (await read_answer(reader)).status == 408
    writer.close()
