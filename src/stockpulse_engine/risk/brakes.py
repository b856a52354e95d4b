"""Which accounts may only reduce because a loss limit was reached: a fold of the journal."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.events import Event, LossLimitActed, SessionMarked
from stockpulse_engine.domain.money import ZERO

DAILY_LOSS: Final = "daily loss"
DRAWDOWN: Final = "drawdown"
KINDS: Final = (DAILY_LOSS, DRAWDOWN)


class Brake(msgspec.Struct, frozen=True, kw_only=True):
    """What the loss limits of one account have done.

    Attributes:
        daily, drawdown: the fact by which the limit acted; None while it has not.
        forgiven_loss: loss of the session that an admin let pass: the limit counts from there on.
        forgiven_fall: the same of the fall from the peak.
        last: the newest fact of either kind.
    """

    daily: LossLimitActed | None = None
    drawdown: LossLimitActed | None = None
    forgiven_loss: Decimal = ZERO
    forgiven_fall: Decimal = ZERO
    last: LossLimitActed | None = None

    @property
    def is_on(self) -> bool:
        """Whether the account may only reduce."""
        return self.daily is not None or self.drawdown is not None


NO_BRAKE = Brake()


class BrakeBook:
    """The brakes of every account."""

    def __init__(self) -> None:
        self._accounts: dict[str, Brake] = {}

    def of(self, account_id: str) -> Brake:
        """The brake of an account."""
        return self._accounts.get(account_id, NO_BRAKE)

    def observe(self, event: Event) -> None:
        """Follow a durable event, replay included. A new session frees what the day's loss had stopped."""
        if isinstance(event, LossLimitActed):
            self._accounts[event.account_id] = _after(self.of(event.account_id), event)
        elif isinstance(event, SessionMarked):
            brake = self.of(event.account_id)
            if brake is not NO_BRAKE:
                self._accounts[event.account_id] = msgspec.structs.replace(brake, daily=None, forgiven_loss=ZERO)


def _after(brake: Brake, event: LossLimitActed) -> Brake:
    acts, is_daily = event.state is TradingState.REDUCING, event.kind == DAILY_LOSS
    changes: dict[str, object] = {"last": event, "daily" if is_daily else "drawdown": event if acts else None}
    if not acts:
        changes["forgiven_loss" if is_daily else "forgiven_fall"] = event.amount
    return msgspec.structs.replace(brake, **changes)
