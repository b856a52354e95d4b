"""How a head leaves: its frame saved, what it asked for answered, its work ended, the terminal given back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.base.tasks import spawn

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

WAIT_S = 3.0
"""How long a halt or an order that was just asked for is waited for."""
HANG_UP_S = 10
"""After this the kernel ends a head whose terminal went away, wherever it is stuck."""


class Leaving:
    """The way out, walked once; asked for a second time it no longer waits."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self.save_frame: Callable[[], None] | None = None
        """Keeps what the next start shows first; None where nothing is kept."""
        self.heeds_signals = False
        """Whether this process is the head alone: then a signal leaves in order as well."""
        self._has_terminal = True
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None

    def heed_signals(self) -> None:
        """The loop runs: from now on a signal leaves in order."""
        if self.heeds_signals:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, self.begin)
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        """The terminal is gone or going: a way out that is blocked by it ends by itself."""
        signal.alarm(HANG_UP_S)
        self._has_terminal = os.isatty(0)
        if not self._has_terminal:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nowhere, descriptor)
        self.begin()

    def begin(self) -> None:
        """Leave; the engine goes on."""
        if self._task is None:
            self._task = spawn(self._leave(self.save()), name="leave")
        elif self._waiting is not None:
            self._waiting.cancel()

    async def _leave(self, problem: str) -> None:
        shell = self._shell
        if shell.background.intents:
            shell.notify_line("leaving as soon as the engine has answered; q again leaves now", "warn")
            self._waiting = spawn(shell.background.finish_intents(WAIT_S), name="wait for answers")
            await asyncio.wait((self._waiting,))
        await shell.background.end()
        if self._has_terminal:
            shell.exit(message=problem or None)
        else:  # the framework would wait without end to write what nobody reads
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)

    def save(self) -> str:
        """Save the frame and what the head remembers; what went wrong in words, "" when nothing did."""
        shell = self._shell
        shell.settings.state.instrument_id = shell.instrument_id
        try:
            if self.save_frame is not None and not shell.rewind.is_past:  # the next start shows now
                self.save_frame()
            shell.settings.save()
        except OSError as error:
            return f"This head could not save what it remembers: {error.strerror}."
        return ""
