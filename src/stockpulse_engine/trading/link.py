"""The link to one broker: connect, read what was missed, compare, then follow its reports until it drops, and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.ports import Broker
from stockpulse_engine.trading.reconcile import Reconciler

Stream = AsyncIterator[Sequence[ExecutionReport]]
_FIRST_RETRY_S: Final = 0.1
_LONGEST_RETRY_S: Final = 5.0
_NS: Final = 1_000_000_000


class Link:
    """Keeps one broker joined. While it is not known to match, submits of its accounts are refused."""

    def __init__(self, desk: Desk, kind: AccountKind, intake: Intake, reconciler: Reconciler) -> None:
        self._desk = desk
        self.kind = kind
        self.broker: Broker = desk.brokers[kind]
        self._intake = intake
        self._reconciler = reconciler
        self._stream: Stream | None = None
        self._wants_compare = False
        self._tend_at = 0
        self._tend_delay = _FIRST_RETRY_S
        desk.clean[kind] = False

    @property
    def name(self) -> str:
        """The broker's name, as in cursors."""
        return self.broker.capabilities.name

    def accounts(self) -> list[Account]:
        """Open accounts of this broker's kind."""
        return [one for one in self._desk.recorder.front.accounts.values() if one.kind is self.kind]

    async def open(self) -> None:
        """Join once: afterwards our state matches the venue's as far as can be proven.

        Raises whatever the broker raises; nothing is concluded from a failure.
        """
        desk = self._desk
        desk.clean[self.kind] = False
        async with asyncio.timeout(desk.timing.connect):
            if not self.broker.is_connected:
                await self.broker.connect()
            for account in self.accounts():
                await self.broker.open_account(account)
            target = await self._last_report()
        self._stream = await self._catch_up(target)
        self._intake.set_floor(self.name, target)
        for account in self.accounts():
            await self._reconciler.compare(account, self.broker, is_recorded=True)
        desk.clean[self.kind] = True
        self._tell("ok", "")

    async def run(self) -> None:
        """Follow the reports for ever; every loss of the link goes through the same joining as the start."""
        delay = _FIRST_RETRY_S
        while True:
            try:
                if self._stream is None:
                    await self.open()
                delay = _FIRST_RETRY_S
                await self._follow()
                detail = "the venue ended the stream of reports"
            except Exception as error:  # noqa: BLE001 - whatever it was, the answer is to join again
                detail = clean_line(str(error) or type(error).__name__, 200)
            self._lost(detail)
            await self._desk.sleep(delay)
            delay = min(delay * 2, _LONGEST_RETRY_S)

    async def tend(self) -> None:
        """Between reports: bring a lost request link back, and compare when reports are missing; backs off."""
        desk = self._desk
        now = desk.clock.monotonic_ns()
        is_due = self._wants_compare or (desk.clean[self.kind] and not self.broker.is_connected)
        if self._stream is None or not is_due or now < self._tend_at:
            return
        try:
            if not self.broker.is_connected:
                desk.clean[self.kind] = False
                self._wants_compare = True
                async with asyncio.timeout(desk.timing.connect):
                    await self.broker.connect()
            self._wants_compare = False
            await self.compare()
        except Exception as error:  # noqa: BLE001 - tried again later
            self._wants_compare = True
            self._tend_delay = min(self._tend_delay * 2, _LONGEST_RETRY_S)
            self._tend_at = now + int(self._tend_delay * _NS)
            self._tell("late", clean_line(str(error) or type(error).__name__, 200))
        else:
            self._tend_delay = _FIRST_RETRY_S
            desk.clean[self.kind] = True
            self._tell("ok", "")

    async def compare(self) -> None:
        """Compare in passing, while orders are open."""
        for account in self.accounts():
            await self.broker.open_account(account)
            await self._reconciler.compare(account, self.broker, is_recorded=False)

    async def introduce(self, account: Account) -> None:
        """Make a new account known to the venue, and compare it at once: its id may not be new there."""
        async with asyncio.timeout(self._desk.timing.connect):
            await self.broker.open_account(account)
            await self._reconciler.compare(account, self.broker, is_recorded=True)

    def want_compare(self) -> None:
        """Reports are missing: compare at the next look."""
        self._wants_compare = True

    async def _last_report(self) -> int:
        target = 0
        for account in self.accounts():
            target = max(target, (await self.broker.fetch_account(account.account_id)).last_report_seq)
        return target

    async def _catch_up(self, target: int) -> Stream:
        """Read the reports that were missed; those that never come are made up for by the comparison."""
        stream = self.broker.reports(self._intake.cursor(self.name))
        try:
            async with asyncio.timeout(self._desk.timing.catch_up):
                while self._intake.cursor(self.name) < target:
                    await self._intake.take(self.broker, await anext(stream))
        except TimeoutError:
            self._desk.alert("warn", f"{self.name} did not send all reports up to {target}; comparing.", self.name)
            return self.broker.reports(target)
        except StopAsyncIteration:
            raise UnavailableError(f"{self.name} ended the stream of reports.") from None
        return stream

    async def _follow(self) -> None:
        if self._stream is None:
            return
        async for batch in self._stream:
            await self._intake.take(self.broker, batch)

    def _lost(self, detail: str) -> None:
        self._stream = None
        self._desk.clean[self.kind] = False
        self._tell("late", detail)

    def _tell(self, state: str, detail: str) -> None:
        self._desk.bus.publish(PartChanged(name="broker", state=state, detail=detail))
