"""Several heads and the command line on one real engine: the same state for all, whatever happens to any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from websockets.asyncio.client import unix_connect

from stockpulse_engine.api.arms import CLI
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.credentials import read_token
from stockpulse_engine.client.stream import LIVE, LOST, READ_ONLY
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, ForbiddenError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.wire.codec import decode_frame, encode
from stockpulse_engine.wire.stream import Hello
from stockpulse_engine.wire.version import PROTOCOL_VERSION
from tests.integration.heads import attached, until_same
from tests.system.process import EngineProcess

SYMBOLS = ("F.XNYS", "INTC.XNAS", "AAPL.XNAS")


@pytest.fixture
def engine(home: Path) -> Iterator[EngineProcess]:
    """A real engine with its venue."""
    with EngineProcess(home) as running:
        yield running


def order(key: str, number: int) -> SubmitOrder:
    """Markets and far limits, bought and sold, on a few instruments."""
    is_market = number % 3 != 0
    terms = OrderTerms(
        account_id="main",
        instrument_id=SYMBOLS[number % 3],
        side=Side.SELL if number % 5 == 4 else Side.BUY,
        quantity=Decimal(1 + number % 4),
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        limit_price=None if is_market else Decimal(2),
    )
    return SubmitOrder(client_order_id=f"{key}-{number:03d}", terms=terms, allow_duplicate=True)


def trade(engine: EngineProcess, key: str, count: int) -> int:
    """A caller of its own sends orders and cancels some of them; returns how many the gate refused."""
    denied = 0
    with engine.client() as client:
        for number in range(count):
            try:
                client.submit_order(order(key, number))
            except DeniedError:
                denied += 1
                continue
            if number % 6 == 0:
                with suppress(ConflictError):  # filled before we thought of it
                    client.cancel_order(f"{key}-{number:03d}")
    return denied


def stand_still(client: BlockingClient) -> None:
    """Stop the market and let what is under way end, so that marks do not move between two looks."""
    client.control_market("pause")


@pytest.mark.timeout(120)
async def test_five_heads_and_the_command_line_hold_the_same_state(engine: EngineProcess) -> None:
    async with attached(engine.paths, 5) as heads:
        typed = await asyncio.to_thread(engine.sp, "buy", "MSFT", "3", "--yes")
        assert typed.returncode == 0, typed.stderr
        callers = (asyncio.to_thread(trade, engine, key, 30) for key in "AB")
        assert sum(await asyncio.gather(*callers)) < 60, "some got through, some went over the limit of a second"
        with engine.client() as client:
            await heads[0].until(lambda: any(f.instrument_id == "MSFT.XNAS" for f in heads[0].store.fills.values()))
            stand_still(client)
            await until_same(client, heads)
            assert len(client.orders("all", limit=5000)) == 61
            assert {head.state for head in heads} == {LIVE}
            assert client.health().heads == 5
            client.arm("main", 30)
            for head in heads:
                await head.until(lambda head=head: len(head.store.arms) == 1)  # type: ignore[misc] # bound at once
                assert head.store.arms[0].head_id == CLI, "all commands of the command line are one holder"


@pytest.mark.timeout(120)
async def test_a_head_that_did_not_read_for_a_while_misses_nothing(engine: EngineProcess) -> None:
    async with attached(engine.paths, 2) as heads:
        awake, asleep = heads
        asleep.sleep()
        await asyncio.to_thread(trade, engine, "C", 120)
        await awake.until(lambda: len(awake.store.orders) == 120)
        asleep.wake()
        with engine.client() as client:
            stand_still(client)
            await until_same(client, heads)


@pytest.mark.timeout(120)
async def test_an_engine_killed_under_its_heads_is_followed_again_by_all(engine: EngineProcess) -> None:
    async with attached(engine.paths, 5) as heads:
        await asyncio.to_thread(trade, engine, "D", 12)
        engine.kill()
        for head in heads:
            await head.until(lambda head=head: head.state == LOST)  # type: ignore[misc] # bound at once
            assert head.states[-1].detail, "in words"
        (await asyncio.to_thread(engine.start)).close()
        for head in heads:
            await head.until(lambda head=head: head.state == LIVE and head.snapshots == 2)  # type: ignore[misc] # bound at once
        await asyncio.to_thread(trade, engine, "E", 6)
        with engine.client() as client:
            stand_still(client)
            await until_same(client, heads)
            assert client.health().kills_survived == 1
            assert len(client.orders("all", limit=5000)) == 18


@pytest.mark.covers("R09")
@pytest.mark.timeout(60)
async def test_a_head_of_another_version_reads_along_and_changes_nothing(engine: EngineProcess) -> None:
    headers = {"Authorization": f"Bearer {read_token(engine.paths, 'trader')}"}
    old = await unix_connect(
        str(engine.paths.socket), "ws://localhost/v1/stream", additional_headers=headers, max_size=2**24, proxy=None
    )
    await old.send(encode(Hello(head_id="old", kind="tui", protocol=PROTOCOL_VERSION + 1)), text=True)
    frame = decode_frame(await old.recv(decode=False))
    assert (frame.kind, frame.is_read_only) == ("snapshot", True)
    assert f"protocol {PROTOCOL_VERSION + 1}" in frame.reason
    await asyncio.to_thread(trade, engine, "V", 1)
    async with asyncio.timeout(20):
        while not any(one.client_order_id == "V-000" for one in frame.orders):
            frame = decode_frame(await old.recv(decode=False))
    await old.close()


@pytest.mark.timeout(60)
async def test_each_role_does_what_it_may(engine: EngineProcess) -> None:
    async with attached(engine.paths, 1, role="viewer") as (head,):
        assert head.state == READ_ONLY
        assert "viewer" in head.states[-1].detail
        with engine.client("viewer") as viewer, engine.client() as trader:
            with pytest.raises(ForbiddenError):
                viewer.submit_order(order("R", 0))
            with pytest.raises(ForbiddenError):
                viewer.set_halt("halt")
            assert viewer.orders("all") == []
            trader.submit_order(order("R", 3))
            await head.until(lambda: "R-003" in head.store.orders)
            assert trader.cancel_order("R-003").status in (OrderStatus.PENDING_CANCEL, OrderStatus.CANCELED)
