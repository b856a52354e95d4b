"""The door: a raw ASGI layer in front of routing and of the WebSocket upgrade (R02-R06, R09).

Nothing behind it sees a request whose Host, Origin, token, size or content type is not what it must be. There are
no cookies and no CORS headers, so a browser page has nothing to borrow.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from stockpulse_engine.api.auth import Role, Tokens
from stockpulse_engine.api.limits import RateLimiter
from stockpulse_engine.api.problems import PROBLEM_TYPE, problem
from stockpulse_engine.api.roles import SCOPE_KEY, Caller
from stockpulse_engine.wire import codec
from stockpulse_engine.wire.rest import Problem
from stockpulse_engine.wire.version import HEAD_HEADER, PROTOCOL_VERSION, VERSION_HEADER

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_HEADERS = 8 * 1024
BODY_TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HEAD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_JSON_TYPE = re.compile(rb'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_BRAKE = re.compile(r"/v1/(?:halt|orders/cancel|orders/[^/]+/cancel)")
"""Halt, reduce, flatten, resume and every cancel: never limited, and taken in a full house."""
_BRAKE_VIEWS = ("/v1/halt", "/v1/health")
RESERVED_KEY = "stockpulse.reserved"
"""Set in the scope of a connection that holds a place kept for the brake."""
_HEADERS: tuple[Header, ...] = (
    (VERSION_HEADER.encode(), str(PROTOCOL_VERSION).encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """The request goes no further; carries the problem document and extra headers."""

    def __init__(self, document: Problem, headers: Iterable[Header] = ()) -> None:
        super().__init__(document.detail)
        self.document = document
        self.headers = tuple(headers)


class Guard:
    """Checks every request and WebSocket handshake, then hands it to `app` with its `Caller` in the scope."""

    def __init__(
        self, app: App, tokens: Tokens, limiter: RateLimiter, *, on_answer: Callable[[str, int], None] = lambda *_: None
    ) -> None:
        self._app = app
        self._on_answer = on_answer
        self._tokens = tokens
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            scope[SCOPE_KEY] = self._admit(scope)
            if scope["type"] == "http":
                receive = await _whole_body(scope, receive)
        except Refusal as refusal:
            self._on_answer("(refused)", refusal.document.status)
            await _refuse(scope, send, refusal)
            return
        await self._app(scope, receive, self._watch(scope, send))

    def _watch(self, scope: Scope, send: Send) -> Send:
        """Add our headers to the answer and count it under its route's pattern."""
        headers = (*_HEADERS, *_closing(scope))

        async def wrapped(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message["headers"] = [*message.get("headers", ()), *headers]
                self._on_answer(scope.get("path_template", ""), message.get("status", 101))
            await send(message)

        return wrapped

    def _admit(self, scope: Scope) -> Caller:
        headers = Headers(scope["headers"])
        _check_headers(headers)
        _check_host(headers, scope.get("server"))
        _check_origin(headers)
        _check_method(scope)
        caller = self._identify(headers)
        is_brake = scope.get("method") == "POST" and _BRAKE.fullmatch(scope["path"]) is not None
        if RESERVED_KEY in scope and not (is_brake or scope["path"] in _BRAKE_VIEWS):
            raise Refusal(full_house())
        if not is_brake:
            self._limit(caller.role)
        return caller

    def _identify(self, headers: Headers) -> Caller:
        given = headers.single(b"authorization")
        kind, _, token = (given or "").partition(" ")
        role = self._tokens.role_of(token) if kind.lower() == "bearer" and token else None
        if role is None:
            document = problem(401, "unauthorized", "A token is needed.", fix="Send `Authorization: Bearer TOKEN`.")
            raise Refusal(document, [(b"www-authenticate", b"Bearer")])
        head = headers.single(HEAD_HEADER.encode()) or ""
        version = headers.single(VERSION_HEADER.encode()) or ""
        protocol = int(version) if version.isascii() and version.isdigit() and len(version) <= 6 else None  # noqa: PLR2004 - a million versions
        return Caller(role, head if _HEAD_ID.fullmatch(head) else "", protocol)

    def _limit(self, role: Role) -> None:
        wait_s = self._limiter.take(role)
        if wait_s:
            document = problem(429, "too_many_requests", "More than 100 requests a second.", fix="Slow down.")
            raise Refusal(document, [(b"retry-after", str(math.ceil(wait_s)).encode())])


class Headers:
    """Raw headers by lower-case name."""

    def __init__(self, raw: Iterable[Header]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        self.size = 0
        for name, value in raw:
            self.size += len(name) + len(value) + 4
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: bytes) -> list[bytes]:
        """Every value sent under the name."""
        return self._values.get(name, [])

    def single(self, name: bytes) -> str | None:
        """The value when the header was sent exactly once."""
        found = self.all(name)
        return found[0].decode("latin-1") if len(found) == 1 else None


def full_house() -> Problem:
    """Said to whoever comes when all places are taken and does not come for the brake."""
    return problem(
        503,
        "too_many_sockets",
        "All sockets are taken; only halt, reduce, flatten and cancels are let in.",
        fix="Close a head.",
    )


def _closing(scope: Scope) -> tuple[Header, ...]:
    """A place kept for the brake is given back after one answer."""
    return ((b"connection", b"close"),) if RESERVED_KEY in scope else ()


def _check_headers(headers: Headers) -> None:
    if headers.size > MAX_HEADERS:
        raise Refusal(problem(431, "headers_too_large", f"The headers have more than {MAX_HEADERS} bytes."))


def _check_host(headers: Headers, server: tuple[str, int | None] | None) -> None:
    port = server[1] if server else None
    names = ("localhost",) if port is None else _LOOPBACK
    host = headers.single(b"host")
    if host is None or (host not in names and host not in {f"{name}:{port}" for name in names if port}):
        raise Refusal(problem(421, "misdirected", "This engine does not answer to that Host.", fix="Use localhost."))


def _check_origin(headers: Headers) -> None:
    if headers.all(b"origin"):
        raise Refusal(problem(403, "foreign_origin", "Pages in a browser may not call the engine."))
    if any(site.strip().lower() not in (b"none", b"same-origin") for site in headers.all(b"sec-fetch-site")):
        raise Refusal(problem(403, "cross_site", "Pages in a browser may not call the engine."))


def _check_method(scope: Scope) -> None:
    if scope["type"] == "http" and scope["method"] not in ("GET", "POST"):
        document = problem(405, "method_not_allowed", "Only GET and POST are known here.")
        raise Refusal(document, [(b"allow", b"GET, POST")])


async def _whole_body(scope: Scope, receive: Receive) -> Receive:
    """Check type and size, read the body to its end, and return a `receive` that plays it back."""
    headers = Headers(scope["headers"])
    if scope["method"] == "POST":
        _check_type(headers)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _read(headers, receive)
    except TimeoutError:
        raise Refusal(problem(408, "timeout", "The body did not arrive in time.")) from None
    if scope["method"] == "GET" and body:
        raise Refusal(problem(400, "invalid_value", "A GET request carries no body."))
    replay = iter(({"type": "http.request", "body": body, "more_body": False},))

    async def play() -> Message:
        for message in replay:
            return message
        return await receive()

    return play


def _check_type(headers: Headers) -> None:
    kinds = headers.all(b"content-type")
    if len(kinds) != 1 or not _JSON_TYPE.fullmatch(kinds[0].strip()) or headers.all(b"content-encoding"):
        raise Refusal(problem(415, "unsupported_media_type", "Bodies are plain application/json."))


async def _read(headers: Headers, receive: Receive) -> bytes:
    told = headers.single(b"content-length") or "0"
    if not (told.isascii() and told.isdigit()) or int(told[:20]) > codec.MAX_BODY:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(problem(400, "invalid_value", "The body ended too soon."))
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > codec.MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large() -> Refusal:
    return Refusal(
        problem(413, "body_too_large", f"The body has more than {codec.MAX_BODY} bytes."), [(b"connection", b"close")]
    )


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer with the problem document; a WebSocket handshake gets the same before any upgrade."""
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    body = codec.encode(refusal.document)
    headers = [(b"content-type", PROBLEM_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    closing = () if any(name == b"connection" for name, _ in refusal.headers) else _closing(scope)
    start = {"status": refusal.document.status, "headers": [*headers, *refusal.headers, *_HEADERS, *closing]}
    await send({"type": f"{prefix}.response.start", **start})
    await send({"type": f"{prefix}.response.body", "body": body, "more_body": False})
