"""The desk around arming: what people ask of it, and what ends an arming by itself is put on record."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import LiveView
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.events import LiveArmed
from stockpulse_engine.trading.arming import BY_HAND, LiveArming
from stockpulse_engine.trading.desk import Desk

LOOK_S: Final = 0.5


class LiveDesk:
    """Arms, disarms, tells, and watches."""

    def __init__(self, desk: Desk, arming: LiveArming) -> None:
        self._desk = desk
        self._arming = arming

    async def arm(
        self,
        account_id: str,
        *,
        holder: str,
        suffix: str,
        cap: Decimal,
        minutes: int,
        strategy: str = BY_HAND,
        actor: str,
    ) -> LiveView:
        """Arm; see `LiveArming.arm`. Raises NotFoundError for an unknown account."""
        return await self._arming.arm(
            self._desk.router.account(account_id),
            holder=holder,
            suffix=suffix,
            cap=cap,
            minutes=minutes,
            strategy=strategy,
            actor=actor,
        )

    async def disarm(self, account_id: str, *, reason: str, actor: str) -> Sequence[LiveView]:
        """Disarm an account, all with ""; in force even where it can not be recorded."""
        try:
            await self._arming.disarm(account_id, reason=reason, actor=actor)
        except StockPulseError as error:
            self._desk.alert("danger", f"Disarmed, and it could not be recorded: {error.message}", "arming")
        return self.views()

    def views(self) -> Sequence[LiveView]:
        """How every live account stands."""
        accounts = self._desk.recorder.front.accounts.values()
        return [self._arming.view(one) for one in accounts if one.kind is AccountKind.LIVE]

    def drop(self, reason: str, actor: str) -> None:
        """Disarm everything in this instant and put it on record beside."""
        self._record(self._arming.drop_all(), reason, actor)

    async def mind(self) -> None:
        """For ever: end what is over, and what a condition that no longer holds must end."""
        while True:
            await self._desk.sleep(LOOK_S)
            self._record(self._arming.expire(), "its time is over", "engine")
            if self._desk.latch.is_set():
                self.drop("trading was halted", "latch")

    def _record(self, gone: Sequence[tuple[LiveArmed, Decimal]], reason: str, actor: str) -> None:
        for fact, sent in gone:
            self._desk.alert("warn", f"{fact.account_id} is disarmed: {clean_line(reason, 80)}.", fact.account_id)
            self._desk.spawn(self._write(fact, sent, reason, actor), f"disarm {fact.account_id}")

    async def _write(self, fact: LiveArmed, sent: Decimal, reason: str, actor: str) -> None:
        try:
            await self._desk.recorder.write([self._arming.end_of(fact, sent, reason, actor)])
        except StockPulseError as error:
            self._desk.alert("danger", f"Disarmed, and it could not be recorded: {error.message}", "arming")
