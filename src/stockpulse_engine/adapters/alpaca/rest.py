"""Alpaca's REST over httpx: one attempt each, bounded answers, keys in headers and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from stockpulse_engine import __version__
from stockpulse_engine.adapters.alpaca.budget import RateBudget, Sleep, Use
from stockpulse_engine.adapters.alpaca.errors import Verdict, no_answer, not_authorized, refusal, verdict_of
from stockpulse_engine.adapters.alpaca.parse import AlpacaError, ParseError, decode
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.redaction import register_secret
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError

if TYPE_CHECKING:
    import httpx

_NS: Final = 1_000_000_000
_READ_TRIES: Final = 2
_CANCEL_TRIES: Final = 3
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they write addresses, and at DEBUG more (F45)


class Keys:
    """The pair of one account. It has no text of its own, so that no trace shows it."""

    __slots__ = ("key_id", "secret_key")

    def __init__(self, key_id: str, secret_key: str) -> None:
        self.key_id = key_id
        self.secret_key = secret_key
        for value in (key_id, secret_key):
            register_secret(value)

    def __repr__(self) -> str:
        return "Keys([redacted])"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("keys are never written anywhere")


class Answer(msgspec.Struct, frozen=True):
    """An answer that came whole: what it proves, Alpaca's words, and its bytes."""

    verdict: Verdict
    error: AlpacaError
    status: int
    body: bytes

    def document(self) -> Any:
        """The JSON. Raises ParseError."""
        return decode(self.body)


class AlpacaRest:
    """Requests and their answers. Nothing that changes anything is ever sent a second time but a cancel."""

    def __init__(
        self, settings: AlpacaSettings, keys: Keys, clock: Clock, budget: RateBudget, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None
        self._dead_until = 0
        self.budget = budget
        self.is_dead = False
        """The key was refused: nothing works until it is accepted again."""

    def open(self) -> None:
        """Get ready; nothing is sent."""
        if self._client is not None:
            return
        import httpx

        limit = httpx.Timeout(self._settings.answer_s, connect=self._settings.connect_s, pool=self._settings.connect_s)
        self._client = httpx.AsyncClient(
            # Within this machine no TLS is spoken, so none is prepared; to everywhere else it is always verified.
            transport=httpx.AsyncHTTPTransport(retries=0, verify=False) if self._is_plain() else None,
            timeout=limit,
            follow_redirects=False,
            headers={
                "APCA-API-KEY-ID": self._keys.key_id,
                "APCA-API-SECRET-KEY": self._keys.secret_key,
                "user-agent": f"stockpulse/{__version__}",
                "accept": "application/json",
            },
        )

    async def close(self) -> None:
        """Let go of every socket."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send once. Raises UnavailableError (nothing left) or AmbiguousOutcomeError (something may have)."""
        return await self._change("POST", path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Answer:
        """As `post`: a change makes a new order, so it leaves once too."""
        return await self._change("PATCH", path, body)

    async def delete(self, path: str) -> Answer:
        """Cancel. When told to come back later it comes back: canceling twice is canceling once."""
        for _ in range(_CANCEL_TRIES - 1):
            answer = await self._ask("DELETE", path, Use.CANCEL, self._settings.read_wait_s)
            if answer.verdict is not Verdict.THROTTLED:
                return answer
        return await self._ask("DELETE", path, Use.CANCEL, self._settings.read_wait_s)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer. Raises UnavailableError for everything else: without an answer nothing is proven."""
        answer = await self.look(path, params)
        if answer.verdict is not Verdict.DONE:
            raise no_answer(answer.verdict, answer.error)
        return document_of(answer)

    async def look(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Ask, and once more where that can help. Raises UnavailableError when no whole answer came."""
        for attempt in range(1, _READ_TRIES + 1):
            try:
                answer = await self._ask("GET", path, Use.READ, self._settings.read_wait_s, params=params)
            except AmbiguousOutcomeError as error:
                if attempt == _READ_TRIES:
                    raise UnavailableError(
                        f"Alpaca gave no answer: {error}.", fix="It is asked again by itself."
                    ) from None
            else:
                if answer.verdict is not Verdict.THROTTLED or attempt == _READ_TRIES:
                    return answer
        raise UnavailableError("Alpaca gave no answer.")

    async def _change(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        content = json.dumps(body, separators=(",", ":")).encode()
        return await self._ask(method, path, Use.ORDER, self._settings.order_wait_s, content=content)

    async def _ask(
        self,
        method: str,
        path: str,
        use: Use,
        most_s: float,
        *,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        if self._client is None:
            raise UnavailableError("The link to Alpaca is down.", fix="It is being re-opened; try again.")
        if self.is_dead and self._clock.monotonic_ns() < self._dead_until:
            raise not_authorized()
        await self.budget.take(use, most_s)
        status, headers, raw = await self._send(method, path, content, params)
        self.budget.note(status, headers, self._clock.now_ns() / _NS)
        verdict, error = verdict_of(status, raw)
        self._mark(verdict)
        return Answer(verdict, error, status, raw)

    async def _send(
        self, method: str, path: str, content: bytes | None, params: Mapping[str, str] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        import httpx

        client = self._client
        if client is None:
            raise UnavailableError("The link to Alpaca is down.", fix="It is being re-opened; try again.")
        headers = {"content-type": "application/json"} if content is not None else None
        try:
            async with (
                asyncio.timeout(self._settings.connect_s + self._settings.answer_s),
                client.stream(
                    method, f"{self._settings.url}{path}", content=content, params=params, headers=headers
                ) as response,
            ):
                return response.status_code, dict(response.headers), await self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise UnavailableError(
                f"Alpaca can not be reached ({type(error).__name__}); nothing was sent.", fix="Check the network."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise AmbiguousOutcomeError(f"no whole answer to {method} ({type(error).__name__})") from None

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._settings.max_bytes:
                raise AmbiguousOutcomeError(f"an answer of more than {self._settings.max_bytes} bytes")
        return bytes(body)

    def _mark(self, verdict: Verdict) -> None:
        if verdict is Verdict.NOT_AUTHORIZED:
            self.is_dead = True
            self._dead_until = self._clock.monotonic_ns() + round(self._settings.dead_s * _NS)
        elif verdict is not Verdict.AMBIGUOUS and verdict is not Verdict.THROTTLED:
            self.is_dead = False

    def _is_plain(self) -> bool:
        """To this machine no proxy leads; to everywhere else the environment's own is used, equally without retries."""
        return self._settings.url.startswith("http://")


def document_of(answer: Answer) -> Any:
    """The JSON of an answer to a question. Raises UnavailableError."""
    try:
        return answer.document()
    except ParseError as error:
        raise UnavailableError(f"Alpaca's answer can not be read: {error}.") from None


def require_done(answer: Answer) -> None:
    """Raise what a change that was not done, or perhaps not done, is called."""
    if answer.verdict is not Verdict.DONE:
        raise refusal(answer.verdict, answer.error)
