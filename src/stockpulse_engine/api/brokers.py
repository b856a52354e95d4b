"""What the API needs to know of brokers: which there are, and opening and locking them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from stockpulse_engine.domain.brokers import BrokerView, LiveView

BY_HAND: Final = "manual"
"""The strategy of orders that a person sends."""


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


class LivePort(Protocol):
    """Arming for live money."""

    async def arm(
        self, account_id: str, *, holder: str, suffix: str, cap: Decimal, minutes: int, strategy: str, actor: str
    ) -> LiveView:
        """Arm; ForbiddenError, ConflictError, InvalidValueError, NotFoundError."""
        ...

    async def disarm(self, account_id: str, *, reason: str, actor: str) -> Sequence[LiveView]:
        """Disarm an account, all with ""."""
        ...

    def views(self) -> Sequence[LiveView]:
        """How every live account stands."""
        ...
