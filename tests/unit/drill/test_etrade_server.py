"""E*TRADE's personality, as a client meets it that signs its requests by the book (and by code of its own)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers.etrade import RULES, EtradeLogin, EtradeServer, tokens_of

NOON_NS = 1_795_194_000_000_000_000
HOUR_NS = 3600 * 10**9
_numbers = itertools.count(1)


def escaped(text: str) -> str:
    return quote(text, safe="-._~")


class Client:
    """OAuth 1.0a as its document says: every parameter escaped, sorted, joined, signed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.token, self.secret = "", ""

    async def call(
        self, method: str, path: str, *, body: Any = None, oauth: dict[str, str] | None = None, **more: str
    ) -> httpx.Response:
        url, _, query = f"{self.world.server.rest.url}{path}".partition("?")
        fields = {
            "oauth_consumer_key": "consumer",
            "oauth_nonce": f"n{next(_numbers)}",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(self.world.now // 10**9),
            **({"oauth_token": self.token} if self.token else {}),
            **(oauth or {}),
            **more,
        }
        given = [tuple(pair.split("=")) for pair in query.split("&") if pair]
        pairs = sorted((escaped(name), escaped(value)) for name, value in [*fields.items(), *given])
        joined = "&".join(f"{name}={value}" for name, value in pairs)
        base = "&".join((method, escaped(url), escaped(joined)))
        key = f"{escaped('top/secret')}&{escaped(self.secret)}".encode()
        fields["oauth_signature"] = base64.b64encode(hmac.new(key, base.encode(), hashlib.sha1).digest()).decode()
        header = "OAuth " + ", ".join(f'{name}="{escaped(value)}"' for name, value in fields.items())
        headers = {"Authorization": header, "Accept": "application/json"}
        async with httpx.AsyncClient() as http:
            return await http.request(method, f"{self.world.server.rest.url}{path}", json=body, headers=headers)

    async def log_in(self) -> None:
        self.token, self.secret = "", ""
        asked = await self.call("GET", "/oauth/request_token", oauth={"oauth_callback": "oob"})
        self.token, self.secret = tokens_of(asked.text)
        code = self.world.server.authorize(self.token)
        given = await self.call("GET", "/oauth/access_token", oauth={"oauth_verifier": code})
        self.token, self.secret = tokens_of(given.text)

    async def about(self, method: str, what: str, body: Any = None) -> httpx.Response:
        self.world.now += 10**9
        return await self.call(method, f"/v1/accounts/KEY/{what}", body=body)

    async def preview(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.about("POST", "orders/preview", {"PreviewOrderRequest": order})
        found = answer.json()["PreviewOrderResponse"]["PreviewIds"]
        return found if isinstance(found, list) else [found]

    async def place(self, order: dict[str, Any], ids: list[dict[str, Any]]) -> httpx.Response:
        return await self.about("POST", "orders/place", {"PlaceOrderRequest": {**order, "PreviewIds": ids}})


class World:
    """A server with one account."""

    def __init__(self) -> None:
        self.now = NOON_NS
        self.venue = DrillVenue(now=lambda: self.now, seed=4, rules=RULES)
        ibm = Instrument(
            instrument_id="IBM.XNYS", name="", asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
        )
        self.venue.list_instrument(ibm, Decimal(150), Decimal("150.02"), Decimal(1000))
        self.venue.open_account("83710800", Decimal(50_000))
        login = EtradeLogin(
            consumer_key="consumer", consumer_secret="top/secret", account_id="83710800", account_key="KEY"
        )
        self.server = EtradeServer(self.venue, lambda: self.now, login)
        self.client = Client(self)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with made.server.rest:
        await made.client.log_in()
        yield made


def an_order(key: str = "SP01J8", limit: float = 150.02, **changes: Any) -> dict[str, Any]:
    line = {
        "Product": {"symbol": "IBM", "securityType": "EQ"},
        "orderAction": "BUY",
        "quantityType": "QUANTITY",
        "quantity": 10,
    }
    detail = {
        "priceType": "LIMIT",
        "orderTerm": "GOOD_FOR_DAY",
        "marketSession": "REGULAR",
        "limitPrice": limit,
        "Instrument": [line],
    }
    return {"orderType": "EQ", "clientOrderId": key, "Order": [{**detail, **changes}]}


async def test_preview_then_place_with_the_same_body_and_it_is_executed(world: World) -> None:
    assert (await world.client.about("GET", "orders")).status_code == 204
    assert (await world.client.about("GET", "portfolio")).status_code == 204
    order = an_order()
    placed = await world.client.place(order, await world.client.preview(order))
    number = placed.json()["PlaceOrderResponse"]["OrderIds"]["orderId"]
    listed = (await world.client.about("GET", "orders?status=EXECUTED")).json()["OrdersResponse"]["Order"]
    assert listed["orderId"] == number, "one order comes as itself, not in a list"
    assert listed["OrderDetail"][0]["Instrument"][0]["filledQuantity"] == 10.0
    assert "clientOrderId" not in listed
    held = (await world.client.about("GET", "portfolio")).json()["PortfolioResponse"]["AccountPortfolio"]["Position"]
    assert (held["Product"]["symbol"], held["quantity"]) == ("IBM", 10.0)
    cash = (await world.client.about("GET", "balance")).json()["BalanceResponse"]["Computed"]["cashBalance"]
    assert cash == 50_000 - 1500.2
    assert world.server.complaints == []


async def test_another_body_a_stale_preview_or_none_is_timed_out(world: World) -> None:
    order = an_order()
    ids = await world.client.preview(order)
    for body, known in ((an_order(limit=150.0), ids), (order, [{"previewId": 1}]), (order, [])):
        refused = await world.client.place(body, known)
        assert (refused.status_code, refused.json()["Error"]["code"]) == (400, 101)
    world.now += 181 * 10**9
    assert (await world.client.place(order, ids)).json()["Error"]["code"] == 101
    assert not world.venue.orders("83710800")
    assert len(world.server.complaints) == 4


async def test_an_id_that_was_used_makes_no_second_order(world: World) -> None:
    order = an_order(limit=100)
    for expected in (200, 400):
        placed = await world.client.place(order, await world.client.preview(order))
        assert placed.status_code == expected
    assert world.venue.count_orders("SP01J8") == 1


async def test_a_cancel_is_answered_by_a_warning_and_seen_in_the_list(world: World) -> None:
    numbers = []
    for n in range(2):
        order = an_order(f"SP{n}", limit=100)
        placed = await world.client.place(order, await world.client.preview(order))
        numbers.append(placed.json()["PlaceOrderResponse"]["OrderIds"]["orderId"])
    answer = await world.client.about("PUT", "orders/cancel", {"CancelOrderRequest": {"orderId": numbers[0]}})
    assert answer.json()["CancelOrderResponse"]["messages"]["Message"]["type"] == "WARNING"
    listed = (await world.client.about("GET", "orders")).json()["OrdersResponse"]["Order"]
    assert [one["OrderDetail"][0]["status"] for one in listed] == ["OPEN", "CANCELLED"]
    first = (await world.client.about("GET", "orders?count=1")).json()["OrdersResponse"]
    second = (await world.client.about("GET", f"orders?count=1&marker={first['marker']}")).json()["OrdersResponse"]
    assert (first["Order"]["orderId"], second["Order"]["orderId"]) == (numbers[1], numbers[0])
    assert "marker" not in second


async def test_signatures_nonces_and_times_are_verified_for_real(world: World) -> None:
    client, good = world.client, world.client.secret
    client.secret = "wrong"
    assert (await client.about("GET", "balance")).status_code == 401
    client.secret = good
    for broken in (
        {"oauth_timestamp": "1"},
        {"oauth_consumer_key": "other"},
        {"oauth_signature_method": "PLAINTEXT"},
    ):
        refused = await client.call("GET", "/v1/accounts/KEY/balance", oauth=broken)
        assert refused.status_code == 401, broken
        assert "oauth_problem" in refused.text
    for expected in (200, 401):
        again = await client.call("GET", "/v1/accounts/KEY/balance", oauth={"oauth_nonce": "same"})
        assert again.status_code == expected


async def test_a_token_sleeps_after_two_hours_and_dies_at_midnight(world: World) -> None:
    client = world.client
    world.now += 2 * HOUR_NS + 1
    assert "token_inactive" in (await client.about("GET", "balance")).text
    assert (await client.call("GET", "/oauth/renew_access_token")).status_code == 200
    assert (await client.about("GET", "balance")).status_code == 200
    world.now += 13 * HOUR_NS
    assert "token_expired" in (await client.about("GET", "balance")).text
    assert (await client.call("GET", "/oauth/renew_access_token")).status_code == 401
    await client.log_in()
    assert (await client.about("GET", "balance")).status_code == 200


async def test_haste_and_ids_that_are_none_are_complained_about(world: World) -> None:
    last = httpx.Response(0)
    for _ in range(3):
        last = await world.client.call(
            "POST", "/v1/accounts/KEY/orders/preview", body={"PreviewOrderRequest": an_order()}
        )
    assert (last.status_code, last.headers["content-type"]) == (400, "text/html")
    assert "exceeded the rate limit" in last.text
    bad = await world.client.about("POST", "orders/preview", {"PreviewOrderRequest": an_order("not an id")})
    assert bad.status_code == 400
    assert len(world.server.complaints) == 2
