"""A program in a pty: what it wrote, when, and keys for it. For benches that time what a person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

ROWS, COLUMNS = 40, 120
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")
CHUNK = 1 << 16


def sp_command(home: Path, *words: str) -> list[str]:
    """The installed `sp` of this environment, as a person would call it."""
    return [str(Path(sys.executable).parent / "sp"), "--home", str(home), *words]


class PtyProgram:
    """One program, from its exec; `started` is the moment before the fork."""

    def __init__(self, command: Sequence[str]) -> None:
        self.started = time.perf_counter()
        self.output = b""
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(COLUMNS), LINES=str(ROWS))
            os.execv(command[0], list(command))  # noqa: S606 - our own program
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def until(self, pattern: str, limit_s: float = 30.0) -> float:
        """Read until the text written so far (escapes left out) has the pattern; ms since the exec.

        Raises:
            TimeoutError: it never came.
        """
        wanted = re.compile(pattern.encode())
        give_up = time.perf_counter() + limit_s
        while time.perf_counter() < give_up:
            if self.read(0.05) and wanted.search(_ESCAPES.sub(b"", self.output)):
                return (time.perf_counter() - self.started) * 1000
        raise TimeoutError(f"{pattern!r} never came; last: {_ESCAPES.sub(b'', self.output)[-300:]!r}")

    def cpu_ms(self) -> float:
        """CPU time of all its threads so far; 0 where the system does not tell."""
        try:
            tasks = list(Path(f"/proc/{self.pid}/task").iterdir())
            return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6
        except (OSError, ValueError):
            return 0.0

    def read(self, wait_s: float) -> bool:
        """Take in what there is; False when nothing came."""
        readable, _, _ = select.select([self._descriptor], [], [], wait_s)
        if not readable:
            return False
        try:
            self.output += os.read(self._descriptor, CHUNK)
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """What was written so far is of no interest any more."""
        while self.read(0.0):
            pass
        self.output = b""

    def press(self, keys: str) -> None:
        """Keys, all at once."""
        os.write(self._descriptor, keys.encode())

    def end(self) -> None:
        """Kill it."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._descriptor)
