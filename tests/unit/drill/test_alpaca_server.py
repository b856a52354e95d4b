"""The stand-in Alpaca is worth nothing unless it sees what a careless client does wrong, and speaks as recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from stockpulse_engine.drill.servers.alpaca import AlpacaServer
from tests.fakes.alpaca_stand import KEY, NUMBER, SECRET, AlpacaStage, alpaca_stage

GOOD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET, "user-agent": "stockpulse/test"}
ORDER = {
    "symbol": "ACME",
    "qty": "1",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "limit_price": "99",
    "client_order_id": "o-1",
}


@pytest.fixture
async def stage() -> AsyncIterator[AlpacaStage]:
    async with alpaca_stage(per_minute=30) as made:
        yield made


@pytest.fixture
async def client(stage: AlpacaStage) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(verify=False)
    async with httpx.AsyncClient(base_url=stage.server.url, headers=GOOD, transport=transport) as made:
        yield made


async def send(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/v2/orders", json={**ORDER, **changes})


async def test_careless_requests_are_complained_of(stage: AlpacaStage, client: httpx.AsyncClient) -> None:
    await client.get("/v2/account", headers={"user-agent": "python-httpx/1"})
    await client.get("/v2/account", params={"secret": SECRET})
    await client.post("/v2/orders", content=json.dumps(ORDER), headers={"content-type": "text/plain"})
    await send(client, client_order_id="o-2", qty=1)
    await send(client, client_order_id="o-3", notional="5")
    await send(client, client_order_id="x" * 129)
    await client.get("/v2/account/activities/FILL", params={"page_size": "500"})
    await client.get("/v3/nothing")
    said = "\n".join(stage.server.complaints)
    for words in (
        "user-agent 'python-httpx/1'",
        "a key in an address",
        "content-type 'text/plain'",
        "qty is no string",
        "two sizes",
        "client_order_id 'xxx",
        "page_size 500",
        "GET /v3/nothing",
    ):
        assert words in said


async def test_a_careful_client_hears_no_complaint_and_what_is_recorded(
    stage: AlpacaStage, client: httpx.AsyncClient
) -> None:
    made = await send(client)
    assert (made.status_code, made.json()["status"]) == (200, "new")
    again = await send(client)
    assert (again.status_code, again.json()) == (
        422,
        {"code": 40010001, "message": "client_order_id must be unique"},
    )
    off = await send(client, client_order_id="o-2", limit_price="99.005")
    assert (off.status_code, off.json()["code"]) == (422, 42210000)
    gone = await client.delete(f"/v2/orders/{made.json()['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    late = await client.delete(f"/v2/orders/{made.json()['id']}")
    assert late.status_code == 422
    none = await client.get("/v2/orders:by_client_order_id", params={"client_order_id": "never"})
    assert (none.status_code, none.json()["code"]) == (404, 40410000)
    bad = await client.get("/v2/account", headers={"APCA-API-SECRET-KEY": "wrong"})
    assert (bad.status_code, bad.json()) == (401, {"code": 40110000, "message": "request is not authorized"})
    assert stage.server.complaints == []


async def test_who_asks_too_often_is_told_so_with_the_time_to_wait(
    stage: AlpacaStage, client: httpx.AsyncClient
) -> None:
    answers = [await client.get("/v2/clock") for _ in range(31)]
    assert [one.status_code for one in answers] == [200] * 30 + [429]
    assert answers[-1].headers["Retry-After"] == "2"
    assert answers[0].headers["X-RateLimit-Remaining"] == "29"
    assert stage.server.throttled == 1


async def test_the_streams_handshake_has_an_order_and_one_place(stage: AlpacaStage) -> None:
    listen = json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}})
    login = json.dumps({"action": "auth", "key": KEY, "secret": SECRET})
    wrong = json.dumps({"action": "authenticate", "data": {"key_id": KEY, "secret_key": "wrong"}})
    async with (
        connect(stage.server.stream_url, proxy=None) as first,
        connect(stage.server.stream_url, proxy=None) as second,
    ):
        await first.send(listen)
        assert json.loads(await first.recv())["data"]["status"] == "unauthorized"
        await first.send(wrong)
        assert json.loads(await first.recv())["data"]["status"] == "unauthorized"
        await first.send(login)
        frame = await first.recv()
        assert isinstance(frame, bytes), "paper speaks in binary frames"
        assert json.loads(frame)["data"] == {"status": "authorized", "action": "authenticate"}
        await first.send(listen)
        assert json.loads(await first.recv()) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
        await second.send(login)
        assert json.loads(await second.recv())["data"]["code"] == 406
    assert stage.server.complaints == ["the stream was sent 'listen' before it was opened"]


RECORDED = {
    "rest/rs_order/deserialize_serialize_reference_order.json": "/v2/orders:by_client_order_id?client_order_id=o-1",
    "rest/rs_account/deserialize_serialize_reference_account.json": "/v2/account",
    "rest/rs_asset/parse_reference_asset.json": "/v2/assets/ACME",
    "rest/rs_clock/deserialize_serialize_reference_clock.json": "/v2/clock",
    "rest/rs_position/deserialize_serialize_reference_position.json": "/v2/positions",
    "rest/rs_account_activities/parse_reference_trade_activity.json": "/v2/account/activities/FILL",
}
LEFT_OUT = {
    "long_market_value", "short_market_value", "last_equity", "initial_margin", "maintenance_margin", "daytrade_count",
    "sma", "created_at", "unrealized_plpc", "unrealized_intraday_pl", "unrealized_intraday_plpc", "lastday_price",
    "change_today",
}  # fmt: skip


@pytest.mark.real_data
async def test_its_answers_have_the_recorded_fields_and_types(
    stage: AlpacaStage, client: httpx.AsyncClient, shared: Path
) -> None:
    await send(client, limit_price="100.02")
    for name, path in RECORDED.items():
        recorded = json.loads((shared / "contracts" / "alpaca" / name).read_bytes())
        answer = (await client.get(path)).json()
        given = answer[0] if isinstance(answer, list) else answer
        for field, value in recorded.items():
            if field in LEFT_OUT:
                continue
            assert field in given, (name, field)
            if value is not None and given[field] is not None:
                assert type(given[field]) is type(value), (name, field)


async def test_every_order_that_was_taken_is_counted(stage: AlpacaStage, client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await send(client)
    server: AlpacaServer = stage.server
    assert server.posts["o-1"] == 3
    assert stage.venue.count_orders("o-1") == 1
    assert len(stage.venue.open_orders(NUMBER)) == 1
