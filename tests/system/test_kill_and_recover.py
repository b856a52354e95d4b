"""The real daemon is SIGKILLed under order flow while the venue's process lives on: nothing lost, nothing sent twice."""

from __future__ import annotations

import os
import random
import threading
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError, NotFoundError, StockPulseError, UnavailableError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from tests.system.process import EngineProcess

NIGHT = os.environ.get("STOCKPULSE_NIGHT") == "1"
KILLS = 100 if NIGHT else 10
SETTLE_S = 20.0
WITNESS_S = 60.0
"""How long the venue may take to bear witness: a busy machine is no finding."""
MOST, PACE_S = 5_000, 0.015
"""Orders in one list, and the pause between two questions: the door takes 100 a second."""
SYMBOLS = ("AAPL.XNAS", "MSFT.XNAS", "F.XNYS", "INTC.XNAS")


class Flow:
    """Sends orders until told to stop, and remembers what the engine acknowledged."""

    def __init__(self, engine: EngineProcess, seed: int) -> None:
        self._engine = engine
        self._rng = random.Random(seed)
        self._stop = threading.Event()
        self._seed = seed
        self._sent = 0
        self.acknowledged: set[str] = set()
        self.attempted: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def stop(self) -> None:
        """End and wait for the last request."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        with self._engine.client() as client:
            while not self._stop.is_set():
                self._send_one(client)

    def _send_one(self, client: BlockingClient) -> None:
        command = self._command()
        self.attempted.add(command.client_order_id)
        try:
            client.submit_order(command)
        except DeniedError:
            self.acknowledged.add(command.client_order_id)
        except (UnavailableError, ConnectionError):
            self._stop.wait(0.02)
        except StockPulseError:
            self._stop.wait(0.01)
        else:
            self.acknowledged.add(command.client_order_id)

    def _command(self) -> SubmitOrder:
        self._sent += 1
        side = self._rng.choice((Side.BUY, Side.SELL))
        is_market = self._rng.random() < 0.6
        terms = OrderTerms(
            account_id="main",
            instrument_id=self._rng.choice(SYMBOLS),
            side=side,
            quantity=Decimal(self._rng.randint(1, 9)),
            order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
            limit_price=None if is_market else Decimal(1),
        )
        return SubmitOrder(client_order_id=f"K{self._seed}-{self._sent:05d}", terms=terms, allow_duplicate=True)


def open_orders(client: BlockingClient) -> int:
    """Orders whose fate is still open, resting ones left out."""
    waiting = (OrderStatus.SUBMITTED, OrderStatus.PENDING_CANCEL)
    return sum(order.status in waiting or order.is_unknown for order in client.orders("all", limit=MOST))


def known_of(client: BlockingClient, attempted: set[str]) -> set[str]:
    """The ids the engine has an order of: from one list, and what a night makes beyond it one by one."""
    known = {order.client_order_id for order in client.orders("all", limit=MOST)}
    door = threading.Event()
    for key in attempted - known:
        door.wait(PACE_S)
        with suppress(NotFoundError):
            known.add(client.order(key).client_order_id)
    return known


async def venue_counts(engine: EngineProcess, ids: set[str]) -> dict[str, int]:
    """How many orders the venue ever made for each id: the witness."""
    broker = PaperBroker(engine.paths.venue_socket("sim"), WallClock(), answer_s=WITNESS_S)
    await broker.connect()
    try:
        return {key: (await broker.count_orders(key))[0] for key in ids}
    finally:
        await broker.close()


@pytest.mark.covers("F13", "F33", "F34", "O5")
@pytest.mark.timeout(60 + 10 * KILLS)
async def test_ten_kills_under_order_flow_lose_nothing_and_send_nothing_twice(home: Path) -> None:
    rng = random.Random(11)
    acknowledged: set[str] = set()
    attempted: set[str] = set()
    with EngineProcess(home) as engine:
        for kill in range(KILLS):
            flow = Flow(engine, kill)
            flow.start()
            threading.Event().wait(rng.uniform(0.05, 0.6))
            engine.kill()
            flow.stop()
            acknowledged |= flow.acknowledged
            attempted |= flow.attempted
            with engine.start() as client:
                assert wait_until(lambda: not open_orders(client), SETTLE_S), "every fate is found out"
        with engine.client() as client:
            known = known_of(client, attempted)
            assert client.verify_log().is_ok
            assert client.health().kills_survived == KILLS
            account = client.account()
        counts = await venue_counts(engine, attempted)
    assert acknowledged, "the flow got through at all"
    assert not acknowledged - known, "every acknowledged command is still there"
    assert max(counts.values()) == 1, "at most one venue order per intent"
    assert not account.differences, "our cash and holdings are the venue's"
    ghosts = [key for key, count in counts.items() if count and key not in known]
    assert not ghosts, "nothing reached the venue that the journal does not know"
