"""A server of the paper venue's own protocol on a Unix socket, with faults on the level of bytes.

Who answers is given from outside. Faults strike the line that orders take (`broker`) and the stream of reports; the
market goes on undisturbed unless the whole socket is refused, so that a broken broker is not mistaken for a dead feed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import cast

import msgspec

from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.servers.weather import FAIR, FrameLane, Weather
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.server import bind_private

Answer = Callable[["FrameLine", p.Question], p.Answered | None]
Aim = Callable[[p.Question], bool]
ORDER_LINE = "broker"
REPORT_LINE = "broker reports"
MAX_KEPT = 10_000
DRIP_BYTES, DRIP_S = 5, 0.02
FRAME_FAULTS = (
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
_REFUSALS = {
    Fault.THROTTLED: p.Failure("rate_limited", "Too many requests; wait a second."),
    Fault.BANNED: p.Failure("banned", "Banned for asking too often."),
    Fault.ERROR_500: p.Failure("internal", "The venue failed inside; nothing was done."),
    Fault.ERROR_502: p.Failure("unavailable", "The venue could not be reached; nothing was done."),
    Fault.ERROR_503: p.Failure("unavailable", "The venue is out of service; nothing was done."),
    Fault.TOKEN_DEAD: p.Failure("forbidden", "This key is not accepted any more."),
}
_GARBAGE = b"\xc1\xff<html>please wait</html>"


class FrameLine(asyncio.Protocol):
    """One client's connection. Its name comes with its greeting."""

    def __init__(self, server: FrameServer, rng: Random) -> None:
        self._server = server
        self._reader = p.FrameReader(p.MAX_REQUEST)
        self._transport: asyncio.Transport | None = None
        self.lane = FrameLane(self._write_bytes, server.plan, rng)
        self.name = ""
        self.is_greeted = False
        self.wants_market = False
        self.wants_reports: str | None = None
        """The account whose reports it follows, "" for all; None when it follows none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; nothing more is sent to it."""
        self._transport = None
        self.lane.close()
        self._server.lines.discard(self)

    def data_received(self, data: bytes) -> None:
        """Cut into requests and let the server take each; what is unreadable is a complaint and ends the line."""
        try:
            requests = [p.decode_request(frame) for frame in self._reader.feed(data)]
        except (p.FrameTooLongError, msgspec.DecodeError, ValueError, RecursionError) as error:
            self._server.complaints.append(f"an unreadable message from {self.name or 'a stranger'}: {error}")
            self.cut()
            return
        for request in requests:
            self._server.take(self, request)

    def send(self, message: p.Message) -> None:
        """Send one message as it is."""
        self._write_bytes(p.encode_frame(message))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes, whole or not."""
        self._write_bytes(data)

    def close(self) -> None:
        """End in order: what was written still arrives."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """End at once."""
        self.lane.close()
        if self._transport is not None:
            self._transport.abort()

    def _write_bytes(self, data: bytes | str) -> None:
        if self._transport is not None and isinstance(data, bytes):
            self._transport.write(data)


class FrameServer:
    """Serves `answer` on a Unix socket. None as an answer means that the answerer has sent what was to be sent."""

    def __init__(self, answer: Answer, path: Path, plan: FaultPlan | None = None, *, seed: int = 0) -> None:
        self._answer = answer
        self.path = path
        self._seed = seed
        self._server: asyncio.Server | None = None
        self._weather = FAIR
        self._aim: Aim = lambda question: isinstance(question, p.Submit)
        self._count = 0
        self._drips: set[asyncio.TimerHandle] = set()
        self.plan = plan or FaultPlan(seed)
        self.lines: set[FrameLine] = set()
        self.requests: deque[tuple[str, p.Question]] = deque(maxlen=MAX_KEPT)
        """What arrived: the line's name and the question, oldest first, whatever became of it."""
        self.struck: deque[tuple[Fault, p.Question]] = deque(maxlen=MAX_KEPT)
        self.complaints: list[str] = []
        self.is_token_dead = False
        """While it is, nothing is answered to the broker's lines but that their key is not accepted."""

    @property
    def weather(self) -> Weather:
        """How bad the stream of reports is now."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        for line in self.lines:
            line.lane.weather = weather

    def aim(self, at: Aim) -> None:
        """Let faults of requests strike only such questions."""
        self._aim = at

    async def start(self) -> None:
        """Listen."""
        bound = bind_private(self.path)
        self._server = await asyncio.get_running_loop().create_unix_server(self._meet, sock=bound)

    async def refuse(self) -> None:
        """Take the socket away and cut every line: whoever connects is refused, until `start`."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.cut("")
        if server is not None:
            await server.wait_closed()

    async def close(self) -> None:
        """End; nothing is left open."""
        for handle in self._drips:
            handle.cancel()
        await self.refuse()

    def cut(self, name: str = ORDER_LINE) -> None:
        """Cut the lines whose name begins so; "" is all of them."""
        for line in tuple(self.lines):
            if line.name.startswith(name):
                line.cut()

    def take(self, line: FrameLine, request: p.Request) -> None:
        """Answer one request as it is or as a fault has it."""
        question = request.question
        if isinstance(question, p.Hello):
            line.name = question.client[:64]
            line.lane.weather = self._weather
        self.requests.append((line.name, question))
        if self.is_token_dead and line.name.startswith(ORDER_LINE):
            line.send(p.Reply(request.request_id, _REFUSALS[Fault.TOKEN_DEAD]))
            return
        fault = self.plan.first_of(FRAME_FAULTS) if line.name == ORDER_LINE and self._aim(question) else None
        if fault is not None:
            self.struck.append((fault, question))
        self._take(line, request, fault)

    def _take(self, line: FrameLine, request: p.Request, fault: Fault | None) -> None:
        if fault is Fault.TIMEOUT_BEFORE:
            return
        if fault in _REFUSALS:
            line.send(p.Reply(request.request_id, _REFUSALS[fault]))
            return
        answered = self._answer(line, request.question)
        if answered is None or fault is Fault.TIMEOUT_AFTER:
            return
        if fault is Fault.TIMEOUT_504:  # done, and what answers is no answer to what was asked
            answered = p.Done(0)
        self._reply(line, p.encode_frame(p.Reply(request.request_id, answered)), fault)

    def _reply(self, line: FrameLine, frame: bytes, fault: Fault | None) -> None:
        if fault is Fault.GARBAGE:
            line.send_bytes(p.HEADER.pack(len(_GARBAGE)) + _GARBAGE)
        elif fault in {Fault.RESET, Fault.HALF_BODY}:
            line.send_bytes(frame[: max(p.HEADER.size, len(frame) // 2)])
            asyncio.get_running_loop().call_soon(line.cut if fault is Fault.RESET else line.close)
        elif fault is Fault.SLOW_DRIP:
            self._drip(line, frame)
        else:
            line.send_bytes(frame)

    def _drip(self, line: FrameLine, frame: bytes) -> None:
        loop = asyncio.get_running_loop()
        pieces = [frame[at : at + DRIP_BYTES] for at in range(0, len(frame), DRIP_BYTES)]
        self._drips = {loop.call_later(DRIP_S * n, line.send_bytes, piece) for n, piece in enumerate(pieces)}

    def _meet(self) -> FrameLine:
        self._count += 1
        line = FrameLine(self, Random(f"{self._seed}/line/{self._count}"))
        self.lines.add(line)
        return line
