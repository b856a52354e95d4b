"""Kite's personality, as a plain client of its REST and its stream meets it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect

from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.servers.kite import HEARTBEAT, RULES, KiteLogin, KiteServer

NOON_NS = 1_795_150_800_000_000_000
ORDER = {
    "tradingsymbol": "SBIN",
    "exchange": "NSE",
    "transaction_type": "BUY",
    "order_type": "LIMIT",
    "quantity": "10",
    "price": "420.05",
    "product": "CNC",
    "validity": "DAY",
    "tag": "SP01J8",
}


class World:
    """A server, its user logged in, and a client that speaks as it should."""

    def __init__(self) -> None:
        self.now = NOON_NS
        self.venue = DrillVenue(now=lambda: self.now, seed=4, rules=RULES)
        sbin = Instrument(
            instrument_id="SBIN.XNSE", name="", asset_class=AssetClass.EQUITY, currency="INR", tick_size=Decimal("0.05")
        )
        self.venue.list_instrument(sbin, Decimal(420), Decimal("420.05"), Decimal(1000))
        self.venue.open_account("AB1234", Decimal(100_000))
        login = KiteLogin(api_key="key", api_secret="secret", user_id="AB1234", account_id="AB1234")
        self.server = KiteServer(self.venue, lambda: self.now, login)
        self.client = httpx.AsyncClient()

    async def log_in(self) -> httpx.Response:
        token = self.server.log_in()
        checksum = hashlib.sha256(f"key{token}secret".encode()).hexdigest()
        answer = await self.client.post("/session/token", data={"request_token": token, "checksum": checksum})
        self.client.headers["Authorization"] = f"token key:{answer.json()['data']['access_token']}"
        return answer

    async def place(self, **changes: str) -> httpx.Response:
        return await self.client.post("/orders/regular", data={**ORDER, **changes})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with made.server.rest, made.server.stream:
        made.client = httpx.AsyncClient(base_url=made.server.rest.url, headers={"X-Kite-Version": "3"})
        await made.log_in()
        yield made
        await made.client.aclose()


async def test_an_order_is_placed_filled_and_told_in_local_time(world: World) -> None:
    placed = (await world.place()).json()
    number = placed["data"]["order_id"]
    assert placed == {"status": "success", "data": {"order_id": number}}
    assert number.isdigit()
    assert int(number) > 2**53
    history = (await world.client.get(f"/orders/{number}")).json()["data"]
    assert [one["status"] for one in history] == [
        "PUT ORDER REQ RECEIVED",
        "VALIDATION PENDING",
        "OPEN PENDING",
        "COMPLETE",
    ]
    assert (history[-1]["average_price"], history[-1]["tag"]) == (420.05, "SP01J8")
    assert history[-1]["order_timestamp"] == "2026-11-20 10:30:00", "IST, and nothing says so"
    (trade,) = (await world.client.get(f"/orders/{number}/trades")).json()["data"]
    assert (trade["quantity"], trade["order_timestamp"]) == (10, "10:30:00")
    net = (await world.client.get("/portfolio/positions")).json()["data"]["net"]
    assert (net[0]["tradingsymbol"], net[0]["quantity"]) == ("SBIN", 10)
    assert (await world.client.get("/user/margins/equity")).json()["data"]["available"]["cash"] == 95799.5
    assert world.server.complaints == []


async def test_there_is_no_idempotency_but_the_tag_is_kept(world: World) -> None:
    for _ in range(2):
        assert (await world.place(price="400")).status_code == 200
    tags = [one["tag"] for one in (await world.client.get("/orders")).json()["data"]]
    assert tags == ["SP01J8", "SP01J8"]
    assert world.venue.count_orders("SP01J8") == 2


async def test_a_resting_order_is_changed_and_canceled(world: World) -> None:
    number = (await world.place(price="400")).json()["data"]["order_id"]
    assert (await world.client.put(f"/orders/regular/{number}", data={"quantity": "7"})).status_code == 200
    assert (await world.client.delete(f"/orders/regular/{number}")).status_code == 200
    last = (await world.client.get("/orders")).json()["data"][-1]
    assert (last["status"], last["quantity"], last["cancelled_quantity"]) == ("CANCELLED", 7, 7)
    again = await world.client.delete(f"/orders/regular/{number}")
    assert (again.status_code, again.json()["error_type"]) == (400, "OrderException")


async def test_a_token_dies_in_the_morning_and_by_another_login(world: World) -> None:
    world.server.end_day()
    dead = await world.client.get("/orders")
    assert (dead.status_code, dead.json()["error_type"]) == (403, "TokenException")
    await world.log_in()
    assert (await world.client.get("/orders")).status_code == 200
    forged = await world.client.post("/session/token", data={"request_token": world.server.log_in(), "checksum": "0"})
    assert forged.status_code == 403
    assert (await world.client.get("/orders")).status_code == 403, "the new login ended the old session"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tag": "with space"}, "`tag`"),
        ({"order_type": "STRANGE"}, "`order_type`"),
        ({"quantity": "x"}, "`quantity`"),
        ({"validity": ""}, "`validity`"),
    ],
)
async def test_what_the_client_sends_is_checked(world: World, change: dict[str, str], named: str) -> None:
    refused = await world.place(**change)
    assert (refused.status_code, refused.json()["error_type"]) == (400, "InputException")
    assert named in refused.json()["message"]


async def test_json_missing_headers_and_haste_are_complained_about(world: World) -> None:
    await world.client.post("/orders/regular", json=ORDER)
    await world.client.get("/orders", headers={"X-Kite-Version": ""})
    for _ in range(12):
        await world.place(price="400")
    assert "the body of an order is not form-encoded" in world.server.complaints
    assert "GET /orders without X-Kite-Version: 3" in world.server.complaints
    assert "more than 10 orders within a second" in world.server.complaints
    world.server.rest.plan.force(Fault.THROTTLED)
    world.server.complaints.clear()
    throttled = await world.client.get("/orders")
    assert (throttled.status_code, throttled.headers["content-type"]) == (429, "text/plain")


async def test_the_stream_tells_orders_in_the_postback_s_shape(world: World) -> None:
    token = world.client.headers["Authorization"].partition(":")[2]
    async with connect(f"{world.server.stream.url}/?api_key=key&access_token={token}") as line:
        assert await line.recv() == HEARTBEAT
        await world.place()
        told = [msgspec.json.decode(await line.recv()) for _ in range(2)]
    assert [(one["type"], one["data"]["status"]) for one in told] == [("order", "OPEN"), ("order", "COMPLETE")]
    async with connect(f"{world.server.stream.url}/?api_key=key&access_token=old") as dead:
        await dead.wait_closed()
    assert world.server.complaints == ["a stream was opened with a token that is dead"]
