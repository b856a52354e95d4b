"""The link to one broker: connect, read what was missed, compare, then follow its reports until it drops, and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import PAPER_BROKER
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


def part_of(broker: str) -> str:
    """The part of the engine's health that stands for a connection: the paper venue's is simply the broker."""
    return "broker" if broker == PAPER_BROKER else f"broker {broker}"


class Link:
    """Keeps one broker joined. An account that is not known to match has its submits refused; no other has."""

    def __init__(self, desk: Desk, name: str, intake: Intake, reconciler: Reconciler) -> None:
        self._desk = desk
        self.name = name
        """The connection's name: in `Account.broker`, and in cursors."""
        self.broker: Broker = desk.brokers[name]
        self._intake = intake
        self._reconciler = reconciler
        self._stream: Stream | None = None
        self._is_joined = False
        self._comparing = asyncio.Lock()
        self._wants_compare = False
        self._is_tending = False
        self._tend_at = 0
        self._tend_delay = _FIRST_RETRY_S

    def accounts(self) -> list[Account]:
        """Open accounts that this broker holds."""
        return [one for one in self._desk.recorder.front.accounts.values() if one.broker == self.name]

    async def open(self) -> None:
        """Join once: afterwards our state matches the venue's as far as can be proven.

        Raises whatever the broker raises; nothing is concluded from a failure.
        """
        self._part()
        async with asyncio.timeout(self._desk.timing.connect):
            if not self.broker.is_connected:
                await self.broker.connect()
            for account in self.accounts():
                await self.broker.open_account(account)
            target = await self._last_report()
        self._stream = await self._catch_up(target)
        self._intake.set_floor(self.name, target)
        try:
            await self._compare_all(is_recorded=True)
        except Exception:
            self._stream = None  # a stream that is followed without a comparison would never be joined again
            raise
        self._is_joined = True

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

    @property
    def is_followed(self) -> bool:
        """Whether its reports are being read now."""
        return self._stream is not None and self.broker.is_connected

    @property
    def is_due(self) -> bool:
        """Whether the link wants something between reports: a lost request link back, or a comparison."""
        if self._stream is None or self._is_tending or self._desk.clock.monotonic_ns() < self._tend_at:
            return False
        return self._wants_compare or (self._is_joined and not self.broker.is_connected)

    async def tend(self) -> None:
        """Bring a lost request link back, and compare when reports are missing; backs off."""
        if not self.is_due:
            return
        self._is_tending = True
        try:
            if not self.broker.is_connected:
                self._part()
                self._wants_compare = True
                async with asyncio.timeout(self._desk.timing.connect):
                    await self.broker.connect()
            self._wants_compare = False
            await self._compare_all(is_recorded=False)
        except Exception as error:  # noqa: BLE001 - tried again later
            self._back_off(error)
        else:
            self._is_joined = True
        finally:
            self._is_tending = False

    def _back_off(self, error: Exception) -> None:
        self._wants_compare = True
        self._tend_delay = min(self._tend_delay * 2, _LONGEST_RETRY_S)
        self._tend_at = self._desk.clock.monotonic_ns() + int(self._tend_delay * _NS)
        self._tell("late", clean_line(str(error) or type(error).__name__, 200))

    async def introduce(self, account: Account) -> None:
        """Make a new account known to the venue, and compare it at once: its id may not be new there."""
        async with asyncio.timeout(self._desk.timing.connect):
            await self.broker.open_account(account)
            async with self._comparing:
                await self._reconciler.compare(account, self.broker, is_recorded=True)
        if self._stream is not None:
            self._desk.clean.add(account.account_id)

    async def compare_now(self, account: Account) -> str:
        """Compare one account because somebody asks; "" or why it could not be."""
        try:
            async with self._comparing:
                await self._reconciler.compare(account, self.broker, is_recorded=False)
        except Exception as error:  # noqa: BLE001 - no verdict; whoever asked is told why
            return clean_line(str(error) or type(error).__name__, 200)
        if self._is_joined:
            self._desk.clean.add(account.account_id)
        return ""

    async def poll(self) -> None:
        """Ask for executions that no report told (F10): the stream may be silent while it looks alive."""
        able = self.broker.capabilities
        for account in self.accounts():
            if not any(True for _ in self._desk.recorder.front.open_orders(account.account_id)):
                continue
            try:
                if able.numbers_reports:
                    seen = (await self.broker.fetch_account(account.account_id)).last_report_seq
                    self._wants_compare |= seen > self._intake.cursor(self.name)
                else:
                    since = max(0, self._intake.cursor(self.name) - able.overlap)
                    fills = await self.broker.fetch_fills(account.account_id, since)
                    self._intake.take_fills(self.name, fills)
            except Exception:  # noqa: BLE001 - an exception proves nothing; the next poll asks again
                return

    def want_compare(self) -> None:
        """Reports are missing: compare at the next look."""
        self._wants_compare = True

    def forget(self) -> None:
        """The connection is given up: nothing of its accounts leaves any more."""
        self._stream = None
        self._part()
        self._tell("off", "")

    async def _compare_all(self, *, is_recorded: bool) -> None:
        """Compare account by account: one that cannot be compared holds back its own orders and no others.

        Raises the broker's exception when no account could be compared.
        """
        failures: list[tuple[str, Exception]] = []
        accounts = self.accounts()
        async with self._comparing:
            for account in accounts:
                try:
                    await self.broker.open_account(account)
                    await self._reconciler.compare(account, self.broker, is_recorded=is_recorded)
                except Exception as error:  # noqa: BLE001 - no verdict about this account; the next has its own
                    self._desk.clean.discard(account.account_id)
                    failures.append((account.account_id, error))
                else:
                    self._desk.clean.add(account.account_id)
        if failures and len(failures) == len(accounts):
            raise failures[0][1]
        if failures:
            account_id, why = failures[0]
            self._back_off(UnavailableError(f"{account_id} could not be compared: {why}"))
        else:
            self._tend_delay = _FIRST_RETRY_S
            self._tell("ok", "")

    async def _last_report(self) -> int:
        """The number up to which reports must come; 0 where a broker does not number them."""
        if not self.broker.capabilities.numbers_reports:
            return 0
        target = 0
        for account in self.accounts():
            target = max(target, (await self.broker.fetch_account(account.account_id)).last_report_seq)
        return target

    async def _catch_up(self, target: int) -> Stream:
        """Read the reports that were missed; those that never come are made up for by the comparison.

        Without numbers nothing says when all were read: the stream begins some time before what we know last.
        """
        able = self.broker.capabilities
        if not able.numbers_reports:
            return self.broker.reports(max(0, self._intake.cursor(self.name) - able.overlap))
        stream = self.broker.reports(self._intake.cursor(self.name))
        try:
            async with asyncio.timeout(self._desk.timing.catch_up):
                while self._intake.cursor(self.name) < target:
                    await self._intake.take(self.name, await anext(stream))
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
            await self._intake.take(self.name, batch)

    def _part(self) -> None:
        """What the broker holds is not known any more."""
        self._is_joined = False
        self._desk.clean.difference_update(account.account_id for account in self.accounts())

    def _lost(self, detail: str) -> None:
        self._stream = None
        self._part()
        self._tell("late", detail)

    def _tell(self, state: str, detail: str) -> None:
        self._desk.bus.publish(PartChanged(name=part_of(self.name), state=state, detail=detail))
