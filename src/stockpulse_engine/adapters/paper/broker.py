"""The paper venue as a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeVar

from stockpulse_engine.adapters.paper.link import ANSWER_S, VenueLink, listen
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import BrokerCapabilities
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType, TimeInForce
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.trading.ports import RejectedByBrokerError
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.orders import NewOrder

A = TypeVar("A", bound=p.Answer)
CLIENT = "broker"
CAPABILITIES = BrokerCapabilities(
    name="paper",
    deduplicates=True,
    holds_brackets=True,
    supports_replace=True,
    holds_oco=True,
    holds_oto=True,
    holds_trailing=True,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
)


class PaperBroker:
    """Implements `trading.ports.Broker`. Nothing is ever sent twice by it: repeating is the caller's decision."""

    def __init__(self, socket_path: Path, clock: Clock, *, answer_s: float = ANSWER_S) -> None:
        self._path = socket_path
        self._clock = clock
        self._link = VenueLink(socket_path, CLIENT, answer_s)
        self.connected_at = 0
        """Wall time the link came up, 0 while it is down."""

    @property
    def capabilities(self) -> BrokerCapabilities:
        """Deduplicates for ever, replaces, and holds everything that one order can wait for."""
        return CAPABILITIES

    @property
    def is_connected(self) -> bool:
        """Whether the link is up now."""
        return self._link.is_connected

    async def connect(self) -> None:
        """Open the link; raises UnavailableError."""
        await self._link.connect()
        self.connected_at = self._clock.now_ns()

    async def close(self) -> None:
        """Close the link."""
        await self._link.close()
        self.connected_at = 0

    async def ping(self) -> None:
        """Ask for the time: the answer is the proof that somebody is there."""
        await self._query(p.GetClock(), p.Clock)

    async def open_account(self, account: Account) -> None:
        """Make the account known to the venue (idempotent)."""
        await self._link.ask(p.OpenAccount(account), p.Done)

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order, or an entry followed by its bracket children, as one request."""
        sent = tuple(
            NewOrder(
                client_order_id=order.client_order_id, terms=order.terms, role=order.role, parent_id=order.parent_id
            )
            for order in orders
        )
        await self._link.ask(p.Submit(sent), p.Submitted)

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Ask for new terms of a working order."""
        account_id = order.terms.account_id
        await self._link.ask(p.Replace(account_id, order.client_order_id, request_id, terms), p.Done)

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel; the proof arrives as a report."""
        await self._link.ask(p.Cancel(order.terms.account_id, order.client_order_id, request_id), p.Done)

    async def cancel_all(self, account_id: str) -> None:
        """Ask to cancel every working order of the account in one request."""
        await self._link.ask(p.CancelAll(account_id), p.Done)

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """Batches of reports of every account: first what was missed, then live, until the link drops."""
        async for message in listen(self._path, f"{CLIENT} reports", p.SubscribeReports("", after_seq)):
            if isinstance(message, p.ReportBatch):
                yield message.reports

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """Targeted query: None is the venue's authenticated 'no such order'."""
        found = await self._query(p.GetOrder(account_id, client_order_id), p.Orders)
        return found.orders[0] if found.orders else None

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders, complete or an exception."""
        return (await self._query(p.GetOpenOrders(account_id), p.Orders)).orders

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """All executions after the cursor, complete or an exception."""
        fills: list[Fill] = []
        while True:
            page = await self._query(p.GetFills(account_id, after_seq), p.Fills)
            fills += page.fills
            if page.is_last:
                return fills
            after_seq = page.cursor

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions as the venue holds them."""
        return (await self._query(p.GetAccount(account_id), p.AccountNow)).account

    async def count_orders(self, client_order_id: str) -> tuple[int, int]:
        """The venue as witness: orders ever made from this id, requests that carried it."""
        counted = await self._query(p.CountOrders(client_order_id), p.Counted)
        return counted.orders, counted.requests

    async def _query(self, question: p.Question, expected: type[A]) -> A:
        """A refused query proves nothing about an order: it is no verdict."""
        try:
            return await self._link.ask(question, expected)
        except RejectedByBrokerError as error:
            raise UnavailableError(f"The venue gave no answer: {error.args[0]}") from error
