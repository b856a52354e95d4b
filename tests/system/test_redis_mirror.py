"""The real daemon with a real Redis that is killed under order flow: trading goes on, health says so, the mirror resumes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.orders import OrderEvent, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import PartHealth
from stockpulse_engine.storage.journal import SqliteJournal
from tests.fakes.redis_server import RedisServer
from tests.system.process import EngineProcess

WAIT_S = 20.0
PASSWORD = "correct-horse-battery"


class Traded:
    """An engine of the test's own with market orders through it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("STOCKPULSE__REDIS__URL", url)
        monkeypatch.setenv("STOCKPULSE__LIMITS__MAX_ORDERS_PER_SECOND", "1000")
        monkeypatch.setenv("STOCKPULSE__LIMITS__MAX_STRATEGY_ORDERS_PER_SECOND", "1000")
        self.engine = EngineProcess(home)
        self._sent = 0

    def fill(self, client: BlockingClient, count: int) -> None:
        """Send `count` market orders and see each of them filled."""
        keys = []
        for _ in range(count):
            self._sent += 1
            keys.append(f"R{self._sent}")
            terms = OrderTerms(
                account_id="main",
                instrument_id="F.XNYS",
                side=Side.BUY,
                quantity=Decimal(1),
                order_type=OrderType.MARKET,
            )
            client.submit_order(SubmitOrder(client_order_id=keys[-1], terms=terms, allow_duplicate=True))
        assert wait_until(lambda: all(client.order(key).status is OrderStatus.FILLED for key in keys), WAIT_S)


def part(client: BlockingClient) -> PartHealth:
    return next(one for one in client.health().parts if one.name == "redis")


def is_said(client: BlockingClient, state: str) -> bool:
    return wait_until(lambda: part(client).state == state, WAIT_S)


@pytest.fixture
def server(home: Path) -> Iterator[RedisServer]:
    with RedisServer(home / "redis", "--requirepass", PASSWORD) as running:
        yield running


def mirrored(server: RedisServer) -> dict[int, Event]:
    """Journal number → event, as the mirror has them."""
    with redis.Redis.from_url(f"{server.url}?password={PASSWORD}", protocol=2) as reader:
        rows: Any = reader.xrange("stockpulse:sim:orders")
        assert len({fields[b"seq"] for _, fields in rows}) == len(rows), "none twice"
        return {int(fields[b"seq"]): msgspec.msgpack.decode(fields[b"data"], type=Event) for _, fields in rows}


def journalled(engine: EngineProcess) -> dict[int, Event]:
    """The journal's order events."""
    paths = engine.paths
    journal = SqliteJournal(paths.journal("sim"), paths.journal_head("sim"), WallClock())
    try:
        return {entry.seq: entry.event for entry in journal.read() if isinstance(entry.event, OrderEvent)}
    finally:
        journal.close()


@pytest.mark.covers("F31", "S16")
@pytest.mark.timeout(120)
def test_redis_is_killed_under_flow_and_trading_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, server: RedisServer
) -> None:
    traded = Traded(home, monkeypatch, f"{server.url}?password={PASSWORD}")
    with traded.engine as engine, engine.client() as client:
        assert is_said(client, "ok")
        traded.fill(client, 10)
        server.kill()
        traded.fill(client, 20)
        assert is_said(client, "gone")
        said = part(client)
        assert "cannot be reached at" in said.detail
        assert "trading goes on" in said.detail
        assert client.health().status == "degraded"
        traded.fill(client, 5)
        server.start()
        assert is_said(client, "ok")
        traded.fill(client, 5)
        client.stop_engine()
        assert wait_until(lambda: not engine.pid, WAIT_S)
        journal = journalled(engine)
        assert mirrored(server) == journal, "every order event is in the mirror once, those of its absence too"
        assert len(journal) >= 40 * 3
        with redis.Redis.from_url(f"{server.url}?password={PASSWORD}", protocol=2) as reader:
            assert reader.hlen("stockpulse:sim:quotes") == 48
            assert reader.xlen("stockpulse:sim:fills") == 40
        logs = "".join(file.read_text() for file in engine.paths.logs.iterdir() if file.is_file())
        assert "redis" in logs, "the outage is in the log"
        assert PASSWORD not in logs
        shown = engine.sp("config", "show", "redis").stdout
        assert "redis.sock" in shown
        assert PASSWORD not in shown


@pytest.mark.timeout(120)
def test_a_redis_that_never_was_stops_neither_the_start_nor_an_order(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traded = Traded(home, monkeypatch, f"redis://ann:{PASSWORD}@127.0.0.1:1/0")
    with traded.engine as engine, engine.client() as client:
        traded.fill(client, 2)
        assert is_said(client, "gone")
        assert PASSWORD not in part(client).detail


@pytest.mark.timeout(120)
def test_without_a_redis_its_part_is_off_and_comes_last(home: Path) -> None:
    with EngineProcess(home) as engine, engine.client() as client:
        health = client.health()
        assert health.parts[-1].name == "redis"
        assert health.parts[-1].state == "off"
        assert health.status == "ok"
        loaded = Path(f"/proc/{engine.pid}/maps")
        if loaded.exists():
            assert "hiredis" not in loaded.read_text(), "its library is not loaded"
