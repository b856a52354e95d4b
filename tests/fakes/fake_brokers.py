"""Brokers as the API sees them: two connections, opened by the passphrase "open sesame please"."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerView
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
