"""A LIVE connection to a stand-in on a real socket: what is not armed never reaches it, what is armed reaches it once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from stockpulse_engine.adapters.brokersfile import BrokersFile
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.bootstrap.brokers import BrokerDesk
from stockpulse_engine.bootstrap.standing import Standing
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, StockPulseError
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.storage.secrets.sealed import Cost
from stockpulse_engine.storage.secrets.vault import Vault
from stockpulse_engine.trading.service import OrderService
from tests.fakes.alpaca_stand import ACME, KEY, NUMBER, SECRET, AlpacaStage, alpaca_stage
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import FakeGate, FakeLatch, account_view

PHRASE = "four quiet words here"


class Bench:
    """Desk of brokers and order service of one engine, with a LIVE connection that is configured and locked."""

    def __init__(self, root: Path, stage: AlpacaStage) -> None:
        self.stage, clock = stage, WallClock()
        paths = resolve_paths(root / "home")
        config = structs.replace(stage.config(), name="money", kind=AccountKind.LIVE, account=NUMBER)
        BrokersFile(paths.brokers_file).put(config)
        vault = Vault(paths, clock, find_ring=lambda: None, cost=Cost(n=1024, r=1, p=1), harden=lambda: None)
        vault.put("money", {"key_id": KEY, "secret_key": SECRET}, PHRASE)
        self.latch = FakeLatch()
        self.desk = BrokerDesk(
            paths,
            "live",
            clock,
            connections=lambda: self.orders,
            accounts=lambda: tuple(self.orders.book.accounts.values()),
            locks=root / "locks",
            vault=vault,
        )
        self.orders = OrderService(
            journal=MemoryJournal(),
            brokers={},
            gate=FakeGate(),
            latch=self.latch,
            clock=clock,
            market_now=clock.now_ns,
            bus=Bus(lambda *_: None),
            quotes=lambda _: None,
            positions=lambda _: {},
            account_view=lambda name: account_view(self.orders, name),
            connections=Standing(self.desk, root, clock, free=lambda _: 2**40),
        )

    @property
    def posts(self) -> int:
        """Orders that reached the broker."""
        return sum(self.stage.server.posts.values())

    async def open(self) -> None:
        """Unlock, join, open the account, and wait until it matches."""
        await self.desk.unlock(["money"], PHRASE, with_live=True)
        account = structs.replace(self.stage.account, account_id="real", kind=AccountKind.LIVE, broker="money")
        with contextlib.suppress(ConflictError):
            await self.orders.open_account(account, "cli")
        await until(lambda: self.orders.is_reconciled("real"))

    async def send(self, key: str) -> None:
        """One order, and wait until it is decided."""
        terms = OrderTerms(
            account_id="real",
            instrument_id=ACME,
            side=Side.BUY,
            quantity=Decimal(10),
            order_type=OrderType.LIMIT,
            limit_price=Decimal("90.00"),
        )
        with contextlib.suppress(StockPulseError):
            await self.orders.submit(SubmitOrder(client_order_id=key, terms=terms), "tui/trader")
            await until(lambda: self.orders.order(key).status.value not in {"SUBMITTED", "INITIALIZED"})

    async def arm(self, cap: str = "1000") -> None:
        await self.orders.live.arm(
            "real", holder="tui", suffix=NUMBER[-4:], cap=Decimal(cap), minutes=60, actor="tui/admin"
        )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with alpaca_stage(is_paper=False) as stage:
        made = Bench(tmp_path, stage)
        await made.orders.recover()
        running = asyncio.ensure_future(made.orders.run())
        yield made
        await made.orders.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await made.desk.stop()


@pytest.mark.covers("R11", "F17", "O5", "S17")
async def test_what_is_not_armed_never_reaches_the_broker_and_what_is_armed_reaches_it_once(bench: Bench) -> None:
    with pytest.raises(ForbiddenError, match="money is LIVE"):
        await bench.desk.unlock(["money"], PHRASE, with_live=False)
    await bench.open()
    assert bench.orders.live.views()[0].missing == ()
    await bench.send("N1")
    assert bench.posts == 0
    with pytest.raises(ForbiddenError, match="last letters"):
        await bench.orders.live.arm("real", holder="t", suffix="zzzz", cap=Decimal(1), minutes=1, actor="t")
    await bench.arm()
    await bench.send("Y1")
    assert bench.posts == 1
    await bench.send("N2")
    assert bench.posts == 1, "900 of the 1,000 were sent"
    bench.latch.is_latched = True
    await until(lambda: not bench.orders.live.views()[0].is_armed)
    bench.latch.is_latched = False
    await bench.send("N3")
    assert bench.posts == 1
    assert bench.stage.server.complaints == []
    secrets = repr(bench.orders.book.orders) + repr(await bench.desk.views()) + repr(bench.orders.live.views())
    assert SECRET not in secrets
    assert KEY not in secrets
