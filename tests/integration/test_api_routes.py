"""Every route: who may call it, what it does to the engine, and that it is described."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine.api.app import HANDLERS, describe
from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.problems import PROBLEM_TYPE
from stockpulse_engine.api.roles import allowed
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import FeedCounts, SourceCounts
from tests.fakes.fake_brokers import PASSPHRASE
from tests.fakes.fake_engine import terms
from tests.fakes.live_api import Answer, LiveApi, serving

KEY = {"request_id": "r1"}
TERMS = {
    "account_id": "main",
    "instrument_id": "AAPL.XNAS",
    "side": "BUY",
    "quantity": "100",
    "order_type": "LIMIT",
    "limit_price": "100.00",
}
COMMAND = {"client_order_id": "C9", "terms": TERMS}
MATRIX: dict[tuple[str, str], tuple[str, dict[str, Any] | None, Role, str]] = {
    # (method, route): (target, body, lowest role, effect)
    ("GET", "/v1/quotes"): ("/v1/quotes?ids=AAPL,MSFT.XNAS", None, Role.VIEWER, ""),
    ("GET", "/v1/past"): ("/v1/past?at=-5m", None, Role.VIEWER, ""),
    ("GET", "/v1/past/moment"): ("/v1/past/moment?at=yesterday%20close", None, Role.VIEWER, ""),
    ("GET", "/v1/past/quotes"): ("/v1/past/quotes?at=-5m&ids=AAPL", None, Role.VIEWER, ""),
    ("GET", "/v1/depth/{instrument_id:str}"): ("/v1/depth/AAPL", None, Role.VIEWER, ""),
    ("GET", "/v1/bars"): ("/v1/bars?id=AAPL&spec=5m&limit=2", None, Role.VIEWER, ""),
    ("GET", "/v1/instruments"): ("/v1/instruments", None, Role.VIEWER, ""),
    ("GET", "/v1/news"): ("/v1/news?limit=5", None, Role.VIEWER, ""),
    ("GET", "/v1/market/clock"): ("/v1/market/clock", None, Role.VIEWER, ""),
    ("GET", "/v1/study"): ("/v1/study?id=AAPL&spec=5m&study=sma%2020", None, Role.VIEWER, ""),
    ("GET", "/v1/history/bars"): (
        "/v1/history/bars?id=AAPL&spec=1d&from=2013-10-07&adjust=split&as_of=2014-06-06", None, Role.VIEWER, "",
    ),
    ("GET", "/v1/history/ticks"): ("/v1/history/ticks?id=AAPL&kind=quotes", None, Role.VIEWER, ""),
    ("GET", "/v1/history/actions"): ("/v1/history/actions?id=AAPL", None, Role.VIEWER, ""),
    ("GET", "/v1/history/coverage"): ("/v1/history/coverage?id=AAPL&spec=1d", None, Role.VIEWER, ""),
    ("GET", "/v1/universes"): ("/v1/universes", None, Role.VIEWER, ""),
    ("GET", "/v1/universes/{name:str}"): ("/v1/universes/two?todays_members=true", None, Role.VIEWER, ""),
    ("GET", "/v1/sql/views"): ("/v1/sql/views", None, Role.VIEWER, ""),
    ("POST", "/v1/sql"): ("/v1/sql", {"statement": "select 1"}, Role.TRADER, ""),
    ("GET", "/v1/explain"): ("/v1/explain?name=last&id=AAPL", None, Role.VIEWER, ""),
    ("GET", "/v1/orders"): ("/v1/orders?scope=working", None, Role.VIEWER, ""),
    ("GET", "/v1/orders/{client_order_id:str}"): ("/v1/orders/C1", None, Role.VIEWER, ""),
    ("GET", "/v1/orders/{client_order_id:str}/life"): ("/v1/orders/C1/life", None, Role.VIEWER, ""),
    ("GET", "/v1/fills"): ("/v1/fills?order=C1", None, Role.VIEWER, ""),
    ("GET", "/v1/positions"): ("/v1/positions", None, Role.VIEWER, ""),
    ("GET", "/v1/lots"): ("/v1/lots?instrument=AAPL", None, Role.VIEWER, ""),
    ("GET", "/v1/portfolio"): ("/v1/portfolio", None, Role.VIEWER, ""),
    ("GET", "/v1/account"): ("/v1/account?account=main", None, Role.VIEWER, ""),
    ("GET", "/v1/accounts"): ("/v1/accounts", None, Role.VIEWER, ""),
    ("GET", "/v1/day"): ("/v1/day?date=2023-11-14", None, Role.VIEWER, ""),
    ("GET", "/v1/arms"): ("/v1/arms", None, Role.VIEWER, ""),
    ("GET", "/v1/halt"): ("/v1/halt", None, Role.VIEWER, ""),
    ("GET", "/v1/health"): ("/v1/health", None, Role.VIEWER, ""),
    ("GET", "/v1/log"): ("/v1/log?after=0&limit=5", None, Role.VIEWER, ""),
    ("GET", "/v1/log/verify"): ("/v1/log/verify", None, Role.VIEWER, ""),
    ("GET", "/metrics"): ("/metrics", None, Role.VIEWER, ""),
    ("GET", "/openapi.json"): ("/openapi.json", None, Role.VIEWER, ""),
    ("GET", "/v1/stream"): ("/v1/stream", None, Role.VIEWER, ""),
    ("POST", "/v1/orders/preview"): ("/v1/orders/preview", {"command": COMMAND}, Role.VIEWER, ""),
    ("POST", "/v1/orders"): ("/v1/orders", COMMAND, Role.TRADER, "submit C9 by test-head/trader"),
    ("POST", "/v1/orders/{client_order_id:str}/send"): ("/v1/orders/C1/send", KEY, Role.TRADER, "send C1"),
    ("POST", "/v1/orders/{client_order_id:str}/discard"): ("/v1/orders/C1/discard", KEY, Role.TRADER, "discard C1"),
    ("POST", "/v1/orders/{client_order_id:str}/cancel"): ("/v1/orders/C1/cancel", KEY, Role.TRADER, "cancel C1"),
    ("POST", "/v1/orders/{client_order_id:str}/dead"): (
        "/v1/orders/C1/dead", {**KEY, "reason": "so", "word": "DEAD"}, Role.TRADER, "dead C1",
    ),
    ("POST", "/v1/orders/{client_order_id:str}/modify"): (
        "/v1/orders/C1/modify", {**KEY, "quantity": "5"}, Role.TRADER, "modify C1",
    ),
    ("POST", "/v1/orders/cancel"): ("/v1/orders/cancel", {**KEY, "pattern": "AA*"}, Role.TRADER, "cancel C1"),
    ("POST", "/v1/market/control"): (
        "/v1/market/control", {**KEY, "action": "speed", "speed": 5}, Role.TRADER, "market speed 5",
    ),
    ("POST", "/v1/arm"): ("/v1/arm", {**KEY, "account_id": "main"}, Role.TRADER, ""),
    ("GET", "/v1/reconcile"): ("/v1/reconcile?account=main", None, Role.VIEWER, ""),
    ("POST", "/v1/reconcile"): ("/v1/reconcile", {**KEY, "account_id": "main"}, Role.TRADER, "reconcile main"),
    ("POST", "/v1/reconcile/explain"): (
        "/v1/reconcile/explain",
        {**KEY, "suspense_id": "S1", "how": "accept", "reason": "so", "word": "ACCEPT"},
        Role.TRADER,
        "explain S1",
    ),
    ("POST", "/v1/accounts/adopt"): (
        "/v1/accounts/adopt",
        {**KEY, "account_id": "alp", "broker": "practice"},
        Role.ADMIN,
        "adopt alp from practice",
    ),
    ("POST", "/v1/halt"): ("/v1/halt", {**KEY, "action": "halt", "reason": "x"}, Role.TRADER, "halt"),
    ("POST", "/v1/accounts"): ("/v1/accounts", {**KEY, "account_id": "p2"}, Role.ADMIN, "open p2"),
    ("GET", "/v1/brokers"): ("/v1/brokers", None, Role.VIEWER, ""),
    ("POST", "/v1/brokers/unlock"): (
        "/v1/brokers/unlock",
        KEY | {"passphrase": PASSPHRASE},
        Role.ADMIN,
        "unlock brokers",
    ),
    ("POST", "/v1/brokers/lock"): ("/v1/brokers/lock", KEY, Role.TRADER, "lock brokers"),
    ("GET", "/v1/live"): ("/v1/live", None, Role.VIEWER, ""),
    ("POST", "/v1/live/arm"): (
        "/v1/live/arm",
        KEY | {"account_id": "real", "suffix": "4711", "cap": "1000"},
        Role.ADMIN,
        "arm real by test-head/admin",
    ),
    ("POST", "/v1/live/disarm"): ("/v1/live/disarm", KEY, Role.TRADER, "disarm live"),
    ("GET", "/v1/risk"): ("/v1/risk?account=main&strategy=trend&instrument=AAPL", None, Role.VIEWER, ""),
    ("POST", "/v1/limits"): (
        "/v1/limits", {**KEY, "key": "max_gross", "value": "1.20"}, Role.TRADER, "limit max_gross 1.20",
    ),
    ("POST", "/v1/limits/withdraw"): (
        "/v1/limits/withdraw", {**KEY, "change_id": "R-raise-1"}, Role.TRADER, "withdraw R-raise-1",
    ),
    ("POST", "/v1/limits/release"): (
        "/v1/limits/release", {**KEY, "word": "RELEASE", "account_id": "main"}, Role.ADMIN, "release main",
    ),
    ("GET", "/v1/jobs"): ("/v1/jobs", None, Role.VIEWER, ""),
    ("GET", "/v1/jobs/{job:str}/log"): ("/v1/jobs/backup/log?limit=5", None, Role.VIEWER, ""),
    ("POST", "/v1/jobs/{job:str}/run"): ("/v1/jobs/backup/run", KEY, Role.ADMIN, "job run backup"),
    ("POST", "/v1/jobs/{job:str}/stop"): ("/v1/jobs/backup/stop", KEY, Role.ADMIN, "job stop backup"),
    ("GET", "/v1/recordings"): ("/v1/recordings", None, Role.VIEWER, ""),
    ("POST", "/v1/recordings/start"): (
        "/v1/recordings/start",
        {"request_id": "R-1", "name": "morning"},
        Role.TRADER,
        "record morning",
    ),
    ("POST", "/v1/recordings/stop"): ("/v1/recordings/stop", KEY, Role.TRADER, "record stop"),
    ("POST", "/v1/backup"): ("/v1/backup", KEY, Role.ADMIN, "backup"),
    ("POST", "/v1/engine/stop"): ("/v1/engine/stop", KEY, Role.ADMIN, "stop"),
}  # fmt: skip

READS = ("/v1/orders/preview", "/v1/sql")
"""Asked with a body, and nothing is changed by them."""


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        live.engine.trading.put(Order(client_order_id="C1", terms=terms(), status=_SUBMITTED))
        yield live


_SUBMITTED = Order(client_order_id="x", terms=terms()).status.__class__.SUBMITTED


def _every_route() -> set[tuple[str, str]]:
    found = set()
    for handler in HANDLERS:
        method = str(next(iter(getattr(handler, "http_methods", None) or {"GET"})))
        found |= {(method.rsplit(".", 1)[-1], path) for path in handler.paths}
    return found


async def _call(api: LiveApi, target: str, body: dict[str, Any] | None, role: Role) -> Answer:
    if body is None:
        return await api.get(target, role.file_name)
    return await api.post(target, json.dumps(body).encode(), role.file_name)


@pytest.mark.covers("R10")
def test_the_matrix_names_every_route_and_no_other() -> None:
    assert set(MATRIX) == _every_route()


@pytest.mark.covers("R10")
@pytest.mark.parametrize("route", sorted(MATRIX))
async def test_each_role_may_do_what_it_may_and_nothing_else(api: LiveApi, route: tuple[str, str]) -> None:
    target, body, lowest, effect = MATRIX[route]
    for role in Role:
        before = len(api.engine.effects)
        if target == "/v1/stream":
            continue
        answer = await _call(api, target, body, role)
        if role < lowest:
            assert (answer.status, answer.problem.code) == (403, "forbidden")
            assert len(api.engine.effects) == before
        else:
            assert 200 <= answer.status < 300, answer
    assert [done for done in api.engine.effects if done.startswith(effect)] == api.engine.effects
    assert bool(api.engine.effects) == bool(effect)


def test_the_rules_on_the_routes_are_the_matrix() -> None:
    for handler in HANDLERS:
        rule = allowed(handler.fn)
        for path in handler.paths:
            method = "POST" if ("POST", path) in MATRIX and handler.fn.__name__[:4] != "get_" else "GET"
            assert rule is not None
            assert rule.role is MATRIX[method, path][2]
            assert rule.mutates == (method == "POST" and path not in READS)


@pytest.mark.covers("F02", "O6")
async def test_the_same_order_twice_is_one_order_and_another_body_a_conflict(api: LiveApi) -> None:
    first = await _call(api, "/v1/orders", COMMAND, Role.TRADER)
    second = await _call(api, "/v1/orders", COMMAND, Role.TRADER)
    other = await _call(api, "/v1/orders", {**COMMAND, "terms": {**TERMS, "quantity": "101"}}, Role.TRADER)
    assert (first.status, second.status, other.status) == (201, 201, 409)
    assert json.loads(second.body)["is_replay"] is True
    assert api.engine.effects == ["submit C9 by test-head/trader"]


@pytest.mark.parametrize(
    ("target", "body", "other"),
    [
        ("/v1/backup", KEY, None),
        ("/v1/accounts", {**KEY, "account_id": "p2"}, {**KEY, "account_id": "p3"}),
        ("/v1/market/control", {**KEY, "action": "pause"}, {**KEY, "action": "resume"}),
        ("/v1/halt", {**KEY, "action": "reduce"}, {**KEY, "action": "flatten"}),
    ],
)
async def test_a_repeated_request_is_answered_from_memory(
    api: LiveApi, target: str, body: dict[str, Any], other: dict[str, Any] | None
) -> None:
    answers = await asyncio.gather(*(_call(api, target, body, Role.ADMIN) for _ in range(4)))
    assert {answer.body for answer in answers} == {answers[0].body}
    assert len(api.engine.effects) == 1
    if other is not None:
        assert (await _call(api, target, other, Role.ADMIN)).status == 409


async def test_a_halt_is_never_answered_from_memory(api: LiveApi) -> None:
    for _ in range(2):
        await _call(api, "/v1/halt", {**KEY, "action": "halt"}, Role.TRADER)
    assert len(api.engine.effects) == 2


async def test_a_resume_repeated_after_a_new_halt_resumes_nothing(api: LiveApi) -> None:
    resume = {"request_id": "r9", "action": "resume", "word": "RESUME"}
    await _call(api, "/v1/halt", resume, Role.TRADER)
    await _call(api, "/v1/halt", {"request_id": "r10", "action": "halt"}, Role.TRADER)
    await _call(api, "/v1/halt", resume, Role.TRADER)
    assert api.engine.trading.halt.state.value == "HALTED"


async def test_errors_of_the_engine_arrive_with_title_message_and_fix(api: LiveApi) -> None:
    denied = await _call(api, "/v1/orders", {**COMMAND, "terms": {**TERMS, "quantity": "666"}}, Role.TRADER)
    problem = denied.problem
    assert (denied.status, problem.code, problem.denial) == (422, "denied", "QUANTITY")
    assert (problem.title, problem.detail, problem.fix) == ("Denied", "666 is too much.", "Buy less.")
    assert (await _call(api, "/v1/halt", {**KEY, "action": "resume"}, Role.TRADER)).problem.fix == "Type RESUME."
    assert (await _call(api, "/v1/orders/nope", None, Role.VIEWER)).status == 404
    assert (await _call(api, "/v1/depth/NOPE", None, Role.VIEWER)).problem.fix == "Did you mean AAPL?"


@pytest.mark.parametrize(
    "target",
    ["/v1/bars", "/v1/bars?id=AAPL&limit=0", "/v1/bars?id=AAPL&limit=x", "/v1/bars?id=AAPL&spec=5x", "/v1/orders?scope=mine",
     "/v1/news?limit=-1", "/v1/log?after=-1", "/v1/log?after=9223372036854775808", "/v1/bars?id=AAPL&end_ns=-1",
     "/v1/bars?id=AAPL&end_ns=9223372036854775808", "/v1/explain", "/v1/quotes?ids=" + "A," * 700],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(api: LiveApi, target: str) -> None:
    answer = await _call(api, target, None, Role.VIEWER)
    assert (answer.status, answer.problem.code) == (400, "invalid_value")


async def test_arming_is_for_heads_and_ends(api: LiveApi) -> None:
    armed = json.loads((await _call(api, "/v1/arm", {**KEY, "account_id": "main"}, Role.TRADER)).body)
    assert [(arm["head_id"], arm["account_id"]) for arm in armed] == [("test-head", "main")]
    too_long = {"request_id": "r2", "account_id": "main", "minutes": 31}
    assert (await _call(api, "/v1/arm", too_long, Role.TRADER)).status == 400
    off = {"request_id": "r3", "account_id": "main", "minutes": 0}
    assert json.loads((await _call(api, "/v1/arm", off, Role.TRADER)).body) == []
    nameless = await api.post("/v1/arm", json.dumps({**KEY, "account_id": "main"}).encode(), X_StockPulse_Head=None)
    assert nameless.status == 400


@pytest.mark.covers("R10", "R11")
async def test_real_money_moves_only_from_an_armed_head(api: LiveApi) -> None:
    live = {"client_order_id": "L1", "terms": {**TERMS, "account_id": "real"}}
    assert (await _call(api, "/v1/orders", live, Role.ADMIN)).problem.code == "forbidden"
    assert api.engine.effects == []
    assert (
        await _call(api, "/v1/orders", {**live, "is_staged": True, "client_order_id": "L0"}, Role.TRADER)
    ).status == 201
    short = await _call(api, "/v1/arm", {**KEY, "account_id": "real"}, Role.TRADER)
    assert "takes its amount" in short.problem.detail
    arm = {**KEY, "account_id": "real", "suffix": "4711", "cap": "1000"}
    for role, words in ((Role.TRADER, "may not"), (Role.VIEWER, "may not")):
        assert words in (await _call(api, "/v1/live/arm", arm, role)).problem.detail
    wrong = await _call(api, "/v1/live/arm", {**arm, "suffix": "4712"}, Role.ADMIN)
    assert "last letters" in wrong.problem.detail
    assert (await _call(api, "/v1/live/arm", arm, Role.ADMIN)).status == 200
    assert (await _call(api, "/v1/orders", live, Role.TRADER)).status == 201
    await _call(api, "/v1/live/disarm", KEY, Role.TRADER)
    again = await _call(api, "/v1/orders", {**live, "client_order_id": "L2"}, Role.TRADER)
    assert again.problem.code == "forbidden"


async def test_the_description_covers_every_rest_route(api: LiveApi) -> None:
    described = json.loads((await api.get("/openapi.json")).body)
    paths = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert paths == {(method, path.replace(":str", "")) for method, path in MATRIX} - {("GET", "/v1/stream")}
    schema = described["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "SubmitOrder" in json.dumps(schema)


async def test_metrics_count_requests_by_pattern_and_name_no_id(api: LiveApi) -> None:
    await api.get("/v1/orders/C1")
    await api.get("/v1/orders/C1", Authorization=None)
    text = (await api.get("/metrics")).body.decode()
    assert 'stockpulse_requests_total{route="/v1/orders/{client_order_id}",status="200"} 1.0' in text
    assert 'route="(refused)",status="401"' in text
    assert 'stockpulse_orders{status="SUBMITTED"} 1.0' in text
    for name in ("frames_total", "outbox_depth", "feed_age_seconds", "journal_seq", "loop_lag_seconds", "heads"):
        assert f"stockpulse_{name}" in text
    assert "C1" not in text
    assert api.token() not in text


@pytest.mark.parametrize("route", ["orders", "fills", "positions", "lots", "portfolio", "account", "day"])
async def test_an_unknown_account_is_not_found_and_the_nearest_is_named(api: LiveApi, route: str) -> None:
    for asked, fix in (("mian", "Did you mean main?"), ("MAIN", "Did you mean main?"), ("NOPE", "Open accounts: main")):
        answer = await api.get(f"/v1/{route}?account={asked}")
        assert (answer.status, answer.problem.code) == (404, "not_found")
        assert repr(asked) in answer.problem.detail
        assert answer.problem.fix.startswith(fix)
    assert (await api.get(f"/v1/{route}?account=main")).status == 200


async def test_a_brake_for_an_account_that_is_not_there(api: LiveApi) -> None:
    for path, body in (
        ("/v1/orders/cancel", {"account_id": "mian"}),
        ("/v1/halt", {"action": "flatten", "word": "FLATTEN", "account_id": "mian"}),
    ):
        answer = await _call(api, path, {**KEY, **body}, Role.TRADER)
        assert (answer.status, answer.problem.fix) == (404, "Did you mean main?")
    assert api.engine.effects == [], "nobody was made flat in another's place"
    assert (await _call(api, "/v1/halt", {**KEY, "action": "halt", "account_id": "mian"}, Role.TRADER)).status == 200
    assert [effect.split()[0] for effect in api.engine.effects] == ["halt"], "a halt halts, whatever else was typed"


async def test_metrics_and_health_say_what_the_feed_held_back(api: LiveApi) -> None:
    source = SourceCounts(quotes=900, trades=70, crossed=12, locked=4, refused={"price is not positive": 3})
    api.engine.system.feed = FeedCounts(batches=10, events=500, crossed=2, refused=1, source=source)
    lines = (await api.get("/metrics")).body.decode().splitlines()
    for line in (
        "stockpulse_feed_events_total 500.0",
        "stockpulse_feed_crossed_total 2.0",
        "stockpulse_feed_refused_total 1.0",
        'stockpulse_source_rows_total{kind="quote"} 900.0',
        "stockpulse_source_crossed_total 12.0",
        "stockpulse_source_locked_total 4.0",
        'stockpulse_source_refused_total{reason="price is not positive"} 3.0',
    ):
        assert line in lines
    feed = json.loads((await api.get("/v1/health")).body)["feed"]
    assert (feed["crossed"], feed["refused"], feed["source"]["crossed"]) == (2, 1, 12)


async def test_health_counts_the_heads(api: LiveApi) -> None:
    assert json.loads((await api.get("/v1/health")).body)["heads"] == 0


def test_every_error_in_the_description_is_a_problem_document() -> None:
    document = describe()
    assert "Problem" in document["components"]["schemas"]
    assert document["security"] == [{"token": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            bad = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
            assert sorted(bad) == ["4XX", "5XX"], path
            for answer in bad.values():
                assert answer["content"] == {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
