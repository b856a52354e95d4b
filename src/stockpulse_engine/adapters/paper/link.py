"""The wire to the venue: requests with answers on one connection, pushed messages on one of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import msgspec

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from stockpulse_engine.venue import protocol as p

ANSWER_S = 5.0
"""How long an answer may take before its outcome counts as unknown."""
CONNECT_S = 2.0
READ_SIZE = 256 * 1024

A = TypeVar("A", bound=p.Answer)


class VenueLink:
    """Requests and their answers. Many may be under way at once; a lost line fails all of them."""

    def __init__(self, path: Path, client: str, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._client = client
        self._answer_s = answer_s
        self._line: _Line | None = None
        self._last_id = 0
        self.welcome: p.Welcome | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the line is up and greeted."""
        return self._line is not None and self._line.is_open and self.welcome is not None

    async def connect(self) -> p.Welcome:
        """Open the line and say hello; nothing happens when it is up.

        Raises:
            UnavailableError: nobody is there, or it speaks another version.
        """
        if self.is_connected and self.welcome is not None:
            return self.welcome
        await self.close()
        try:
            _, line = await asyncio.wait_for(
                asyncio.get_running_loop().create_unix_connection(_Line, str(self._path)), CONNECT_S
            )
        except (OSError, TimeoutError) as error:
            raise UnavailableError(f"The paper venue does not answer at {self._path}: {error}.") from error
        self._line = line
        try:
            answer = await self._ask(line, p.Hello(p.VENUE_PROTOCOL, self._client))
        except AmbiguousOutcomeError as error:
            raise UnavailableError(f"The paper venue does not answer: {error}.") from error
        if not isinstance(answer, p.Welcome):
            await self.close()
            raise UnavailableError(f"The paper venue refused us: {_reason(answer)}")
        self.welcome = answer
        return answer

    async def close(self) -> None:
        """Close the line."""
        line, self._line, self.welcome = self._line, None, None
        if line is not None:
            await line.close()

    async def ask(self, question: p.Question, expected: type[A]) -> A:
        """Ask and return the answer.

        Raises:
            UnavailableError: the line was down; nothing was sent.
            AmbiguousOutcomeError: no answer came in time, or the line was lost after the first byte left.
            RejectedByBrokerError: the venue's definite no, with reason and code.
        """
        line = self._line
        if line is None or not self.is_connected:
            raise UnavailableError("The link to the paper venue is down.", fix="It is being re-opened; try again.")
        answer = await self._ask(line, question)
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, p.Failure):
            raise RejectedByBrokerError(answer.reason, answer.code)
        raise AmbiguousOutcomeError(f"the venue answered {type(answer).__name__} to {type(question).__name__}")

    async def _ask(self, line: _Line, question: p.Question) -> p.Answered:
        self._last_id += 1
        return await line.send(p.Request(self._last_id, question), self._answer_s)


class _Line(asyncio.Protocol):
    """One connection; answers complete the futures of their requests.

    Requests of a line have the same time for their answer: the oldest is due first, and one timer does for all.
    """

    def __init__(self) -> None:
        self._reader = p.FrameReader(p.MAX_REPLY)
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, _Asked] = {}
        """Requests without an answer, oldest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._is_lost = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the other end was there when we last looked."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The line is up."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was asked has no answer: its outcome is unknown."""
        self._transport = None
        self._is_lost.set()
        asked, self._asked = self._asked, {}
        if self._timer is not None:
            self._timer.cancel()
        for one in asked.values():
            one.fail(f"the link was lost ({exc or 'closed by the venue'})")

    def data_received(self, data: bytes) -> None:
        """Hand answers to whoever waits for them; an unreadable message ends the line."""
        try:
            messages = [p.decode_message(frame) for frame in self._reader.feed(data)]
        except (p.FrameTooLongError, msgspec.DecodeError):
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            if isinstance(message, p.Reply):
                asked = self._asked.pop(message.request_id, None)
                if asked is not None and not asked.future.done():
                    asked.future.set_result(message.answer)

    def send(self, request: p.Request, answer_s: float) -> asyncio.Future[p.Answered]:
        """Send a request and return the future of its answer; it fails as ambiguous when none comes in time.

        Raises:
            UnavailableError: the line is down; nothing was sent.
        """
        if self._transport is None or self._transport.is_closing():
            raise UnavailableError("The link to the paper venue is down.", fix="It is being re-opened; try again.")
        future: asyncio.Future[p.Answered] = self._loop.create_future()
        asked = self._asked[request.request_id] = _Asked(future, self._loop.time() + answer_s, answer_s)
        if self._timer is None:
            self._timer = self._loop.call_at(asked.due, self._give_up)
        self._transport.write(p.encode_frame(request))
        return future

    def _give_up(self) -> None:
        """What is due has no answer; look again when the oldest of the others is."""
        self._timer = None
        now = self._loop.time()
        for request_id, asked in tuple(self._asked.items()):
            if asked.due > now:
                self._timer = self._loop.call_at(asked.due, self._give_up)
                return
            del self._asked[request_id]
            asked.fail(f"no answer within {asked.answer_s:g} s")

    async def close(self) -> None:
        """Close and wait until it is."""
        if self._transport is not None:
            self._transport.close()
            await self._is_lost.wait()


class _Asked(NamedTuple):
    """A request on its way: the future of its answer, and when that is overdue."""

    future: asyncio.Future[p.Answered]
    due: float
    answer_s: float

    def fail(self, why: str) -> None:
        """No answer: the outcome is unknown. Whoever gave up waiting hears nothing."""
        if not self.future.done():
            self.future.set_exception(AmbiguousOutcomeError(why))


async def listen(path: Path, client: str, question: p.Question) -> AsyncIterator[p.Message]:
    """Subscribe on a connection of its own and yield what is pushed, until the line drops.

    The reader's own pace holds the venue back: nothing piles up on our side.

    Raises:
        UnavailableError: nobody is there, or the subscription was refused.
    """
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(str(path)), CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise UnavailableError(f"The paper venue does not answer at {path}: {error}.") from error
    frames = p.FrameReader(p.MAX_REPLY)
    try:
        hello = p.Request(1, p.Hello(p.VENUE_PROTOCOL, client))
        writer.write(p.encode_frame(hello) + p.encode_frame(p.Request(2, question)))
        while data := await reader.read(READ_SIZE):
            for frame in frames.feed(data):
                message = p.decode_message(frame)
                if not isinstance(message, p.Reply):
                    yield message
                elif isinstance(message.answer, p.Failure):
                    raise UnavailableError(f"The paper venue refused us: {message.answer.reason}")
    except (OSError, p.FrameTooLongError, msgspec.DecodeError):
        return  # the line dropped: the caller reconnects and goes on from its cursor
    finally:
        writer.close()


def _reason(answer: p.Answered) -> str:
    return answer.reason if isinstance(answer, p.Failure) else f"{type(answer).__name__} instead of a welcome."
