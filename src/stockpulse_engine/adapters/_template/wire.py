"""The way to the broker and back. A real adapter implements it over httpx and websockets, with retries switched off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """What came back, whatever it was: the status of HTTP, and the bytes."""

    status: int
    body: bytes


class Wire(Protocol):
    """One request, one answer; one stream. Credentials go into headers, never into an address (R21)."""

    async def open(self) -> None:
        """Get ready. Raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of every socket."""
        ...

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """One attempt.

        Raises:
            UnavailableError: no byte of the request left.
            AmbiguousOutcomeError: something may have left, and no whole answer came.
        """
        ...

    def listen(self) -> AsyncIterator[Mapping[str, Any]]:
        """The stream's messages until it drops."""
        ...
