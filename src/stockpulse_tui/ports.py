"""What the shell needs from the engine's client; the real one is in `link`, a fake one feeds the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stockpulse_engine.domain.views import ArmView, Explanation, HaltView
from stockpulse_engine.wire.stream import Frame

OnFrame = Callable[[Frame], None]
OnState = Callable[[str, str], None]
"""Called with starting, live, lost or read-only, and the sentence that says it."""


class ShellCommands(Protocol):
    """Requests the shell itself makes. Panes use the same object with the rest of its methods."""

    async def change_state(self, action: str, *, reason: str = "", word: str = "", account_id: str = "") -> HaltView:
        """halt, reduce, flatten, resume."""
        ...

    async def arm(self, account_id: str, minutes: int) -> tuple[ArmView, ...]:
        """Arm this head, or disarm it with 0 minutes."""
        ...

    async def explain(self, name: str, instrument_id: str) -> Explanation:
        """How a market cell is made."""
        ...


class Link(Protocol):
    """The connection of one head: frames in, topics out, commands."""

    @property
    def head_id(self) -> str:
        """Id of this head, for arming."""
        ...

    @property
    def commands(self) -> ShellCommands:
        """Requests to the engine."""
        ...

    async def run(self, on_frame: OnFrame, on_state: OnState) -> None:
        """Connect, stay connected, resync by itself; returns only when canceled."""
        ...

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Replace the set of topics; also after the next reconnect."""
        ...
