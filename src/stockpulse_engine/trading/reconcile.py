"""Our state against the venue's: at the start, after each loss of the link, and while orders are open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import Reconciled
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.reports import VenueAccount, VenueOrder
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import agrees, needs_answer
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.ports import Broker
from stockpulse_engine.trading.resolver import Resolver
from stockpulse_engine.trading.words import number

MAX_DIFFERENCES: Final = 50
_TRIES: Final = 3
"""Looks for a moment in which the venue stands still; without one the holdings are compared next time."""
CashSource = Callable[[str], Decimal | None]


class Reconciler:
    """Compares one account at a time; running it twice posts nothing new."""

    def __init__(self, desk: Desk, intake: Intake, resolver: Resolver, cash: CashSource | None) -> None:
        self._desk = desk
        self._intake = intake
        self._resolver = resolver
        self._cash = cash

    async def compare(self, account: Account, broker: Broker, *, is_recorded: bool) -> Sequence[str]:
        """Book what was missed, settle what is proven, and say what still differs.

        Exceptions of the broker pass through: a failed or cut page is no verdict.
        """
        desk, account_id = self._desk, account.account_id
        venue, added = await self._book_fills(account, broker)
        working = {order.client_order_id: order for order in await broker.fetch_open_orders(account_id)}
        ours = desk.open_in(account_id)
        differences = await self._settle_orders(ours, working, broker)
        for key, order in working.items():
            if desk.recorder.current(key) is None:
                self._intake.adopt(order)
                differences.append(f"order {key} is at the venue and was never ours: adopted as external")
        await desk.recorder.settle()
        if venue is not None:
            differences += self._compare_holdings(venue)
            if not differences:
                desk.matched_at[account_id], desk.matched_wall[account_id] = desk.market_now(), desk.clock.now_ns()
        await self._record(account_id, len(ours), added, tuple(differences[:MAX_DIFFERENCES]), is_recorded=is_recorded)
        return differences

    async def _book_fills(self, account: Account, broker: Broker) -> tuple[VenueAccount | None, int]:
        """Book missed executions; the venue's balances come with it when they belong to the same moment."""
        account_id, added = account.account_id, 0
        venue = await broker.fetch_account(account_id)
        for _ in range(_TRIES):
            cursor = max(0, self._intake.cursor(account.broker) - broker.capabilities.overlap)
            added += self._intake.take_fills(account.broker, await broker.fetch_fills(account_id, cursor))
            before, venue = venue, await broker.fetch_account(account_id)
            if venue.last_report_seq == before.last_report_seq:
                return venue, added
        return None, added

    async def _settle_orders(
        self, ours: Sequence[Order], working: Mapping[str, VenueOrder], broker: Broker
    ) -> list[str]:
        """Bring each open order to what the venue shows. Absence needs a second look, later."""
        absent: list[Order] = []
        differences: list[str] = []
        for order in ours:
            venue = working.get(order.client_order_id) or await self._query(order, broker)
            if venue is None:
                absent.append(order)
            else:
                differences += await self._settle(order, venue)
        if absent:
            await self._desk.sleep(self._desk.timing.settle)
        for order in absent:
            venue = await self._query(order, broker)
            if venue is None:
                await self._resolver.conclude_absence(self._desk.order(order.client_order_id))
                differences += self._left_open(order, "the venue does not know it")
            else:
                differences += await self._settle(order, venue)
        return differences

    async def _query(self, order: Order, broker: Broker) -> VenueOrder | None:
        return await broker.fetch_order(order.terms.account_id, order.client_order_id)

    async def _settle(self, order: Order, venue: VenueOrder) -> list[str]:
        await self._resolver.apply(self._desk.order(order.client_order_id), venue, is_settled=True)
        after = self._desk.order(order.client_order_id)
        if agrees(after, venue) or needs_answer(after):
            return []
        return self._left_open(after, f"the venue shows {venue.status}, {number(venue.filled_quantity)} filled")

    def _left_open(self, order: Order, what: str) -> list[str]:
        after = self._desk.order(order.client_order_id)
        if not after.is_open:
            return []
        return [f"order {after.client_order_id} is {after.status.value} here; {what}"]

    def _compare_holdings(self, venue: VenueAccount) -> list[str]:
        account_id = venue.account_id
        ours = self._desk.positions(account_id)
        found = []
        for instrument_id in sorted({*ours, *venue.positions}):
            here, there = ours.get(instrument_id, ZERO), venue.positions.get(instrument_id, ZERO)
            if here != there:
                found.append(f"{instrument_id}: {number(here)} here, {number(there)} at the venue")
        cash = self._cash(account_id) if self._cash else None
        if cash is not None and cash != venue.cash:
            found.append(f"cash: {number(cash)} here, {number(venue.cash)} at the venue")
        return found

    async def _record(
        self, account_id: str, orders: int, added: int, differences: tuple[str, ...], *, is_recorded: bool
    ) -> None:
        """A comparison in passing is recorded when it found something or differs from the last one."""
        desk = self._desk
        last = desk.recorder.front.reconciled.get(account_id)
        if not is_recorded and not added and last is not None and last.differences == differences:
            return
        fact = Reconciled(
            account_id=account_id,
            orders=orders,
            fills_added=added,
            differences=differences,
            ts_event=desk.market_now(),
            recorded_at=desk.clock.now_ns(),
        )
        if differences:
            desk.alert("danger", f"{account_id} differs from the venue: {differences[0]}", account_id)
        try:
            await desk.recorder.write([fact])
        except UnavailableError as error:
            desk.alert("danger", f"The comparison could not be recorded: {error.message}", account_id)
