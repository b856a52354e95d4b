"""Starting the venue's process when it is not there. It outlives whoever started it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec

from stockpulse_engine.adapters.paper.link import VenueLink
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.domain.errors import UnavailableError

READY_S = 20.0
"""How long a venue may take from start to its first answer."""
_RETRY = Backoff(first_s=0.02, factor=1.5, limit_s=0.25)
_HELD = 75
"""Exit code of a venue that found another one in its directory: that one is about to answer."""


class VenueOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue is started. `files` only for replays, `at` only matters on a first start."""

    seed: int = 1
    speed: float = 1.0
    files: tuple[Path, ...] = ()
    at: str = ""
    latency_ms: float = 5.0
    idle_exit_s: float = 3600.0
    withholding: tuple[str, ...] = ()
    """Tax on dividends, as configured: `US=0.15`."""
    module: str = "stockpulse_engine.venue"
    """The module to run: one with a market of its own (a replay of stored days, a test's)."""
    more: tuple[str, ...] = ()
    """Arguments for that module alone."""
    ready_s: float = READY_S


async def ensure_venue(paths: Paths, world: str, options: VenueOptions | None = None) -> int:
    """Return the pid of the world's venue once it answers, starting it if nobody does.

    Raises:
        UnavailableError: it could not be started, with its own last words.
    """
    socket = paths.venue_socket(world)
    pid = await _answering(socket)
    if pid is not None:
        return pid
    log = ensure_private(paths.venue(world)) / "venue.out"
    ensure_private(socket.parent)
    started = start_detached(command_of(paths, world, options or VenueOptions()), log)
    loop, rng = asyncio.get_running_loop(), Random()
    deadline, attempt, code = loop.time() + (options.ready_s if options else READY_S), 0, None
    while loop.time() < deadline and code in (None, _HELD):
        attempt += 1
        await asyncio.sleep(_RETRY.delay(attempt, rng))
        pid = await _answering(socket)
        if pid is not None:
            return pid
        code = exit_code(started) if code is None else code
    how = "did not answer in time" if code in (None, _HELD) else f"ended with code {code}"
    raise UnavailableError(f"The paper venue {how}: {_last_words(log)}", fix=f"See {log}.")


def command_of(paths: Paths, world: str, options: VenueOptions) -> Sequence[str]:
    """The command line that runs a venue."""
    command = [sys.executable, "-P", "-m", options.module, "--world", world]
    command += ["--dir", str(paths.venue(world)), "--socket", str(paths.venue_socket(world))]
    command += ["--seed", str(options.seed), "--speed", str(options.speed)]
    command += ["--latency-ms", str(options.latency_ms), "--idle-exit", str(options.idle_exit_s)]
    if options.at:
        command += ["--at", options.at]
    if options.files:
        command += ["--from", *(str(file.absolute()) for file in options.files)]
    if options.withholding:
        command += ["--withholding", *options.withholding]
    return [*command, *options.more]


def start_detached(command: Sequence[str], log: Path) -> int:
    """Start a process in a session of its own: a signal to our group, or our death, does not reach it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    files = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    )
    return os.posix_spawn(command[0], list(command), os.environ, file_actions=files, setsid=True)


def exit_code(pid: int) -> int | None:
    """How a process of ours ended (128 + signal when killed); None while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # someone else has reaped it: all we know is that it is gone
        return 1
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


async def _answering(socket: Path) -> int | None:
    """Pid of the venue at the socket, None when nobody answers."""
    link = VenueLink(socket, "launch")
    try:
        return (await link.connect()).pid
    except UnavailableError:
        return None
    finally:
        await link.close()


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1][:300] if lines else "it said nothing"
