"""A program in a real terminal (tmux), for tests that press real keys and read the real screen."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from types import TracebackType

WAIT_S = 30.0


class Terminal:
    """A tmux server of its own with one window. `wait_for` says what the screen showed when it gives up."""

    def __init__(self, name: str, command: str, size: tuple[int, int] = (120, 40)) -> None:
        self._socket = f"sp-test-{name}-{os.getpid()}-{id(self):x}"
        self._command = command
        self._size = size

    def __enter__(self) -> Terminal:
        """Start the program."""
        width, height = self._size
        whole = f"COLORTERM=truecolor TERM=tmux-256color {self._command}; sleep 60"
        self.tmux("-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), whole)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End tmux and what runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)

    def press(self, keys: Sequence[str]) -> None:
        """Keys as tmux names them, all in one write: as fast as it can be."""
        self.tmux("send-keys", "-t", "0", *keys)

    def screen(self) -> str:
        """What a person would see."""
        return self.tmux("capture-pane", "-p", "-t", "0")

    def wait_for(self, text: str) -> str:
        """Wait until the screen shows a text."""
        return self.wait_until(lambda screen: text in screen, text)

    def wait_until(self, holds: Callable[[str], bool], what: str) -> str:
        """Wait until something holds of the screen."""
        give_up = time.monotonic() + WAIT_S
        while not holds(screen := self.screen()):
            assert time.monotonic() < give_up, f"never came to show {what}:\n{screen}"
            time.sleep(0.05)
        return screen

    def tmux(self, *arguments: str) -> str:
        """One tmux command."""
        done = subprocess.run(["tmux", "-L", self._socket, *arguments], check=True, capture_output=True, text=True)
        return done.stdout
