"""Brokers by name: each account with its own, each broker's failures its own, connections that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidValueError,
    NotFoundError,
    UnavailableError,
)
from stockpulse_engine.domain.orders import OrderStatus
from tests.fakes.fake_broker import FakeBroker, FakeVenue
from tests.fakes.order_desk import AAPL, ACCOUNT, OrderDesk

S = OrderStatus
OTHER = structs.replace(ACCOUNT, account_id="ALPACA", broker="alpaca-paper")
SECOND = structs.replace(ACCOUNT, account_id="PAPER2")


class Pair:
    """A desk with a second broker whose reports carry times instead of numbers."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.venue = FakeVenue(now=desk.clock.now_ns)
        self.broker = FakeBroker(self.venue, name=OTHER.broker, numbers_reports=False)
        self.parts: list[tuple[str, str]] = []
        desk.bus.subscribe(PartChanged, lambda change: self.parts.append((change.name, change.state)))

    async def join(self) -> None:
        """The connection appears."""
        await self.desk.service.join(OTHER.broker, self.broker)
        await self.desk.time.settle()


@pytest.fixture
async def pair(desk: OrderDesk) -> AsyncIterator[Pair]:
    """Both connections up, an account at each."""
    pair = Pair(desk)
    await pair.join()
    await desk.service.open_account(OTHER, "cli")
    yield pair
    pair.broker.cut()


async def test_an_order_goes_to_the_broker_that_its_account_names(pair: Pair) -> None:
    await pair.desk.submit("C1")
    await pair.desk.submit("C2", account_id="ALPACA")
    await pair.desk.time.settle()
    assert (set(pair.desk.venue.orders), set(pair.venue.orders)) == ({"C1"}, {"C2"})
    assert pair.desk.order("C2").status is S.ACCEPTED
    assert pair.desk.service.broker_names == ("fake", "alpaca-paper")


async def test_a_broker_that_is_away_holds_back_its_own_account_only(pair: Pair) -> None:
    pair.broker.refuses_link = True
    pair.broker.cut()
    await pair.desk.time.settle()
    with pytest.raises(DeniedError, match="compared"):
        await pair.desk.submit("C2", account_id="ALPACA")
    await pair.desk.submit("C1")
    assert ("broker alpaca-paper", "late") in pair.parts
    assert not [part for part in pair.parts if part[0] == "broker"]
    pair.broker.refuses_link = False
    await pair.desk.time.advance(10)
    assert pair.parts[-1] == ("broker alpaca-paper", "ok")
    await pair.desk.submit("C2", account_id="ALPACA")


async def test_an_account_that_cannot_be_compared_does_not_block_its_neighbour(desk: OrderDesk) -> None:
    await desk.service.open_account(SECOND, "cli")
    desk.broker.blind_accounts = {"PAPER2"}
    await desk.time.advance(desk.timing.reconcile + 1)  # nothing is held: nothing is compared
    await desk.submit("C0")
    await desk.time.advance(desk.timing.reconcile + 1)
    assert (desk.service.is_reconciled("PAPER"), desk.service.is_reconciled("PAPER2")) == (True, False)
    await desk.submit("C1")
    with pytest.raises(DeniedError):
        await desk.submit("C2", account_id="PAPER2")
    desk.broker.blind_accounts = set()
    await desk.time.advance(10)
    await desk.submit("C2", account_id="PAPER2")


async def test_reports_without_numbers_have_no_gaps_and_are_read_again_after_a_loss(pair: Pair) -> None:
    desk = pair.desk
    await desk.submit("C2", account_id="ALPACA")
    await desk.time.settle()
    await desk.time.advance(100)
    pair.venue.fill("C2", 30, 10)
    await desk.time.settle()
    asked = pair.broker.queries
    await desk.time.advance(1)
    assert pair.broker.queries == asked, "a time that is far from the last is no gap"
    assert desk.service.book.cursor(OTHER.broker) > 0
    pair.broker.cut()
    pair.venue.fill("C2", 30, 10)
    pair.venue.end("C2")
    await desk.time.advance(5)
    order = desk.order("C2")
    assert (order.status, order.filled_quantity) == (S.CANCELED, Decimal(60))
    assert desk.positions("ALPACA") == {AAPL: Decimal(60)}


async def test_a_fill_that_was_never_told_is_found_by_the_comparison(pair: Pair) -> None:
    desk = pair.desk
    await desk.submit("C2", account_id="ALPACA")
    await desk.time.settle()
    pair.broker.holds_reports = True
    pair.venue.fill("C2", 30, 10)
    await desk.time.advance(desk.timing.reconcile + 5)
    assert desk.order("C2").filled_quantity == 30
    assert desk.service.book.cursor(OTHER.broker) == pair.venue.fills[0][1].ts_event


async def test_a_connection_leaves_and_comes_back(pair: Pair) -> None:
    desk = pair.desk
    await desk.submit("C2", account_id="ALPACA")
    await desk.time.settle()
    with pytest.raises(ConflictError, match="1 order"):
        await desk.service.leave(OTHER.broker)
    pair.venue.end("C2")
    await desk.time.settle()
    await desk.service.leave(OTHER.broker)
    assert not pair.broker.is_connected
    assert pair.parts[-1] == ("broker alpaca-paper", "off")
    with pytest.raises(UnavailableError, match="no such connection"):
        await desk.submit("C3", account_id="ALPACA")
    pair.broker = FakeBroker(pair.venue, name=OTHER.broker, numbers_reports=False)
    await pair.join()
    await desk.submit("C4", account_id="ALPACA")


async def test_connections_are_named_once_and_paper_stays(pair: Pair) -> None:
    service = pair.desk.service
    with pytest.raises(ConflictError, match="is up already"):
        await service.join(OTHER.broker, pair.broker)
    with pytest.raises(NotFoundError):
        await service.leave("nobody")
    await service.join(PAPER_BROKER, FakeBroker(FakeVenue(), name=PAPER_BROKER))
    with pytest.raises(ConflictError, match="belongs to the engine"):
        await service.leave(PAPER_BROKER)


async def test_an_account_needs_a_connection_and_real_money_is_never_at_the_paper_venue(desk: OrderDesk) -> None:
    with pytest.raises(InvalidValueError, match="no connection"):
        await desk.service.open_account(OTHER, "cli")
    with pytest.raises(InvalidValueError, match="no real money"):
        await desk.service.open_account(
            structs.replace(ACCOUNT, account_id="L", broker=PAPER_BROKER, kind=AccountKind.LIVE), "cli"
        )


async def test_an_account_whose_connection_is_gone_does_not_stop_the_start(pair: Pair) -> None:
    desk = pair.desk
    await desk.submit("C2", account_id="ALPACA")
    await desk.time.settle()
    await desk.restart()  # this life has the first broker only
    assert desk.order("C2").status is S.ACCEPTED
    assert not desk.service.is_reconciled("ALPACA")
    await desk.submit("C1")
