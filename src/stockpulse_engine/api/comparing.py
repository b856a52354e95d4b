"""What the API needs to know of our figures beside the brokers'."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from stockpulse_engine.domain.events import SuspenseEnd
from stockpulse_engine.domain.views import ReconcileView


class ComparingPort(Protocol):
    """Accounts against their brokers."""

    async def run(self, account_id: str = "") -> Sequence[ReconcileView]:
        """Compare now, one account or all; what cannot be compared says why."""
        ...

    def views(self, account_id: str = "") -> Sequence[ReconcileView]:
        """How the last comparison stands."""
        ...

    async def explain(
        self, suspense_id: str, how: SuspenseEnd, *, reason: str, word: str, price: Decimal | None = None, actor: str
    ) -> Sequence[ReconcileView]:
        """A person says which side is right; NotFoundError, ConflictError, InvalidValueError, ForbiddenError."""
        ...
