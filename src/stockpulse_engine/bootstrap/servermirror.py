"""The mirror on the user's PostgreSQL, where one is configured: a process of its own that the engine looks after."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.worker import LATE, OK, Orders, Word

PART: Final = "store"
_MODULE: Final = "stockpulse_engine.storage.server.worker"
_END_S: Final = 5.0
_log = get_logger(PART)


class ServerMirror:
    """Keeps the worker running and says what it says. Nothing of it runs in the engine: trading does not notice."""

    def __init__(self, paths: Paths, settings: StorageSettings, world: str, bus: Bus) -> None:
        self._orders = orders_of(paths, settings, (world,))
        self._bus = bus
        self._backoff = Backoff(first_s=1.0, limit_s=60.0)
        self._rng = Random()

    async def run(self) -> None:
        """For as long as the engine runs; a worker that dies is started again, at longer and longer intervals."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            problem = await self._work()
            failures = 1 if loop.time() - started > self._backoff.limit_s else failures + 1
            self._say(LATE, f"the mirror's process ended: {problem}")
            await asyncio.sleep(self._backoff.delay(failures, self._rng))

    async def _work(self) -> str:
        """One life of the worker; its last words."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(msgspec.json.encode(self._orders) + b"\n")
            await child.stdin.drain()
            async for line in child.stdout:
                word = msgspec.json.decode(line, type=Word)
                self._say(word.state, word.detail if word.state != OK else "")
            return f"exit code {await child.wait()}"
        except (ConnectionError, msgspec.MsgspecError) as error:
            return str(error)[:100]
        finally:
            await _end(child)

    def _say(self, state: str, detail: str) -> None:
        if state != OK:
            _log.warning("mirror", state=state, detail=detail)
        self._bus.publish(PartChanged(name=PART, state=state, detail=detail))


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close its stdin, which it ends with; kill it when it does not."""
    if child.returncode is not None:
        return
    assert child.stdin is not None
    child.stdin.close()
    try:
        async with asyncio.timeout(_END_S / 2):
            await child.wait()
    except (TimeoutError, asyncio.CancelledError):
        child.kill()
        await child.wait()


def orders_of(paths: Paths, settings: StorageSettings, worlds: Sequence[str]) -> Orders:
    """What of a home is copied: its history, news and runs of jobs, and the books of these worlds."""
    return Orders(
        settings=settings,
        history=str(paths.history),
        journals={world: str(paths.journal(world)) for world in worlds},
        runs=str(paths.state / "jobs" / "runs.db"),
    )


def build_server_mirror(paths: Paths, settings: StorageSettings, world: str, bus: Bus) -> ServerMirror | None:
    """The mirror of this home and world; None where no server is configured."""
    return ServerMirror(paths, settings, world, bus) if settings.url else None
