"""Start the engine when nobody answers, and say in words what it is doing until it can trade."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.errors import (
    ConfigError,
    ForbiddenError,
    IntegrityError,
    InvalidValueError,
    StockPulseError,
    UnavailableError,
)
from stockpulse_engine.domain.views import HealthView

OnStep = Callable[[str], None]
DAEMON = ("-m", "stockpulse_engine.daemon")
READY_S = 30.0
POLL_S = 0.03
_PROBE_S = 2.0
_TAIL_BYTES = 2_000
_CLOCK = WallClock()
_TELLING: dict[int, type[StockPulseError]] = {kind.exit_code: kind for kind in (IntegrityError, ConfigError)}
"""Exit codes of a daemon that say what a person has to put right first; any other end is `UnavailableError`."""
started: dict[int, subprocess.Popen[bytes]] = {}
"""Daemons this process started, by pid. They outlive it; the handles are kept so that dead ones can be reaped."""


def ensure_engine(
    paths: Paths,
    on_step: OnStep = lambda _: None,
    *,
    arguments: Sequence[str] = (),
    command: Sequence[str] = (),
    timeout_s: float = READY_S,
) -> HealthView:
    """Return the health of an engine that can trade, starting one when none answers.

    Args:
        paths: the home to look in.
        on_step: told each new step in words.
        arguments: for the daemon, like `--world sim`.
        command: instead of this Python and the daemon's module.
        timeout_s: how long to wait.

    Raises:
        UnavailableError: it could not be started, or was not ready in time.
        IntegrityError: its journal does not hold.
        ConfigError: a setting of it is wrong.
    """
    give_up = _CLOCK.monotonic_ns() + round(timeout_s * 1e9)
    with closing(_Start(paths, on_step, command or (sys.executable, *DAEMON, *arguments))) as start:
        while (health := start.poll()) is None:
            if _CLOCK.monotonic_ns() > give_up:
                raise start.too_slow()
            time.sleep(POLL_S)
        return health


ensure_engine_blocking = ensure_engine
"""The same, named for callers that have the async one in mind."""


async def ensure_engine_async(
    paths: Paths, on_step: OnStep = lambda _: None, *, arguments: Sequence[str] = (), timeout_s: float = READY_S
) -> HealthView:
    """`ensure_engine` for a running loop: nothing of it blocks.

    Canceled, it leaves an engine it has started to itself, as every head that ends does.
    """
    give_up = _CLOCK.monotonic_ns() + round(timeout_s * 1e9)
    with closing(_Start(paths, on_step, (sys.executable, *DAEMON, *arguments))) as start:
        while (health := await in_thread(start.poll)) is None:
            if _CLOCK.monotonic_ns() > give_up:
                raise start.too_slow()
            await asyncio.sleep(POLL_S)
        return health


class _Start:
    """One attempt to find or start an engine."""

    def __init__(self, paths: Paths, on_step: OnStep, command: Sequence[str]) -> None:
        self._paths = paths
        self._on_step = on_step
        self._command = command
        self._client = BlockingClient(paths, role="viewer", timeout_s=_PROBE_S)
        self._child: subprocess.Popen[bytes] | None = None
        self._step = ""

    def poll(self) -> HealthView | None:
        """The engine's health once it can trade, else None after doing what is to be done now."""
        health = self._probe()
        if health is None:
            self._start_or_check()
            return None
        if health.ready_at:
            return health
        self._tell(health.step or "starting")
        return None

    def close(self) -> None:
        """Close the connection of the questions; an engine that was started goes on."""
        self._client.close()

    def too_slow(self) -> UnavailableError:
        """The error for a start that takes too long."""
        return UnavailableError(f"The engine is not ready: {self._step}.", fix="See `sp engine logs`.")

    def _probe(self) -> HealthView | None:
        try:
            return self._client.health()
        except (UnavailableError, ForbiddenError):  # no engine, or one that has not made its tokens yet
            return None
        except InvalidValueError:
            raise UnavailableError("An engine of another version runs here.", fix="sp engine restart") from None

    def _start_or_check(self) -> None:
        if self._child is None:
            if lock_holder(self._paths.lock) is None:
                self._tell("starting the engine")
                for pid in [pid for pid, child in started.items() if child.poll() is not None]:
                    del started[pid]
                self._child = self._spawn()
                started[self._child.pid] = self._child
            else:
                self._tell("waiting for the engine to answer")
        elif self._child.poll() is not None and lock_holder(self._paths.lock) is None:
            code = self._child.returncode
            kind = _TELLING.get(code, UnavailableError)
            raise kind(f"The engine ended with {code}: {self._last_words()}", fix="See `sp engine logs`.")

    def _spawn(self) -> subprocess.Popen[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        output = os.open(self._output, flags, 0o600)
        try:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(self._paths),
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(
                f"The engine can not be started: {error.strerror}.", fix="Run `sp doctor`."
            ) from None
        finally:
            os.close(output)

    @property
    def _output(self) -> Path:
        return ensure_private(self._paths.logs) / "daemon.out"

    def _last_words(self) -> str:
        try:
            tail = self._output.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
        except OSError:
            return "no output"
        lines = [line for line in tail.splitlines() if line.strip()]
        return clean_line(lines[-1]) if lines else "no output"

    def _tell(self, step: str) -> None:
        if step != self._step:
            self._step = step
            self._on_step(step)


def _environment(paths: Paths) -> dict[str, str]:
    """The child finds the same home, however ours was chosen."""
    home = paths.config.parent
    if (paths.config, paths.data, paths.state) == (home / "config", home / "data", home / "state"):
        return {**os.environ, "STOCKPULSE_HOME": str(home)}
    return dict(os.environ)
