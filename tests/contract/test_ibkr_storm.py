"""In any storm of answers an order for Interactive Brokers is sent once, and each execution is told once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from stockpulse_engine.adapters.ibkr.broker import IbkrBroker
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEventKind, Side
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.servers.ibkr import Manners
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.contract.broker_contract import limit_order
from tests.contract.tws_stage import ACME, SHOWN, TwsStage, tws_stage

ORDERS = 12
PATIENCE_S = 60.0
TRICKS = (Trick.PARTIAL, Trick.FILL_AFTER_CANCEL, Trick.BUST, Trick.CORRECT, Trick.FILL_BEFORE_ACK, Trick.ID_ROLLBACK)


class Books:
    """What is known of executions, as a ledger folds them."""

    def __init__(self) -> None:
        self._fills: dict[str, Fill] = {}
        self._names: dict[str, str] = {}
        self._gone: set[str] = set()

    def take(self, reports: list[ExecutionReport]) -> None:
        """Book what is new."""
        for report in reports:
            fill = report.fill
            if fill is None:
                continue
            key = self._names.get(fill.corrects or fill.fill_id, fill.corrects or fill.fill_id)
            if report.kind is OrderEventKind.BUST:
                self._gone.add(key)
            elif fill.fill_id not in self._names:
                self._fills[key] = fill
            self._names[fill.fill_id] = key

    @property
    def held(self) -> Decimal:
        """The position they make."""
        return sum((one.signed_quantity for key, one in self._fills.items() if key not in self._gone), Decimal(0))


def manners(random: Random) -> Manners:
    """Some way of telling things."""
    return Manners(
        repeats=random.randint(0, 4),
        deals_first=random.random() < 0.5,
        skips_status=random.random() < 0.3,
        tells_deals=random.random() < 0.7,
        fee=random.choice((None, Decimal("0.35"))),
        fees_first=random.random() < 0.5,
        next_id=random.choice((0, 1)),
        is_mute=random.random() < 0.15,
    )


async def join(broker: IbkrBroker) -> None:
    """Connect as often as it takes; a line that was just cut may not be known to be."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(UnavailableError, AmbiguousOutcomeError):
                if not broker.is_connected:
                    await broker.connect()
                await broker.fetch_order("", "nothing")
                return


async def trade(stage: TwsStage, broker: IbkrBroker, random: Random, order_id: str) -> None:
    """One order, sent again when nothing is known of it, and sometimes canceled."""
    server = stage.server
    server.manners = manners(random)
    if random.random() < 0.4:
        server.venue.arm(random.choice(TRICKS))
    order = limit_order(stage, order_id, random.choice(list(Side)), "10", random.choice(("99.80", "100.02", "99.00")))
    with suppress(AmbiguousOutcomeError, RejectedByBrokerError, UnavailableError):
        await broker.submit([order])
    if random.random() < 0.3:
        server.cut()
    if random.random() < 0.3:
        server.say(1100, "lost")
        server.say(random.choice((1101, 1102)), "back")
    await join(broker)
    with suppress(AmbiguousOutcomeError, RejectedByBrokerError, UnavailableError):
        await broker.submit([order])  # whoever is careless: it must stay one
        if random.random() < 0.4:
            await broker.cancel(order, f"{order_id}-cancel")
    if random.random() < 0.5:
        await stage.swing()


@pytest.mark.covers("F01", "F10", "O4")
@pytest.mark.parametrize("seed", range(8))
async def test_once_sent_and_once_told_whatever_comes(sandbox: Path, seed: int) -> None:
    random, books = Random(seed), Books()
    async with tws_stage(sandbox / f"storm-{seed}") as stage:
        stage.order_s, stage.commission_s = 0.15, 0.01
        broker = stage.broker()
        await broker.connect()
        for number in range(ORDERS):
            await trade(stage, broker, random, f"storm-{number}")
        stage.server.manners = Manners(fee=Decimal("0.35"))
        stage.server.venue.disarm()
        stage.server.venue.move(ACME, *SHOWN)
        stage.server.tell()
        truth = stage.server.venue.account(stage.account.account_id).positions.get(ACME)
        held = truth.quantity if truth is not None else Decimal(0)
        await join(broker)
        stream = broker.reports(0)
        async with asyncio.timeout(PATIENCE_S):
            books.take(list(await anext(stream)))
            while books.held != held:
                books.take(list(await anext(stream)))
        sent = [stage.server.venue.count_requests(f"storm-{number}") for number in range(ORDERS)]
        assert max(sent) <= 1
        await broker.close()
