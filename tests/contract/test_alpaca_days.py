"""Whole stormy days of the Alpaca adapter: whatever was lost, late or doubled, in the end it tells what is so."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from random import Random

import pytest
from msgspec import structs

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, Side
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Trick
from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.servers.alpaca_shapes import uuid_of
from stockpulse_engine.drill.servers.http import HTTP_FAULTS
from stockpulse_engine.drill.servers.weather import FAIR, Weather
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.conftest import IS_NIGHT
from tests.contract.broker_contract import limit_order
from tests.fakes.alpaca_stand import NUMBER, AlpacaStage, alpaca_stage

PATIENCE_S = 60.0
ACTIONS = 40
TRICKS = (
    Trick.PARTIAL, Trick.FILL_BEFORE_ACK, Trick.FILL_AFTER_CANCEL, Trick.REPLACE_RACE, Trick.VANISH, Trick.STRANGE,
    Trick.REJECT,
)  # fmt: skip
STORM = frozenset(HTTP_FAULTS) - {Fault.THROTTLED, Fault.BANNED}
Kind = OrderEventKind


class Listener:
    """Follows reports for ever, as the order service does: after each end anew, from some time before the last."""

    def __init__(self, broker: AlpacaBroker) -> None:
        self.broker = broker
        self.heard: list[ExecutionReport] = []

    async def run(self) -> None:
        while True:
            cursor = max((one.report_seq for one in self.heard), default=0)
            try:
                if not self.broker.is_connected:
                    await self.broker.connect()
                async for batch in self.broker.reports(max(0, cursor - self.broker.capabilities.overlap)):
                    self.heard += batch
            except (UnavailableError, AmbiguousOutcomeError):
                pass
            await asyncio.sleep(0.02)

    def fills(self) -> set[str]:
        """Executions heard of."""
        return {one.fill.fill_id for one in self.heard if one.fill is not None}

    def kinds(self, key: str) -> set[OrderEventKind]:
        """What was heard of an order."""
        return {one.kind for one in self.heard if one.client_order_id == key}


class Day:
    """One seed: what is done, and what Alpaca holds in the end."""

    def __init__(self, stage: AlpacaStage, broker: AlpacaBroker, seed: int) -> None:
        self.stage = stage
        self.broker = broker
        self.rng = Random(seed)
        self.orders: list[Order] = []

    async def play(self) -> None:
        """Orders, changes, cancels and a moving price, with tricks in between; refusals and doubts are part of it."""
        for number in range(ACTIONS):
            if self.rng.random() < 0.2:
                self.stage.venue.arm(self.rng.choice(TRICKS))
            with contextlib.suppress(AmbiguousOutcomeError, RejectedByBrokerError, UnavailableError):
                await self._act(number)

    async def _act(self, number: int) -> None:
        rng = self.rng
        deed = rng.choice(("order", "order", "change", "cancel", "move", "cut") if self.orders else ("order",))
        if deed == "order":
            order = limit_order(self.stage, f"d-{number}", Side.BUY, str(rng.randint(1, 9)), self._price())
            self.orders.append(order)
            await self.broker.submit([order])
        elif deed == "change":
            order = rng.choice(self.orders)
            wanted = structs.replace(
                order.terms, quantity=Decimal(rng.randint(1, 12)), limit_price=Decimal(self._price())
            )
            await self.broker.replace(order, wanted, f"r-{number}")
        elif deed == "cancel":
            await self.broker.cancel(rng.choice(self.orders), f"c-{number}")
        elif deed == "move":
            bid = Decimal("98.00") + Decimal(rng.randint(0, 200)) / 100
            self.stage.move(str(bid), str(bid + Decimal("0.02")))
        else:
            self.stage.server.stream.cut()

    def _price(self) -> str:
        return f"{98 + self.rng.randint(0, 150) / 100:.2f}"

    def tail(self, key: str) -> DrillOrder | None:
        """What stands for an order at the broker now."""
        order = self.stage.venue.order(NUMBER, client_order_id=key)
        while order is not None and order.status == o.REPLACED:
            order = self.stage.venue.order(NUMBER, venue_order_id=order.replaced_by)
        return order

    def executed(self) -> set[str]:
        """Every execution at the broker, as the outside names it."""
        return {uuid_of(one.execution_id) for one in self.stage.venue.executions(NUMBER)}

    def is_told(self, listener: Listener) -> bool:
        """Whether every execution and every end was heard of."""
        if listener.fills() != self.executed():
            return False
        ends = {o.CANCELED: Kind.CANCEL, o.EXPIRED: Kind.EXPIRE}
        tails = {one.client_order_id: self.tail(one.client_order_id) for one in self.orders}
        return all(
            tail is None or tail.status not in ends or ends[tail.status] in listener.kinds(key)
            for key, tail in tails.items()
        )


@pytest.mark.covers("F05", "F06", "F08", "F09", "F10", "F11", "F15", "O5")
@pytest.mark.parametrize("seed", range(100 if IS_NIGHT else 2))
async def test_after_a_stormy_day_everything_that_is_so_was_told_once(seed: int) -> None:
    async with alpaca_stage() as stage:
        broker = stage.broker()
        await broker.connect()
        await broker.open_account(stage.account)
        patient = broker._rest._settings
        broker._rest._settings = structs.replace(patient, connect_s=0.1, answer_s=0.2, dead_s=0.0)
        listener, day = Listener(broker), Day(stage, broker, seed)
        listening = spawn(listener.run(), name="listener")
        stage.server.rest.plan = FaultPlan.draw(seed, STORM, most=0.15)
        stage.server.stream.weather = Weather(
            drop=day.rng.choice((0.0, 0.8)), copies=day.rng.choice((0, 3)), window_s=0.2
        )
        await day.play()
        stage.server.rest.plan.calm()
        stage.server.stream.weather = FAIR
        stage.venue.disarm()
        broker._rest._settings = patient
        async with asyncio.timeout(PATIENCE_S):
            while not day.is_told(listener):
                assert not listening.done()
                await asyncio.sleep(0.02)
        await agrees(day, broker)
        told = [one.fill.fill_id for one in listener.heard if one.fill is not None]
        assert set(told) == day.executed()
        assert set(stage.server.posts.values()) <= {1}
        assert stage.server.complaints == []
        listening.cancel()
        await asyncio.wait((listening,))
        await broker.close()


async def agrees(day: Day, broker: AlpacaBroker) -> None:
    """Each order as asked for is what Alpaca holds, with all that its earlier selves executed."""
    bought = {one.client_order_id: Decimal(0) for one in day.orders}
    for fill in await broker.fetch_fills("alpaca", 0):
        bought[fill.client_order_id] += fill.quantity
    for order in day.orders:
        tail, shown = day.tail(order.client_order_id), await broker.fetch_order("alpaca", order.client_order_id)
        if tail is None or tail.status == o.REJECTED:
            assert shown is None
            continue
        assert shown is not None
        assert (shown.filled_quantity, shown.terms.limit_price) == (bought[order.client_order_id], tail.limit_price)
        assert shown.status in (tail.status, "PARTIALLY_FILLED")
