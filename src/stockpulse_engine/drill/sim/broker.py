"""The order service's broker over the simulated one: no socket, but everything that can go wrong on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import PAPER_BROKER, BrokerCapabilities, Dedup
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.drill.core.orders import Refused, Rules
from stockpulse_engine.drill.core.statements import fill_of
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.sim.translate import drill_order, venue_account, venue_order
from stockpulse_engine.drill.sim.wire import Wire, frames

T = TypeVar("T")
PERSONALITIES: Final[dict[str, Rules]] = {
    "paper": Rules(),
    "strict": Rules(repeats_answer=False, takes_shorts=True),
    "forgetful": Rules(dedup=Dedup.NONE),
    "patient": Rules(legs_wait_for_all=True),
    "unnumbered": Rules(),
}
"""Ways in which a simulated broker differs from others as far as the order service can notice."""


UNNUMBERED: Final = "unnumbered"
"""Its reports carry the time of the fact and no number, so that nothing shows that one was lost."""
OVERLAP_NS: Final = 600 * 1_000_000_000


class SimBroker:
    """Implements `trading.ports.Broker`: one engine's end of the wire."""

    def __init__(self, wire: Wire, on_submit: Callable[[Sequence[Order]], None]) -> None:
        """`on_submit` sees every submission at the moment it leaves the engine."""
        self._wire = wire
        self._venue = wire.venue
        self._on_submit = on_submit
        self.is_connected = False
        self.is_dead = False
        """The engine behind it is gone: nothing leaves any more."""
        self.capabilities = BrokerCapabilities(
            name=PAPER_BROKER,
            deduplicates=self._venue.rules.dedup is Dedup.FOR_EVER,
            dedup=self._venue.rules.dedup,
            holds_brackets=True,
            supports_replace=True,
            numbers_reports=not wire.reads_time,
            overlap=OVERLAP_NS if wire.reads_time else 1000,
        )

    async def connect(self) -> None:
        """Open the link."""
        if self.is_dead or self._wire.plan.strikes(Fault.CONNECT_REFUSED):
            raise UnavailableError("Nobody listens at the broker's address.")
        self.is_connected = True

    async def close(self) -> None:
        """Close the link."""
        self.cut()

    def cut(self) -> None:
        """The link drops."""
        self.is_connected = False
        self._wire.cut()

    async def open_account(self, account: Account) -> None:
        """Make it known; it may be known."""
        await self._question(lambda: self._venue.open_account(account.account_id, account.initial_cash))

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order, or an entry with its exits."""
        self._require_link()
        self._on_submit(orders)
        sent = [drill_order(order) for order in orders]
        account_id = orders[0].terms.account_id
        await self._wire.ask(lambda: self._venue.submit(account_id, sent), is_order=True)

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Ask for new terms."""
        self._require_link()

        def do() -> None:
            before = self._venue.order(terms.account_id, client_order_id=order.client_order_id)
            if before is None:
                raise Refused("unknown_order", "There is no such order.")
            self._venue.replace(
                terms.account_id,
                before.venue_order_id,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
            )

        await self._wire.ask(do, is_order=True)

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel."""
        self._require_link()
        account_id = order.terms.account_id

        def do() -> None:
            found = self._venue.order(account_id, client_order_id=order.client_order_id)
            if found is None:
                raise Refused("unknown_order", "There is no such order.")
            self._venue.cancel(account_id, found.venue_order_id)

        await self._wire.ask(do, is_order=True)

    async def cancel_all(self, account_id: str) -> None:
        """Ask to cancel everything."""
        self._require_link()
        await self._wire.ask(lambda: self._venue.cancel_all(account_id), is_order=True)

    def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """First what was missed, then what comes, until the link drops."""
        return frames(self._wire.open_stream(after_seq))

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """One order, or the venue's word that there is none."""
        found = await self._question(lambda: self._venue.order(account_id, client_order_id=client_order_id))
        return venue_order(found) if found is not None else None

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """What works."""
        return [venue_order(one) for one in await self._question(lambda: self._venue.open_orders(account_id))]

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """Executions after the cursor."""
        if self._wire.reads_time:
            every = await self._question(lambda: self._venue.executions(account_id))
            return [fill_of(one) for one in every if one.ts_ns > after_seq]
        return [fill_of(one) for one in await self._question(lambda: self._venue.executions(account_id, after_seq))]

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and holdings."""

        def do() -> VenueAccount:
            last = self._wire.last_time() if self._wire.reads_time else self._venue.last_seq
            return venue_account(self._venue.account(account_id), last)

        return await self._question(do)

    async def _question(self, do: Callable[[], T]) -> T:
        self._require_link()
        return await self._wire.ask(do, is_order=False)

    def _require_link(self) -> None:
        if self.is_dead or not self.is_connected:
            raise UnavailableError("The link to the broker is down.")
