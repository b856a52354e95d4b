"""What the user may set about the engine's door."""

from __future__ import annotations

from typing import Annotated

import msgspec


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `api`. There is no TCP port: the engine listens on a private Unix socket alone."""

    rate_limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    """Requests a second for each token."""
    max_sockets: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 64
    """Heads on the stream at once."""
    idle_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 60
    """A stream that says nothing for so long is closed."""
