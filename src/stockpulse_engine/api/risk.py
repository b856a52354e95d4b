"""What the API needs to show risk and to change limits."""

from __future__ import annotations

from typing import Protocol

from stockpulse_engine.domain.risk import LimitAnswer, RiskView
from stockpulse_engine.wire.risk import ReleaseLoss, SetLimit


class RiskPort(Protocol):
    """Limits: how full they are, and changing them. Every change is in the journal before it is answered."""

    def view(self, account_id: str = "", *, strategy: str = "", instrument_id: str = "") -> RiskView:
        """Limits of an account, exposure, and what waits; "" is the default account. Raises NotFoundError."""
        ...

    async def set_limit(self, wish: SetLimit, actor: str, *, may_raise: bool) -> LimitAnswer:
        """Set one limit; ForbiddenError for a looser one unless `may_raise`, InvalidValueError, ConflictError."""
        ...

    async def withdraw(self, change_id: str, actor: str) -> LimitAnswer:
        """Take back a raise that waits; NotFoundError when it does not."""
        ...

    async def release(self, wish: ReleaseLoss, actor: str) -> RiskView:
        """Free an account of what its loss limits stopped; ForbiddenError without the word."""
        ...
