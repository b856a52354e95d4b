"""The mirror in a real Redis: what is in it equals the journal, through kills, hangs and refusals of the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from stockpulse_engine.adapters.redis import mirror as mirror_module
from stockpulse_engine.adapters.redis.mirror import RedisMirror
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bus.bridge import Bridge, MirrorBatch, MirrorError
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, PartChanged
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderEvent
from tests.fakes.fake_mirror import order_change, quote
from tests.fakes.order_desk import OrderDesk
from tests.fakes.redis_server import RedisServer


@pytest.fixture
def server(home: Path) -> Iterator[RedisServer]:
    with RedisServer(home / "redis") as running:
        yield running


@pytest.fixture
async def reader(server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url, protocol=2)
    yield client
    await client.aclose()


@pytest.fixture
async def mirror(server: RedisServer) -> AsyncIterator[RedisMirror]:
    made = RedisMirror(server.url, prefix="sp", world="sim")
    yield made
    await made.close()


async def entries(reader: Redis, stream: str) -> list[dict[str, Any]]:
    """The fields of every entry; `data` as bytes, the rest as text."""
    raw: Any = await reader.xrange(f"sp:sim:{stream}")
    return [
        {key.decode(): value if key == b"data" else value.decode() for key, value in fields.items()}
        for _, fields in raw
    ]


async def test_mirrored_order_events_equal_the_journals(reader: Redis, mirror: RedisMirror) -> None:
    desk = OrderDesk()
    bridge = Bridge(desk.bus, mirror, desk.clock, run_id="R", part="redis")
    await desk.start()
    for number in range(12):
        await desk.submit(f"C{number}", quantity=Decimal(number + 1))
    await desk.time.advance(1)
    await desk.cancel("C3")
    desk.venue.fill("C5", 6, 231)
    await desk.time.advance(1)
    await bridge.turn()
    await desk.stop()
    await bridge.turn()

    journal = {entry.seq: entry.event for entry in desk.journal.read() if isinstance(entry.event, OrderEvent)}
    orders = await entries(reader, "orders")
    assert {int(row["seq"]): msgspec.msgpack.decode(row["data"], type=Event) for row in orders} == journal
    assert [int(row["seq"]) for row in orders] == sorted(journal)
    assert {row["data"] for row in orders} == {msgspec.msgpack.encode(event) for event in journal.values()}
    fills = [msgspec.msgpack.decode(row["data"], type=Fill) for row in await entries(reader, "fills")]
    assert fills == [event.fill for event in journal.values() if event.fill]
    assert len(fills) == 1
    last = next(row for row in reversed(orders) if row["client_order_id"] == "C5")
    assert (last["status"], last["filled_quantity"], last["instrument_id"]) == ("FILLED", "6", "AAPL.XNAS")


async def test_quotes_are_the_latest_and_followers_get_them_in_batches(reader: Redis, mirror: RedisMirror) -> None:
    await mirror.write(MirrorBatch(key="R:1", at_ns=1, quotes=(quote("F.XNYS", "10.10"), quote("GE.XNYS", "9"))))
    await mirror.write(MirrorBatch(key="R:2", at_ns=2, quotes=(quote("F.XNYS", "10.25", 7),)))
    latest = await reader.hgetall("sp:sim:quotes")
    assert sorted(latest) == [b"F.XNYS", b"GE.XNYS"]
    shown = json.loads(latest[b"F.XNYS"])
    assert (shown["bid"], shown["ask"], shown["ts_event"]) == ("10.25", "10.26", 7)
    ticks = [msgspec.msgpack.decode(row["data"], type=list[Quote]) for row in await entries(reader, "ticks")]
    assert [[one.instrument_id for one in batch] for batch in ticks] == [["F.XNYS", "GE.XNYS"], ["F.XNYS"]]


async def test_alerts_and_the_sign_of_life_can_be_read(reader: Redis, mirror: RedisMirror) -> None:
    alert = AlertRaised(ts_event=5, level="danger", text="C1 is UNKNOWN", subject="C1")
    await mirror.write(MirrorBatch(key="R:1", at_ns=42, records=(alert,), lost=3))
    (row,) = await entries(reader, "alerts")
    assert (row["level"], row["text"], row["subject"]) == ("danger", "C1 is UNKNOWN", "C1")
    assert await reader.hgetall("sp:sim:mirror") == {b"batch": b"R:1", b"at": b"42", b"lost": b"3"}


async def test_a_batch_whose_answer_was_lost_is_not_written_twice(
    server: RedisServer, reader: Redis, mirror: RedisMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "TIMEOUT_S", 0.05)
    await mirror.write(MirrorBatch(key="R:1", at_ns=1, records=(order_change(1),)))
    doubtful = MirrorBatch(key="R:2", at_ns=2, records=(order_change(2),))
    server.hang()
    with pytest.raises(MirrorError, match="does not answer"):
        await mirror.write(doubtful)  # it is in the socket's buffer: the server takes it when it goes on
    server.go_on()
    monkeypatch.undo()
    while await reader.xlen("sp:sim:orders") < 2:
        await asyncio.sleep(0)
    await mirror.write(doubtful)
    await mirror.write(MirrorBatch(key="R:3", at_ns=3, records=(order_change(3),)))
    assert [row["seq"] for row in await entries(reader, "orders")] == ["1", "2", "3"]


async def test_a_killed_server_misses_nothing_once_it_is_back(server: RedisServer, clock: ManualClock) -> None:
    failures: list[Exception] = []
    bus = Bus(lambda _, error: failures.append(error))
    says: list[PartChanged] = []
    bus.subscribe(PartChanged, says.append)
    mirror = RedisMirror(server.url, prefix="sp", world="sim")
    bridge = Bridge(bus, mirror, clock, run_id="R", part="redis")
    for seq in range(600):
        if seq in (150, 400):
            server.kill()
        if seq in (200, 450):
            server.start()
        bus.publish(order_change(seq))
        if seq % 10 == 0:
            clock.advance(250_000_000)
            await bridge.turn()
    while bridge.waiting:
        await bridge.turn()
    await mirror.close()
    reader = Redis.from_url(server.url, protocol=2)
    assert [int(row["seq"]) for row in await entries(reader, "orders")] == list(range(600))
    await reader.aclose()
    assert {told.state for told in says} >= {"ok", "late"}
    assert (says[0].state, says[-1].state) == ("ok", "ok")
    assert failures == []


async def test_a_refused_login_is_told_without_the_password(home: Path) -> None:
    with RedisServer(home / "locked", "--requirepass", "open sesame") as server:
        wrong = RedisMirror(f"{server.url}?password=open%20says-me", prefix="sp", world="sim")
        with pytest.raises(MirrorError) as told:
            await wrong.write(MirrorBatch(key="R:1", at_ns=1))
        assert str(told.value) == f"refuses the login at {server.socket}"
        await wrong.close()
        right = RedisMirror(f"{server.url}?password=open%20sesame", prefix="sp", world="sim")
        await right.write(MirrorBatch(key="R:1", at_ns=1))
        await right.close()


async def test_a_key_of_somebody_else_is_a_refusal_in_words(reader: Redis, mirror: RedisMirror) -> None:
    await reader.set("sp:sim:mirror", "mine")
    with pytest.raises(MirrorError, match="refuses: WRONGTYPE"):
        await mirror.write(MirrorBatch(key="R:1", at_ns=1))


async def test_streams_are_bounded(reader: Redis, mirror: RedisMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "MAX_TICKS", 100)
    for number in range(600):
        await mirror.write(MirrorBatch(key=f"R:{number}", at_ns=1, quotes=(quote("F.XNYS", "10"),)))
    assert await reader.xlen("sp:sim:ticks") <= 200, "about: the server cuts whole nodes of a hundred"
