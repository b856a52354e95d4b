"""The engine's end of the line: a pipe on which it says what to watch, and whose closing says that it is gone."""

from __future__ import annotations

import os
import select

import msgspec

from stockpulse_engine.bootstrap.charge import Charge

BYE = b"bye"
"""The engine's last word when it stops in order."""
MAX_LINE = 1 << 20


class Line:
    """Reads what the engine says, without ever waiting longer than told."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self.charge: Charge | None = None
        """The last charge that was told."""
        self.is_open = True
        self.has_said_bye = False

    def listen(self, seconds: float) -> None:
        """Wait for a word, at most so long, and take it in; a line that cannot be read is passed over."""
        if not self.is_open:
            select.select([], [], [], seconds)
            return
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return
        data = os.read(self._descriptor, 1 << 16)
        if not data:
            self.is_open = False
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-MAX_LINE:]
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        if line == BYE:
            self.has_said_bye = True
            return
        try:
            self.charge = msgspec.json.decode(line, type=Charge)
        except msgspec.MsgspecError:
            return
