"""A shell in a real terminal (tmux) with a head in it: keys go in, the screen is read as text, every wait ends."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pytest

from stockpulse_engine.base.wait import wait_until

TMUX = shutil.which("tmux") or ""
WAIT_S = 30.0
HELD_BACK = ("TMUX", "TMUX_PANE", "COLUMNS", "LINES")


class Pane:
    """One tmux server with one pane, both gone at the end."""

    def __init__(self, directory: Path, *, columns: int = 120, rows: int = 40) -> None:
        if not TMUX:
            pytest.skip("tmux is not installed")
        self._socket = directory / "tmux"
        self._size = (str(columns), str(rows))
        self.seen = ""

    def __enter__(self) -> Pane:
        """Open a shell that says nothing of itself."""
        environment = {key: value for key, value in os.environ.items() if key not in HELD_BACK}
        command = [TMUX, "-S", str(self._socket), "-f", os.devnull, "new-session", "-d"]
        command += ["-x", self._size[0], "-y", self._size[1], "env PS1='$ ' sh"]
        subprocess.run(command, env=environment, check=True, timeout=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and whatever runs in it."""
        self._tmux("kill-server")

    def sp(self, home: Path, *words: str) -> None:
        """Run `sp` in a home; its exit code is printed behind it."""
        command = shlex.join([sys.executable, "-m", "stockpulse_engine.cli", "--home", str(home), *words])
        self.type(f"{command}; echo left-with $?")
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text letter by letter."""
        self._tmux("send-keys", "-l", text)

    def text(self) -> str:
        """What is on the screen now; it is never a traceback."""
        self.seen = self._tmux("capture-pane", "-p").stdout
        assert "Traceback" not in self.seen, self.seen
        return self.seen

    @property
    def pid(self) -> int:
        """Process id of the shell."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}").stdout)

    def flag(self, name: str) -> bool:
        """One of tmux's pane flags, like `alternate_on` or `cursor_flag`."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").stdout.strip() == "1"

    def until(self, *wanted: str, gone: str = "", timeout_s: float = WAIT_S) -> str:
        """Wait until every pattern is on the screen (and `gone` is not); returns the screen."""

        def holds() -> bool:
            text = self.text()
            return all(re.search(one, text) for one in wanted) and not (gone and re.search(gone, text))

        assert wait_until(holds, timeout_s), f"no {wanted} (or still {gone!r}) in:\n{self.seen}"
        return self.seen

    def until_true(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that is not on the screen."""
        assert wait_until(holds, WAIT_S), f"{what}; the screen:\n{self.text()}"

    def _tmux(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [TMUX, "-S", str(self._socket), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
