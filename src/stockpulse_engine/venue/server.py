"""The venue's one loop: wait for a tick or a request, take a turn, tell what it did."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import MAX_SOCKET_PATH, ensure_private
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.answers import WRITES, Answers
from stockpulse_engine.venue.connection import Connection
from stockpulse_engine.venue.desk import AccountReport
from stockpulse_engine.venue.exchange import Exchange, Played
from stockpulse_engine.venue.outbox import MarketOutbox, ReportOutbox

_log = get_logger("venue.server")
Asked = tuple[Connection, p.Request]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times on the wall."""

    tick_s: float = 0.02
    """Longest pause between two turns while market time runs."""
    still_tick_s: float = 0.5
    idle_exit_s: float = 3600.0
    """End after so long without any client."""
    slow_reader_s: float = 10.0
    """Drop who has not read anything for so long."""
    clock_every_s: float = 1.0
    """How often subscribers hear of the clock when nothing changed."""
    step_answer_s: float = 2.0
    """Longest wait for a step to be played before it is answered with where it has come."""


class Server:
    """Serves one exchange on one Unix socket."""

    def __init__(self, exchange: Exchange, path: Path, wall: Clock, settings: ServerSettings) -> None:
        self._exchange = exchange
        self._answers = Answers(exchange)
        self._path = path
        self._wall = wall
        self._settings = settings
        self._inbox: list[Asked] = []
        self._wake = asyncio.Event()
        self._connections: set[Connection] = set()
        self._is_stopping = False
        self._client_seen_at = wall.monotonic_ns()
        self._clock_told_at = 0
        self._shown: set[Connection] = set()
        """Who got the state of the market in this turn: what led to it is not told again."""
        self._steps: list[tuple[Connection, int, int]] = []
        """Who waits for a step to be played: connection, request, monotonic time by which it is answered."""

    async def run(self) -> None:
        """Serve until stopped, asked to shut down, or long without a client.

        Raises:
            UnavailableError: the socket cannot be bound, or the store refused a write.
        """
        loop = asyncio.get_running_loop()
        bound = bind_private(self._path)
        server = await loop.create_unix_server(self.connect, sock=bound)
        _log.info("open", socket=str(self._path), world=self._exchange.identity.world)
        try:
            while not self._is_stopping:
                await self._pause()
                self.take_turn()
        finally:
            server.close()
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
            for connection in tuple(self._connections):
                connection.close()
            _log.info("closed")

    def stop(self) -> None:
        """End after the turn that is due (signal handlers call this)."""
        self._is_stopping = True
        self._wake.set()

    def take_turn(self) -> None:
        """Play the market to now, do what was asked, commit, then tell."""
        asked, self._inbox = self._inbox, []
        played = self._exchange.play()
        replies = [(each, self._answer(each)) for each in asked if isinstance(each[1].question, WRITES)]
        reports = self._exchange.commit()
        replies += [(each, self._answer(each)) for each in asked if not isinstance(each[1].question, WRITES)]
        for (connection, request), answer in replies:
            if answer is not None:
                connection.reply(request.request_id, answer)
        clock = self._clock_to_tell(played)
        for connection in tuple(self._connections):
            self._tell(connection, played, clock, reports)
        self._shown.clear()
        self._answer_steps()
        self._check_idle()

    async def _pause(self) -> None:
        """Wait for the next tick, less when a request comes."""
        settings = self._settings
        pause = settings.still_tick_s if self._exchange.time.is_still else settings.tick_s
        if self._steps or any(each.reports is not None and each.reports.is_behind for each in self._connections):
            pause = 0.0
        if not self._inbox:
            timer = asyncio.get_running_loop().call_later(pause, self._wake.set)
            await self._wake.wait()
            timer.cancel()
        self._wake.clear()
        await asyncio.sleep(0)  # let every socket that is readable now deliver: one commit serves them all

    def connect(self) -> Connection:
        """A new client's connection (the loop calls this)."""
        connection = Connection(self._on_request, self._connections.discard)
        self._connections.add(connection)
        return connection

    def _on_request(self, connection: Connection, request: p.Request) -> None:
        self._inbox.append((connection, request))
        self._wake.set()

    def _answer(self, asked: Asked) -> p.Answered | None:
        """The answer; None where it comes in a later turn."""
        connection, request = asked
        question = request.question
        if isinstance(question, p.Hello):
            answer = self._answers.answer(question)
            connection.is_greeted = isinstance(answer, p.Welcome)
            connection.name = question.client[:64]
            return answer
        if not connection.is_greeted:
            return p.Failure("no_hello", "Say hello first.")
        if isinstance(question, p.SubscribeMarket):
            return self._subscribe_market(connection)
        if isinstance(question, p.SubscribeReports):
            read = self._exchange.store.load_reports
            connection.reports = ReportOutbox(question.account_id, question.after_seq, read)
            return p.Done()
        if isinstance(question, p.Shutdown):
            self._is_stopping = True
            return p.Done()
        answer = self._answers.answer(question)
        is_leap = isinstance(question, p.Control) and question.action in ("step", "seek")
        if is_leap and self._exchange.time.is_stepping:
            latest = self._wall.monotonic_ns() + round(self._settings.step_answer_s * 1e9)
            self._steps.append((connection, request.request_id, latest))
            return None
        return answer

    def _answer_steps(self) -> None:
        """Tell whoever asked for a step the time after it, or how far it has come when it is a long one."""
        now, time = self._wall.monotonic_ns(), self._exchange.time
        done = [each for each in self._steps if not time.is_stepping or now >= each[2]]
        self._steps = [each for each in self._steps if each not in done]
        for connection, request_id, _ in done:
            connection.reply(request_id, p.Clock(time.state()))

    def _subscribe_market(self, connection: Connection) -> p.Answered:
        connection.market = MarketOutbox()
        self._shown.add(connection)
        exchange = self._exchange
        batch = p.MarketBatch(
            exchange.snapshot(), exchange.market_ns, exchange.time.state(), is_snapshot=True, counts=exchange.tally()
        )
        connection.send(batch)
        return p.Done()

    def _tell(
        self, connection: Connection, played: Played, clock: ClockState | None, reports: list[AccountReport]
    ) -> None:
        if not connection.is_open:
            return
        if connection.is_full:
            self._spare(connection, played, clock)
            return
        if connection.reports is not None and (batch := connection.reports.take(reports)) is not None:
            connection.send(batch)
        if connection.market is not None and connection not in self._shown:
            news = connection.market.take(played.events, self._exchange.market_ns, clock)
            if news is not None:
                counts = self._exchange.tally() if news.clock is not None else None
                connection.send(news if counts is None else msgspec.structs.replace(news, counts=counts))

    def _spare(self, connection: Connection, played: Played, clock: ClockState | None) -> None:
        """The client is slow: keep only what is newest, and let go of it when it stays slow."""
        now = self._wall.monotonic_ns()
        connection.full_since = connection.full_since or now
        if now - connection.full_since > self._settings.slow_reader_s * 1e9:
            connection.drop("it does not read")
            return
        if connection.reports is not None:
            connection.reports.fall_behind()
        if connection.market is not None:
            connection.market.keep(played.events, clock)

    def _clock_to_tell(self, played: Played) -> ClockState | None:
        now = self._wall.monotonic_ns()
        is_due = now - self._clock_told_at >= self._settings.clock_every_s * 1e9
        if not (self._answers.take_clock_news() or played.is_clock_news or is_due):
            return None
        self._clock_told_at = now
        return self._exchange.time.state()

    def _check_idle(self) -> None:
        now = self._wall.monotonic_ns()
        if self._connections:
            self._client_seen_at = now
        elif now - self._client_seen_at > self._settings.idle_exit_s * 1e9:
            _log.info("idle_exit")
            self._is_stopping = True


def bind_private(path: Path) -> socket.socket:
    """Bind a Unix socket that only its owner can reach: 0600 in a 0700 directory.

    The caller holds the venue's lock, so a socket file that is there already belongs to a dead process.

    Raises:
        UnavailableError: the path is too long or cannot be bound.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise UnavailableError(
            f"The socket path {path} is over {MAX_SOCKET_PATH} bytes.", fix="Use a shorter directory."
        )
    ensure_private(path.parent)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        bound.listen(64)
    except OSError as error:
        bound.close()
        raise UnavailableError(f"The socket {path} cannot be bound: {error}.") from error
    bound.setblocking(False)
    return bound
