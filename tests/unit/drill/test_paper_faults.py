"""What the real paper adapter makes of each fault on the level of bytes, and what the broker has done meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.servers.paper import PaperServer
from stockpulse_engine.drill.servers.weather import FAIR, Weather
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.contract.test_drill_paper import ACME, DrillStage, stage

__all__ = ["stage"]
ANSWER_S = 0.4
NO_ANSWER = AmbiguousOutcomeError
DONE = {
    Fault.TIMEOUT_AFTER: NO_ANSWER,
    Fault.RESET: NO_ANSWER,
    Fault.HALF_BODY: NO_ANSWER,
    Fault.GARBAGE: NO_ANSWER,
    Fault.TIMEOUT_504: NO_ANSWER,
    Fault.SLOW_DRIP: None,
}
NOT_DONE = {
    Fault.TIMEOUT_BEFORE: NO_ANSWER,
    Fault.THROTTLED: RejectedByBrokerError,
    Fault.ERROR_503: RejectedByBrokerError,
    Fault.TOKEN_DEAD: RejectedByBrokerError,
}


def order(key: str, *, limit: str = "100.02", quantity: int = 10) -> Order:
    terms = OrderTerms(
        account_id="drilled",
        instrument_id=ACME,
        side=Side.BUY,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(limit),
    )
    return Order(client_order_id=key, terms=terms)


@pytest.fixture
async def broker(stage: DrillStage) -> AsyncIterator[PaperBroker]:
    """A connected adapter with the account open."""
    joined = PaperBroker(stage.path, WallClock(), answer_s=ANSWER_S)
    await joined.connect()
    await joined.open_account(stage.account)
    yield joined
    await joined.close()


@pytest.fixture
def server(stage: DrillStage) -> PaperServer:
    """The server of the stage."""
    return stage.server


@pytest.mark.covers("F07", "O5")
@pytest.mark.parametrize(("fault", "met"), [*DONE.items(), *NOT_DONE.items()], ids=str)
async def test_an_adapter_says_what_it_knows_and_no_more(
    server: PaperServer, broker: PaperBroker, fault: Fault, met: type[Exception] | None
) -> None:
    server.plan.force(fault)
    if met is None:
        await broker.submit([order("k1")])
    else:
        with pytest.raises(met):
            await broker.submit([order("k1")])
    assert server.venue.count_orders("k1") == (fault in DONE)
    assert [struck for struck, _ in server.struck] == [fault]
    await broker.connect()
    await broker.submit([order("k2")])
    assert server.venue.count_orders("k2") == 1, "it is over"


async def test_a_dead_token_refuses_everything_and_a_refused_socket_everybody(
    server: PaperServer, broker: PaperBroker
) -> None:
    server.is_token_dead = True
    with pytest.raises(UnavailableError, match="key"):
        await broker.fetch_account("drilled")
    server.is_token_dead = False
    assert (await broker.fetch_account("drilled")).cash == 100_000
    await server.refuse()
    with pytest.raises((UnavailableError, AmbiguousOutcomeError)):
        await broker.ping()
    with pytest.raises(UnavailableError):
        await broker.connect()
    await server.start()
    await broker.connect()
    await broker.ping()


async def test_reports_are_lost_copied_and_reordered_and_can_be_asked_for_again(
    server: PaperServer, broker: PaperBroker
) -> None:
    stream = broker.reports(0)
    await broker.submit([order("k1")])
    assert [report.kind for report in await anext(stream)] == [OrderEventKind.ACCEPT, OrderEventKind.FILL]
    server.weather = Weather(is_silent=True)
    await broker.submit([order("k2")])
    server.weather = Weather(copies=5)
    await broker.submit([order("k3", limit="99")])
    server.weather = FAIR
    await broker.submit([order("k4", limit="99")])
    seen: list[ExecutionReport] = []
    while not seen or seen[-1].client_order_id != "k4":
        seen += await anext(stream)
    assert {report.client_order_id for report in seen} == {"k3", "k4"}
    assert 2 <= sum(report.client_order_id == "k3" for report in seen) <= 6
    again = broker.reports(0)
    missed = await anext(again)
    assert [report.report_seq for report in missed] == list(range(1, server.venue.last_seq + 1))


async def test_busts_corrections_and_a_counter_that_goes_back_are_told(
    server: PaperServer, broker: PaperBroker
) -> None:
    stream = broker.reports(0)
    await broker.submit([order("k1")])
    accepted, filled = await anext(stream)
    (execution,) = server.venue.executions("drilled")
    corrected = server.venue.correct(execution.execution_id, Decimal(8), Decimal("100.01"))
    server.tell()
    (told,) = await anext(stream)
    assert told.kind is OrderEventKind.CORRECT
    assert told.fill is not None
    assert (told.fill.corrects, told.fill.quantity) == (execution.execution_id, Decimal(8))
    server.rollback = 3
    server.venue.bust(corrected.execution_id)
    server.tell()
    (bust,) = await anext(stream)
    assert (bust.kind, bust.report_seq) == (OrderEventKind.BUST, accepted.report_seq)
    assert filled.report_seq == accepted.report_seq + 1
    assert await broker.fetch_fills("drilled", 0) == []


async def test_what_is_no_protocol_ends_its_line_and_is_complained_about(
    server: PaperServer, broker: PaperBroker
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(Path(server.path)))
    writer.write(b"\x00\x00\x00\x03\xff\xff\xff")
    assert await reader.read() == b""
    writer.close()
    await broker.ping()
    assert any("unreadable" in words for words in server.complaints)
    server.complaints.clear()


async def test_an_id_that_is_sent_twice_is_complained_about(server: PaperServer, broker: PaperBroker) -> None:
    await broker.submit([order("k1")])
    await broker.submit([order("k1")])
    assert (server.venue.count_orders("k1"), server.venue.count_requests("k1")) == (1, 2)
    assert server.complaints == ["k1 was sent again"]
    server.complaints.clear()
