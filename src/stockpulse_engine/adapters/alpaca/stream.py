"""The stream of order updates: one connection, the client speaks first, and every loss of it is told.

It has no replay: whoever listens asks by REST after each `Up`. The reader only enqueues (F27); text and binary frames
hold the same JSON (paper sends binary ones).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from stockpulse_engine import __version__
from stockpulse_engine.adapters.alpaca.budget import Sleep
from stockpulse_engine.adapters.alpaca.parse import AlpacaUpdate, ParseError, decode, parse_update
from stockpulse_engine.adapters.alpaca.rest import Keys
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings
from stockpulse_engine.base.text import clean_line

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

UPDATES: Final = "trade_updates"
_MAX_FRAME: Final = 1024 * 1024
_CROWDED: Final = frozenset({406, 429})
_FORBIDDEN: Final = frozenset({401, 403})
_CROWDED_FROM: Final = 4
"""A broker that says 'too many' is asked as late as after so many failures."""
_LONGEST_HINT_S: Final = 300.0

_silent = logging.getLogger("stockpulse.alpaca.socket")
_silent.propagate = False  # the library writes whole frames at DEBUG, the one with the keys among them (F45)
_silent.setLevel(logging.CRITICAL + 1)


class Up(msgspec.Struct, frozen=True):
    """Listening: whatever was said before is gone and must be asked for."""


class Down(msgspec.Struct, frozen=True):
    """The line was lost; it is tried again after a while."""

    why: str


class Dead(msgspec.Struct, frozen=True):
    """The key is not accepted: nothing is tried any more (F26)."""

    why: str


class Unreadable(msgspec.Struct, frozen=True):
    """A frame that is none of Alpaca's: something may have been said."""

    why: str


Signal = Up | Down | Dead | Unreadable | AlpacaUpdate
Put = Callable[[Signal], Awaitable[None]]


class _Refused(Exception):  # noqa: N818 - a word of the broker, turned into a signal
    """The handshake was refused; `is_final` when no repetition can help."""

    def __init__(self, why: str, *, is_final: bool, wait_s: float = 0.0, is_crowded: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final
        self.wait_s = wait_s
        self.is_crowded = is_crowded


class TradeStream:
    """Keeps one connection, with full-jitter backoff between losses (F23)."""

    def __init__(
        self,
        settings: AlpacaSettings,
        keys: Keys,
        put: Put,
        *,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._put = put
        self._rng = rng or Random()
        self._sleep = sleep
        self._socket: ClientConnection | None = None
        self._heard = 0
        self.attempts = 0
        """Connections tried so far."""
        self.answers = 0
        """Words of the stream about itself, heard since it listens."""

    @property
    def is_up(self) -> bool:
        """Whether a connection listens."""
        return self._socket is not None

    async def run(self) -> None:
        """Connect, listen, and again, until canceled or the key is dead."""
        failures = 0
        while True:
            self.attempts += 1
            hint = 0.0
            try:
                failures = await self._once(failures)
                why = "the stream was closed"
            except _Refused as refused:
                if refused.is_final:
                    await self._put(Dead(str(refused)))
                    return
                failures = max(failures, _CROWDED_FROM) if refused.is_crowded else failures
                why, hint = str(refused), refused.wait_s
            except Exception as error:  # noqa: BLE001 - whatever it was, the answer is to connect again, later
                why = f"the stream could not be opened ({type(error).__name__})"
            failures += 1
            await self._put(Down(why))
            await self._sleep(max(hint, self.delay(failures)))

    def delay(self, failures: int) -> float:
        """Seconds until the next try: full jitter under a doubling roof."""
        settings = self._settings
        roof = min(settings.longest_backoff_s, settings.first_backoff_s * 2.0 ** min(failures, 16))
        return max(settings.first_backoff_s, self._rng.uniform(0.0, roof))

    async def resubscribe(self) -> None:
        """Say again what is listened to; the cheap cure for a mute line."""
        if self._socket is not None:
            await self._say(self._socket, _LISTEN)

    async def drop(self) -> None:
        """End the connection; it is opened again by itself."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _once(self, failures: int) -> int:
        """One connection from its opening to its end; returns failures to go on counting from."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        settings, time = self._settings, asyncio.get_running_loop().time
        self._heard, began = 0, time()
        try:
            async with connect(
                settings.stream_url,
                open_timeout=settings.handshake_s,
                ping_interval=settings.ping_s,
                ping_timeout=settings.ping_s,
                close_timeout=1.0,
                max_size=_MAX_FRAME,
                compression=None,
                logger=_silent,
                user_agent_header=f"stockpulse/{__version__}",
                proxy=None if settings.stream_url.startswith("ws://") else True,
            ) as socket:
                async with asyncio.timeout(settings.handshake_s):
                    await self._introduce(socket)
                self._socket = socket
                await self._put(Up())
                async for frame in socket:
                    await self._take(frame)
        except InvalidStatus as error:
            raise _by_status(error.response.status_code, error.response.headers.get("Retry-After", "")) from None
        except InvalidHandshake as error:
            raise _Refused(f"no stream there ({type(error).__name__})", is_final=False) from None
        except ConnectionClosed:
            pass
        finally:
            self._socket = None
        return 0 if self._heard or time() - began > settings.longest_backoff_s else failures

    async def _introduce(self, socket: ClientConnection) -> None:
        keys = {"key_id": self._keys.key_id, "secret_key": self._keys.secret_key}
        await self._say(socket, {"action": "authenticate", "data": keys})
        answer = await self._control(socket, "authorization")
        if answer.get("status") != "authorized":
            raise _Refused(f"the stream says {clean_line(str(answer.get('status')), 40)}", is_final=True)
        await self._say(socket, _LISTEN)
        streams = (await self._control(socket, "listening")).get("streams")
        if not isinstance(streams, list) or UPDATES not in streams:
            raise _Refused("the stream does not offer order updates", is_final=False, is_crowded=True)

    async def _control(self, socket: ClientConnection, stream: str) -> dict[str, Any]:
        """The answer awaited; a refusal instead of it ends the handshake."""
        try:
            message = _message(await socket.recv())
        except ParseError as error:
            raise _Refused(f"the stream answers nonsense: {error}", is_final=False) from None
        data = message.get("data")
        if not isinstance(data, dict):
            data = {}
        if data.get("status") == "unauthorized":
            raise _Refused("the stream says unauthorized", is_final=True)
        if message.get("stream") != stream:
            code = message.get("code", data.get("code"))
            raise _Refused("the stream answers something else", is_final=False, is_crowded=code in _CROWDED)
        return data

    async def _take(self, frame: str | bytes) -> None:
        try:
            message = _message(frame)
            if message.get("stream") != UPDATES:
                self.answers += 1
                return
            update = parse_update(message.get("data"))
        except ParseError as error:
            await self._put(Unreadable(str(error)))
            return
        self._heard += 1
        await self._put(update)

    @staticmethod
    async def _say(socket: ClientConnection, message: dict[str, Any]) -> None:
        await socket.send(json.dumps(message))


_LISTEN: Final[dict[str, Any]] = {"action": "listen", "data": {"streams": [UPDATES]}}


def _message(frame: str | bytes) -> dict[str, Any]:
    found = decode(frame)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise ParseError("a frame that is no message")
    return found


def _by_status(status: int, hint: str) -> _Refused:
    wait = float(hint) if hint.isascii() and hint.isdigit() else 0.0
    return _Refused(
        f"the stream answers with status {status}",
        is_final=status in _FORBIDDEN,
        wait_s=min(wait, _LONGEST_HINT_S),
        is_crowded=status in _CROWDED,
    )
