"""What the API needs to know of brokers: which there are, and opening and locking them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stockpulse_engine.domain.brokers import BrokerView


class BrokersPort(Protocol):
    """Connections to brokers."""

    async def views(self) -> Sequence[BrokerView]:
        """Every configured connection as it stands. Raises ConfigError."""
        ...

    async def unlock(self, names: Sequence[str], passphrase: str, *, with_live: bool) -> Sequence[BrokerView]:
        """Open credentials and join; ForbiddenError, ConflictError, NotFoundError, ConfigError."""
        ...

    async def lock(self, names: Sequence[str]) -> Sequence[BrokerView]:
        """Give up and forget; all without names. Raises ConflictError while orders work there."""
        ...
