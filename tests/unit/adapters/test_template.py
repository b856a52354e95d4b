"""The template is a working adapter: what is copied from it keeps orders single and proves nothing it did not see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from stockpulse_engine.adapters._template.broker import TemplateBroker
from stockpulse_engine.adapters._template.build import build
from stockpulse_engine.adapters._template.parse import number, report_of
from stockpulse_engine.adapters._template.wire import Reply
from stockpulse_engine.adapters.registry import BuildBroker
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, Broker, RejectedByBrokerError

CONFIG = BrokerConfig(name="mine", adapter="_template", kind=AccountKind.PAPER)
ACCOUNT = Account(
    account_id="m1",
    kind=AccountKind.PAPER,
    account_type=AccountType.CASH,
    currency="USD",
    initial_cash=Decimal(1000),
    broker="mine",
)
FILL = {
    "event": "filled",
    "execution_id": "e1",
    "client_order_id": "c1",
    "id": "v1",
    "symbol": "AAPL.XNAS",
    "side": "BUY",
    "quantity": "4",
    "price": "10.01",
    "at_ns": 5,
}


class Scripted:
    """A wire whose answers are written down beforehand; it keeps what it was asked."""

    def __init__(self, **replies: Reply) -> None:
        self.replies = replies
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Mapping[str, Any] | None] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        self.asked.append((method, path))
        self.bodies.append(body)
        return self.replies.get(method, Reply(200, b'{"cash":"1000","positions":{"AAPL.XNAS":"4"},"at_ns":9}'))

    async def listen(self) -> AsyncIterator[Mapping[str, Any]]:
        yield FILL


def order() -> Order:
    terms = OrderTerms(
        account_id="m1",
        instrument_id="AAPL.XNAS",
        side=Side.BUY,
        quantity=Decimal(10),
        order_type=OrderType.LIMIT,
        limit_price=Decimal("10.01"),
    )
    return Order(client_order_id="c1", terms=terms)


def test_it_has_the_shape_that_the_registry_builds() -> None:
    factory: BuildBroker = build
    with pytest.raises(ValueError, match="copy it"):
        factory(CONFIG, {"key": "k"}, clock=ManualClock())
    made: Broker = build(CONFIG, {}, clock=ManualClock(), make_wire=lambda *_: Scripted())
    assert made.capabilities.name == "mine"


async def test_it_connects_sends_once_and_reads_what_is_held() -> None:
    wire = Scripted()
    broker = TemplateBroker("mine", wire)
    await broker.connect()
    await broker.open_account(ACCOUNT)
    await broker.submit([order()])
    assert wire.asked == [("GET", "/account"), ("POST", "/orders")]
    assert wire.bodies[1] is not None
    assert wire.bodies[1]["limit_price"] == "10.01"
    held = await broker.fetch_account("m1")
    assert (held.cash, held.positions) == (Decimal(1000), {"AAPL.XNAS": Decimal(4)})


@pytest.mark.covers("F01", "F07")
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(422, b'{"message":"too big","code":"size"}'), RejectedByBrokerError),
        (Reply(422, b"<html>"), AmbiguousOutcomeError),
        (Reply(200, b'{"id":'), AmbiguousOutcomeError),
        (Reply(401, b'{"message":"who"}'), AmbiguousOutcomeError),
        (Reply(429, b'{"message":"slow"}'), AmbiguousOutcomeError),
        (Reply(504, b""), AmbiguousOutcomeError),
    ],
)
async def test_only_a_definite_no_is_a_no_and_nothing_is_sent_again(reply: Reply, error: type[Exception]) -> None:
    wire = Scripted(POST=reply)
    with pytest.raises(error):
        await TemplateBroker("mine", wire).submit([order()])
    assert wire.asked == [("POST", "/orders")]


@pytest.mark.covers("F07")
async def test_an_order_is_absent_only_by_the_brokers_own_word() -> None:
    gone = TemplateBroker("mine", Scripted(GET=Reply(404, b'{"message":"no","code":"no_such_order"}')))
    assert await gone.fetch_order("m1", "c1") is None
    for reply in (Reply(404, b"not found"), Reply(500, b""), Reply(401, b"{}")):
        with pytest.raises(UnavailableError):
            await TemplateBroker("mine", Scripted(GET=reply)).fetch_order("m1", "c1")


async def test_a_list_that_is_cut_short_is_no_list() -> None:
    cut = Reply(200, msgspec.json.encode({"rows": [], "is_complete": False}))
    with pytest.raises(UnavailableError, match="cut short"):
        await TemplateBroker("mine", Scripted(GET=cut)).fetch_open_orders("m1")


async def test_the_stream_begins_with_what_was_missed() -> None:
    missed = Reply(200, msgspec.json.encode({"rows": [FILL | {"execution_id": "e0"}], "is_complete": True}))
    broker = TemplateBroker("mine", Scripted(GET=missed))
    await broker.open_account(ACCOUNT)
    seen = [report for batch in [batch async for batch in broker.reports(3)] for report in batch]
    assert [report.fill.fill_id for report in seen if report.fill] == ["e0", "e1"]


@pytest.mark.covers("O15", "F35")
def test_unknown_words_are_flagged_and_odd_numbers_refused() -> None:
    assert report_of("m1", FILL | {"event": "calculated"}).kind is OrderEventKind.SUSPEND
    for text in ("NaN", "inf", "", "1_000", "٣", 1.5, None):
        with pytest.raises(InvalidValueError):
            number(text)
