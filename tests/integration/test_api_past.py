"""`at=` on the reads: the moment as people say it, what was then instead of what is, and refusals in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from stockpulse_engine.api.app import describe
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.past import KnownQuote, Moment, PastView
from stockpulse_engine.domain.views import AccountView, PortfolioView
from stockpulse_engine.wire.codec import decode_answer
from tests.fakes.fake_engine import NOW, FakeEngine, account, account_view, fill_of, position, terms
from tests.fakes.fake_past import EMPTY, FakePast
from tests.fakes.live_api import LiveApi, serving

FIVE = 300_000_000_000
LOOK_BACK = {
    "/v1/quotes", "/v1/bars", "/v1/study", "/v1/explain", "/v1/news", "/v1/orders", "/v1/fills", "/v1/positions",
    "/v1/orders/{client_order_id}", "/v1/orders/{client_order_id}/life", "/v1/lots", "/v1/portfolio", "/v1/account",
    "/v1/accounts", "/v1/past", "/v1/past/moment", "/v1/past/quotes",
}  # fmt: skip


def order(order_id: str, status: OrderStatus = OrderStatus.FILLED, updated_at: int = 0) -> Order:
    return Order(client_order_id=order_id, terms=terms(), status=status, created_at=1, updated_at=updated_at)


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    engine = FakeEngine()
    past = engine.past
    assert isinstance(past, FakePast)
    past.books_held = replace(
        EMPTY,
        accounts=(account_view(account(), "5000"),),
        positions=(position("MSFT.XNAS", "3"),),
        orders=(order("C2", OrderStatus.ACCEPTED), order("C1", updated_at=7), order("C10")),
        fills=(fill_of(order("C1")),),
        session_start=5,
    )
    async with serving(home, engine) as served:
        yield served


async def test_a_moment_is_said_as_people_say_it_and_told_back_with_its_zone(api: LiveApi) -> None:
    found: Moment = decode_answer((await api.get("/v1/past/moment?at=-5m", "viewer")).body, Moment)
    assert found.at_ns == NOW - FIVE
    assert found.words.endswith(" ET")
    refused = (await api.get("/v1/positions?at=11%3A99", "viewer")).problem
    assert (refused.status, refused.code) == (400, "invalid_value")
    assert "is not a moment" in refused.detail
    assert "yesterday close" in refused.fix
    ahead = (await api.get("/v1/positions?at=2024-01-02%2010:00")).problem
    assert "lies ahead" in ahead.detail


async def test_money_and_orders_are_those_of_then(api: LiveApi) -> None:
    held: PortfolioView = decode_answer((await api.get("/v1/portfolio?at=-5m", "viewer")).body, PortfolioView)
    assert (str(held.account.equity), [one.instrument_id for one in held.positions]) == ("5000", ["MSFT.XNAS"])
    then: AccountView = decode_answer((await api.get("/v1/account?at=-5m")).body, AccountView)
    now: AccountView = decode_answer((await api.get("/v1/account")).body, AccountView)
    assert (str(then.equity), str(now.equity)) == ("5000", "100000")
    for scope, wanted in (("working", ["C2"]), ("today", ["C2", "C1"]), ("history", ["C1", "C10"]), ("unknown", [])):
        found: list[Order] = decode_answer((await api.get(f"/v1/orders?at=-5m&scope={scope}")).body, list[Order])
        assert [one.client_order_id for one in found] == wanted
    assert decode_answer((await api.get("/v1/orders/C2?at=-5m")).body, Order).status is OrderStatus.ACCEPTED
    assert (await api.get("/v1/orders/C9?at=-5m")).problem.code == NotFoundError.code
    assert (await api.get("/v1/orders/C?at=-5m")).status == 404
    assert (await api.get("/v1/account?at=-5m&account=real")).problem.detail == "The account real was not open then."
    fills: list[dict[str, object]] = decode_answer(
        (await api.get("/v1/fills?at=-5m&order=C2")).body, list[dict[str, object]]
    )
    assert fills == []


async def test_prices_are_those_of_then_and_a_row_without_one_says_so(api: LiveApi) -> None:
    answer = await api.get("/v1/past/quotes?at=-5m&ids=AAPL,SPY", "viewer")
    rows: list[KnownQuote] = decode_answer(answer.body, list[KnownQuote])
    known, nothing = rows
    assert (known.known_at, known.source) == (NOW - FIVE, "lean")
    assert (nothing.quote, nothing.note) == (None, "nothing")
    assert len(decode_answer((await api.get("/v1/quotes?at=-5m")).body, list[list[object]])) == 1
    outside = (await api.get("/v1/bars?at=-5m&id=yahoo%3AAAPL")).problem
    assert outside.detail == "Nothing is kept of yahoo:AAPL."
    await api.get("/v1/bars?at=-5m&id=AAPL")
    await api.get("/v1/study?at=-5m&id=AAPL&study=sma%205")
    await api.get("/v1/explain?at=-5m&id=AAPL&name=last")
    assert isinstance(api.engine.past, FakePast)
    assert [what for what, at_ns in api.engine.past.asked if at_ns == NOW - FIVE][-3:] == ["bars", "study", "explain"]
    news: list[list[object]] = decode_answer((await api.get("/v1/news?at=-5m")).body, list[list[object]])
    assert news == []


async def test_the_whole_view_comes_at_once_when_it_is_there(api: LiveApi) -> None:
    view: PastView = decode_answer((await api.get("/v1/past?at=-5m", "viewer")).body, PastView)
    assert view.is_ready
    assert view.books is not None


def test_every_read_that_looks_back_is_described() -> None:
    described = {
        path
        for path, operations in describe()["paths"].items()
        for each in operations.get("get", {}).get("parameters", ())
        if each["name"] == "at"
    }
    assert described == LOOK_BACK
