"""Our state against the venue's: at the start, after each loss of the link, on a timer and after the close.

The order of steps matters: executions first, by their ids; then what became of each order; cash and holdings last,
because only what is left after the others is a difference. Whatever the broker raises passes through: a failed or cut
page is no verdict, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.events import Reconciled
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.reports import VenueAccount, VenueOrder
from stockpulse_engine.trading.desk import Comparison, Desk
from stockpulse_engine.trading.evidence import agrees, needs_answer, since_adoption
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.ports import Broker
from stockpulse_engine.trading.resolver import Resolver
from stockpulse_engine.trading.suspense import Difference, Suspender, differences_of
from stockpulse_engine.trading.words import number

MAX_DIFFERENCES: Final = 50
_TRIES: Final = 3
"""Looks for a moment in which the venue stands still; without one the holdings are compared next time."""
_LOOKS: Final = 4
"""Looks at holdings until two in a row say the same: a broker's positions may lag behind its executions."""
CashSource = Callable[[str], Decimal | None]


class _Verdict(NamedTuple):
    """What the venue holds at a moment in which it stood still, and where that is not what we hold."""

    venue: VenueAccount
    found: tuple[Difference, ...]


class Reconciler:
    """Compares one account at a time; running it twice posts nothing new."""

    def __init__(
        self, desk: Desk, intake: Intake, resolver: Resolver, suspender: Suspender, cash: CashSource | None
    ) -> None:
        self._desk = desk
        self._intake = intake
        self._resolver = resolver
        self._suspender = suspender
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
        for order in working.values():  # never ours: kept as external, and never canceled by itself (O14)
            self._intake.adopt(order)
        self._intake.release(account_id, is_over=True)  # every order has answered: what is left is nobody's
        await desk.recorder.settle()
        verdict, more = await self._holdings(account, broker, venue)
        added += more
        if verdict is not None:
            differences += await self._suspend(account_id, verdict)
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
            if _same_moment(before, venue):
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
        venue = since_adoption(after, venue)
        if agrees(after, venue) or needs_answer(after):
            return []
        return self._left_open(after, f"the venue shows {venue.status}, {number(venue.filled_quantity)} filled")

    def _left_open(self, order: Order, what: str) -> list[str]:
        after = self._desk.order(order.client_order_id)
        if not after.is_open:
            return []
        return [f"order {after.client_order_id} is {after.status.value} here; {what}"]

    async def _holdings(
        self, account: Account, broker: Broker, venue: VenueAccount | None
    ) -> tuple[_Verdict | None, int]:
        """Compare cash and holdings; a difference counts when a second look, some time later, shows the same one.

        Returns the verdict, None when the venue never stood still, and how many more missed executions were booked.
        """
        before: tuple[Difference, ...] | None = None
        added = 0
        for look in range(_LOOKS):
            if look:
                await self._desk.sleep(self._desk.timing.settle)
                venue, more = await self._book_fills(account, broker)
                added += more
                await self._desk.recorder.settle()
            if venue is None:
                before = None
                continue
            found = self._differences(venue)
            if not found or found == before:
                return _Verdict(venue, found), added
            before = found
        return None, added

    def _differences(self, venue: VenueAccount) -> tuple[Difference, ...]:
        cash = self._cash(venue.account_id) if self._cash else None
        pair = None if cash is None else (cash, venue.cash)
        return differences_of(self._desk.positions(venue.account_id), venue.positions, pair)

    async def _suspend(self, account_id: str, verdict: _Verdict) -> list[str]:
        """Raise, keep or clear what is in suspense; what a person left standing is known and no news."""
        known = self._suspender.unexplained(account_id, verdict.found)
        await self._suspender.settle(account_id, verdict.found, verdict.venue.last_report_seq)
        self._desk.comparisons[account_id] = Comparison(
            venue=verdict.venue, market_time=self._desk.market_now(), wall_time=self._desk.clock.now_ns()
        )
        return [one.sentence for one in known]

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
        if differences and (last is None or last.differences != differences):
            desk.alert("danger", f"{account_id} differs from the venue: {differences[0]}", account_id)
        try:
            await desk.recorder.write([fact])
        except UnavailableError as error:
            desk.alert("danger", f"The comparison could not be recorded: {error.message}", account_id)


def _same_moment(before: VenueAccount, after: VenueAccount) -> bool:
    """Whether nothing happened between two looks; where reports have no numbers the figures themselves must say it."""
    return (before.last_report_seq, before.cash, before.positions) == (
        after.last_report_seq,
        after.cash,
        after.positions,
    )
