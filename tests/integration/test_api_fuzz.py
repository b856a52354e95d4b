"""S8: hostile requests at every route, over a real socket: never a fault of ours, never an effect without the right role."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.domain.orders import Order
from tests.conftest import IS_NIGHT
from tests.fakes.fake_engine import terms
from tests.fakes.live_api import LiveApi, serving
from tests.integration.test_api_routes import MATRIX

REQUESTS = 100_000 if IS_NIGHT else 1_500
FREE = ApiSettings(rate_limit=1_000_000)
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 2**63, 2**400, "", " ", "NaN", "Infinity", "-0", "1e999", "1_000", "١٢٣", "\x00", "\x1b[2J",
    "../../etc/passwd", "%00", "'; drop table x; --", "{{7*7}}", "[/b]", "A" * 5000, [], [[]], {}, {"a": {"b": []}}, "🧨",
    "2023-11-14", "main", "C1", "AAPL", "BUY", "999999999999999999999999999999", "\u202egnp", "null",
)  # fmt: skip
RAW = (
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":NaN}', b'{"a":1,"a":2}', b"[" * 2000, b'"' + b"x" * 70_000 + b'"', b"\x00" * 64,
)  # fmt: skip
HARMLESS = (401, 403)


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    """A served engine that has one order, and no limit on the rate."""
    async with serving(home, settings=FREE) as live:
        live.engine.trading.put(Order(client_order_id="C1", terms=terms()))
        yield live


def spoil(value: Any, rng: Random, depth: int = 0) -> Any:
    """A body like the good one with something wrong somewhere in it."""
    if isinstance(value, dict) and value and rng.random() > 0.15 * depth:
        key = rng.choice(list(value))
        spoilt = dict(value)
        fate = rng.random()
        if fate < 0.15:
            del spoilt[key]
        elif fate < 0.3:
            spoilt[f"{key}{rng.choice('x_ ')}"] = rng.choice(JUNK)
        else:
            spoilt[key] = spoil(value[key], rng, depth + 1)
        return spoilt
    return rng.choice(JUNK)


def spoil_target(target: str, rng: Random) -> str:
    """A path or question like the good one with junk in a part of it."""
    text = str(rng.choice(JUNK))[:200].encode("utf-8", "ignore")
    junk = "".join(f"%{byte:02X}" for byte in text)
    path, _, query = target.partition("?")
    if query and rng.random() < 0.6:
        pairs = query.split("&")
        at = rng.randrange(len(pairs))
        pairs[at] = f"{pairs[at].partition('=')[0]}={junk}"
        return f"{path}?{'&'.join(pairs)}"
    if rng.random() < 0.3:
        return f"{target}{'&' if query else '?'}{junk or 'x'}={junk}"
    parts = path.split("/")
    parts[-1] = junk or "x"
    return "/".join(parts) if rng.random() < 0.5 else target


def body_of(good: dict[str, Any] | None, rng: Random) -> bytes:
    """What is sent along."""
    if rng.random() < 0.15:
        return rng.choice(RAW)
    return json.dumps(spoil(good or {}, rng)).encode()


@pytest.mark.timeout(1800 if IS_NIGHT else 120)
@pytest.mark.covers("S8", "R06", "R10")
async def test_no_request_is_answered_by_a_fault_or_has_an_effect_it_may_not(api: LiveApi) -> None:
    rng = Random(20_261_120)
    routes = [(method, *row) for (method, route), row in MATRIX.items() if route != "/v1/stream"]
    for number in range(REQUESTS):
        method, target, good, lowest, _ = rng.choice(routes)
        role = rng.choice([None, Role.VIEWER, Role.TRADER])
        before = len(api.engine.effects)
        headers = api.headers(role.file_name if role else "trader", Content_Type="application/json")
        if role is None:
            headers["Authorization"] = rng.choice(
                ["", "Bearer ", "Bearer nonsense", "Basic eDp5", f"Bearer {'a' * 64}"]
            )
        body = body_of(good, rng) if method != "GET" else b""
        answer = await api.raw(method, spoil_target(target, rng), headers, body)
        told = (number, method, target, role, body[:200], answer.status, answer.body[:300])
        assert answer.status < 500, told
        if role is None or role.value < lowest.value:
            assert len(api.engine.effects) == before, told
        if role is None:
            assert answer.status in (*HARMLESS, 400, 404, 405, 413, 414, 431), told
