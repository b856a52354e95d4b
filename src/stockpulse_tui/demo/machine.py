"""The engine as a thing that can be started and killed: through the client's launcher and the kernel, nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.client.launch import ensure_engine_async
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.views import HealthView

POLL_S, DEATH_POLLS = 0.02, 500


class Machine:
    """The one engine of a throw-away home."""

    def __init__(self, paths: Paths, arguments: tuple[str, ...]) -> None:
        self.paths = paths
        self._arguments = arguments

    async def start(self, on_step: Callable[[str], None]) -> HealthView:
        """Start it, or find it running, and wait until it can trade."""
        return await ensure_engine_async(self.paths, on_step, arguments=self._arguments)

    async def kill(self) -> int:
        """SIGKILL it, wait until the kernel has taken its lock away, and return the pid it had.

        Raises:
            UnavailableError: there was none, or it would not die.
        """
        holder = lock_holder(self.paths.lock)
        if holder is None:
            raise UnavailableError("There is no engine to kill.", fix="Begin the story again.")
        os.kill(holder.pid, signal.SIGKILL)
        for _ in range(DEATH_POLLS):
            if lock_holder(self.paths.lock) is None:
                return holder.pid
            await asyncio.sleep(POLL_S)
        raise UnavailableError(f"Process {holder.pid} does not die.", fix=f"Look at it: ps {holder.pid}")
