"""The port `Broker` over the imaginary broker's requests and stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

from stockpulse_engine.adapters._template.errors import answer_of, document_of
from stockpulse_engine.adapters._template.parse import account_of, fill_of, order_body, order_of, report_of
from stockpulse_engine.adapters._template.wire import Wire
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import BrokerCapabilities
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.trading.ports import RejectedByBrokerError

_NOT_FOUND = 404


class TemplateBroker:
    """Implements `trading.ports.Broker`. Nothing is ever sent twice by it: repeating is the caller's decision."""

    def __init__(self, name: str, wire: Wire) -> None:
        self._name = name
        self._wire = wire
        self._is_connected = False
        self._account_id = ""

    @property
    def capabilities(self) -> BrokerCapabilities:
        """Say less rather than more: what is not claimed here the engine does itself, or refuses."""
        return BrokerCapabilities(
            name=self._name,
            deduplicates=True,
            holds_brackets=False,
            supports_replace=False,
            order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
            numbers_reports=False,
            overlap=600_000_000_000,
        )

    @property
    def is_connected(self) -> bool:
        """Whether the link is up now."""
        return self._is_connected

    async def connect(self) -> None:
        """Open the way and prove that somebody who knows us is there. Raises UnavailableError."""
        await self._wire.open()
        answer_of(await self._wire.ask("GET", "/account"))
        self._is_connected = True

    async def close(self) -> None:
        """Close the link."""
        self._is_connected = False
        await self._wire.close()

    async def open_account(self, account: Account) -> None:
        """The broker has its account already; we only learn what ours is called."""
        self._account_id = account.account_id

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order, in one attempt."""
        if len(orders) != 1:
            raise RejectedByBrokerError("this broker takes single orders only", "GROUP")
        document_of(await self._wire.ask("POST", "/orders", order_body(orders[0])))

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Not offered there, and said so in `capabilities`."""
        raise RejectedByBrokerError("this broker changes no orders", "REPLACE")

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel; the proof arrives as a report."""
        document_of(await self._wire.ask("DELETE", _order_path(order.client_order_id)))

    async def cancel_all(self, account_id: str) -> None:
        """One request cancels everything that works."""
        document_of(await self._wire.ask("DELETE", "/orders"))

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """First the fills since the cursor, as the stream does not repeat them (F10); then what comes."""
        missed = await self._fetch(f"/fills?after_ns={after_seq}")
        yield [report_of(self._account_id, {**row, "event": "filled"}) for row in missed]
        async for message in self._wire.listen():
            yield [report_of(self._account_id, message)]
        self._is_connected = False

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """None only for the broker's own, authenticated 'no such order' (F07)."""
        reply = await self._wire.ask("GET", _order_path(client_order_id))
        if reply.status == _NOT_FOUND and b'"no_such_order"' in reply.body:
            return None
        return order_of(account_id, answer_of(reply))

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders, complete or an exception."""
        return [order_of(account_id, row) for row in await self._fetch("/orders?status=open")]

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """All executions after the cursor, complete or an exception."""
        return [fill_of(account_id, row) for row in await self._fetch(f"/fills?after_ns={after_seq}")]

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions as the broker holds them."""
        return account_of(account_id, answer_of(await self._wire.ask("GET", "/account")))

    async def _fetch(self, path: str) -> list[Any]:
        document = answer_of(await self._wire.ask("GET", path))
        if not isinstance(document, dict) or document.get("is_complete") is not True:
            raise UnavailableError("The broker's list is cut short: it proves nothing.")
        rows = document["rows"]
        return rows if isinstance(rows, list) else []


def _order_path(client_order_id: str) -> str:
    return f"/orders/{quote(client_order_id, safe='')}"
