"""Serving: our own Unix socket, private from the first moment, and loopback TCP only where asked (R01)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvicorn

from stockpulse_engine.api.app import Api
from stockpulse_engine.api.auth import load_tokens
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.api.protocol import GuardedHttp, GuardedWebSocket
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import MAX_SOCKET_PATH, Paths, ensure_private
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import ConfigError, UnavailableError
from stockpulse_engine.wire import codec

LOOPBACK = "127.0.0.1"
BACKLOG = 128
KEEP_ALIVE_S = 60
GRACE_S = 3
_log = get_logger("api.server")


class _Server(uvicorn.Server):
    """Uvicorn without a hand on the signals, which the daemon owns, and without its tenths of a second of waiting."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def begin_stop(self) -> None:
        """Leave the main loop."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Sleep until told to stop: there is no header to refresh and no request to count."""
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end idle connections, give requests under way a moment."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(tuple(self.server_state.tasks), timeout=GRACE_S)
        for task in tuple(self.server_state.tasks):
            task.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are."""
        yield


class ApiServer:
    """The API on its sockets. `start` returns when it answers, `stop` when the last session is over."""

    def __init__(
        self,
        services: EngineServices,
        paths: Paths,
        *,
        clock: Clock | None = None,
        settings: ApiSettings | None = None,
        tcp_port: int | None = None,
    ) -> None:
        self._paths = paths
        self._tcp_port = tcp_port
        self.api = Api(services, load_tokens(paths.tokens), clock=clock, settings=settings)
        self.port = 0
        """The TCP port that is listened on, 0 when none is."""
        self._server = _Server(_config(self.api))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, follow the bus, answer; in this order.

        Raises:
            UnavailableError: another engine answers on the socket, or the port is taken.
            ConfigError: the socket's directory is not private.
        """
        listeners = self._listen()
        self.api.hub.start()
        self._task = spawn(self._server.serve(sockets=listeners), name="api")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise UnavailableError("The API did not start.", fix="See `sp engine logs`.")
            await asyncio.sleep(0)
        _log.info("api_listens", tcp_port=self.port)

    def _listen(self) -> list[socket.socket]:
        # The port first: it may be taken, and then nothing has been made yet.
        tcp = [] if self._tcp_port is None else [listen_loopback(self._tcp_port)]
        self.port = tcp[0].getsockname()[1] if tcp else 0
        try:
            return [listen_unix(self._paths.socket), *tcp]
        except BaseException:
            for listener in tcp:
                listener.close()
            raise

    async def stop(self) -> None:
        """End every session, answer what is under way, close the sockets."""
        self.api.hub.stop()
        self._server.begin_stop()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=GRACE_S + 1)
            self._task.cancel()
        with contextlib.suppress(FileNotFoundError):
            self._paths.socket.unlink()

    async def wait(self) -> None:
        """Return when the server has ended, however that came about."""
        if self._task is not None:
            await asyncio.wait((self._task,))


async def serve(
    services: EngineServices,
    paths: Paths,
    *,
    until: Callable[[], Awaitable[object]],
    clock: Clock | None = None,
    settings: ApiSettings | None = None,
    tcp_port: int | None = None,
) -> None:
    """Serve until `until()` returns, then stop in order."""
    server = ApiServer(services, paths, clock=clock, settings=settings, tcp_port=tcp_port)
    await server.start()
    try:
        await until()
    finally:
        await server.stop()


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket that nobody but us could ever connect to.

    Raises:
        ConfigError: the path is too long, its directory is not ours alone, or something else lies there.
        UnavailableError: an engine answers on it.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise ConfigError(f"The socket path {path} is too long.", fix="Choose a shorter --home.")
    _require_private(ensure_private(path.parent))
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    path.chmod(0o600)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def listen_loopback(port: int) -> socket.socket:
    """A listening TCP socket on the loopback address, never on another.

    Raises:
        UnavailableError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UnavailableError(f"Port {port} can not be used: {error.strerror}.", fix="Choose another port.") from None
    listener.setblocking(False)
    return listener


def _config(api: Api) -> uvicorn.Config:
    return uvicorn.Config(
        api.asgi,
        http=GuardedHttp,
        ws=GuardedWebSocket,
        ws_max_size=codec.MAX_BODY,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
    )


def _require_private(directory: Path) -> None:
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise ConfigError(
            f"{directory} is not a directory of yours alone.", fix=f"Remove it or run: chmod 700 '{directory}'."
        )


def _remove_stale(path: Path) -> None:
    """Remove a socket nobody answers on."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ConfigError(f"{path} is not a socket.", fix=f"Move it away: mv '{path}' '{path}.old'.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        code = probe.connect_ex(str(path))
    if code == 0:
        raise UnavailableError("An engine answers on the socket already.", fix="Stop it: `sp engine stop`.")
    if code in (errno.ECONNREFUSED, errno.ENOENT):
        path.unlink(missing_ok=True)
        return
    raise ConfigError(f"{path} can not be used: {os.strerror(code)}.", fix="Choose another --home.")
