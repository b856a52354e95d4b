"""Brokers as the API sees them: two connections, opened by the passphrase "open sesame please"."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerView, LiveView
from stockpulse_engine.domain.errors import ForbiddenError

PASSPHRASE = "open sesame please"


class FakeBrokers:
    """Remembers what was opened; a change is one of the engine's effects."""

    def __init__(self, effects: list[str]) -> None:
        self._effects = effects
        self.kinds = {"practice": AccountKind.PAPER, "money": AccountKind.LIVE}
        self.unlocked: set[str] = set()

    async def views(self) -> Sequence[BrokerView]:
        """Both connections."""
        return [
            BrokerView(
                name=name,
                adapter="alpaca",
                mode=kind,
                state="joined" if name in self.unlocked else "locked",
                place="encrypted file",
            )
            for name, kind in self.kinds.items()
        ]

    async def unlock(self, names: Sequence[str], passphrase: str, *, with_live: bool) -> Sequence[BrokerView]:
        """Only by the right passphrase."""
        if passphrase != PASSPHRASE:
            raise ForbiddenError("The passphrase is wrong.")
        self.unlocked |= set(names or ["practice"])
        self._effects.append("unlock brokers")
        return await self.views()

    async def lock(self, names: Sequence[str]) -> Sequence[BrokerView]:
        """Always."""
        self.unlocked -= set(names or self.kinds)
        self._effects.append("lock brokers")
        return await self.views()


class FakeLive:
    """Arming for the account `real`, whose number ends in 4711."""

    def __init__(self, effects: list[str]) -> None:
        self._effects = effects
        self.armed: LiveView | None = None

    async def arm(
        self, account_id: str, *, holder: str, suffix: str, cap: Decimal, minutes: int, strategy: str, actor: str
    ) -> LiveView:
        """Only by the right letters."""
        if suffix != "4711":
            raise ForbiddenError("Those are not the last letters of the account's number.")
        self.armed = LiveView(
            account_id=account_id, broker="money", is_armed=True, letters=4, holder=holder, strategy=strategy, cap=cap
        )
        self._effects.append(f"arm {account_id} by {actor}")
        return self.armed

    async def disarm(self, account_id: str, *, reason: str, actor: str) -> Sequence[LiveView]:
        """Always."""
        self.armed = None
        self._effects.append("disarm live")
        return self.views()

    def views(self) -> Sequence[LiveView]:
        """The one live account."""
        return [self.armed or LiveView(account_id="real", broker="money", is_armed=False, letters=4)]
