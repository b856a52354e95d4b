"""What the API needs of recorded sessions."""

from __future__ import annotations

from typing import Protocol

from stockpulse_engine.domain.recordings import RecordingsView, RecordingView


class RecordingsPort(Protocol):
    """Recording this engine's market."""

    async def start(self, name: str) -> RecordingView:
        """Write down every event of the market from now on; InvalidValueError when that can not begin."""
        ...

    async def stop(self) -> RecordingView:
        """End the recording; InvalidValueError when none is made."""
        ...

    async def view(self) -> RecordingsView:
        """Every recording of this home, and which is being made."""
        ...
