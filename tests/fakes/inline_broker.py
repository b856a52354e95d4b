"""The order service's broker over a whole venue on virtual time: nothing between them but function calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.orders import NewOrder
from tests.fakes.fake_broker import FakeBroker, FakeVenue
from tests.fakes.inline_venue import InlineVenue
from tests.fakes.order_desk import OrderDesk

A = TypeVar("A", bound=p.Answer)


class InlineBroker(FakeBroker):
    """Passes on what it is asked; reports are told when `tell` is called."""

    def __init__(self, venue: InlineVenue, fake: FakeVenue) -> None:
        super().__init__(fake)
        self.inline = venue
        self.told = asyncio.Event()

    def tell(self) -> None:
        """Whoever waits for reports looks again."""
        self.told.set()

    async def open_account(self, account: Account) -> None:
        """Make the account known."""
        self._ask(p.OpenAccount(account), p.Done)

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send orders."""
        sent = (NewOrder(client_order_id=one.client_order_id, terms=one.terms, role=one.role) for one in orders)
        self._ask(p.Submit(tuple(sent)), p.Submitted)
        self.tell()

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel."""
        self._ask(p.Cancel(order.terms.account_id, order.client_order_id, request_id), p.Done)
        self.tell()

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """Missed reports, then live."""
        while True:
            batch = [one for one in self.inline.reports if one.report_seq > after_seq]
            if batch:
                after_seq = batch[-1].report_seq
                yield batch
            else:
                self.told.clear()
                await self.told.wait()

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """One order."""
        found = self._ask(p.GetOrder(account_id, client_order_id), p.Orders).orders
        return found[0] if found else None

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """Working orders."""
        return self._ask(p.GetOpenOrders(account_id), p.Orders).orders

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """Executions after the cursor."""
        return self._ask(p.GetFills(account_id, after_seq), p.Fills).fills

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and holdings."""
        return self._ask(p.GetAccount(account_id), p.AccountNow).account

    def _ask(self, question: p.Question, expected: type[A]) -> A:
        answer = self.inline.ask(question)
        assert isinstance(answer, expected), answer
        return answer


class ReplayDesk(OrderDesk):
    """An order service over a whole venue: `pass_seconds` lets both live on."""

    def __init__(self, venue: InlineVenue) -> None:
        self.inline = venue
        super().__init__()

    def make_broker(self) -> FakeBroker:
        """Over the venue."""
        return InlineBroker(self.inline, self.venue)

    async def pass_seconds(self, seconds: int) -> None:
        """The market goes on, its reports arrive."""
        self.inline.pass_seconds(seconds)
        assert isinstance(self.broker, InlineBroker)
        self.broker.tell()
        await self.time.advance(seconds)
        await self.time.settle()
