"""The watchdog beside a real engine that hangs, dies, comes back or stops in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.alarmlog import read_alarms
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from tests.system.process import EngineProcess

pytestmark = pytest.mark.timeout(120)
OPEN = ("--at", "2026-11-20 11:00")
WAIT_S = 30.0


@pytest.fixture
def engine(home: Path) -> Iterator[EngineProcess]:
    """An engine whose watchdog cancels entries soon."""
    config = home / "config"
    config.mkdir()
    heard = home / "heard"
    command = f"sh -c 'echo \"$0\" >> {heard}'"
    (config / "stockpulse.toml").write_text(
        f'[watchdog]\nsilent_s = 3\npaper = "cancel-entries"\ncommand = """{command}"""\n', encoding="utf-8"
    )
    with EngineProcess(home, OPEN) as running:
        assert wait_until(lambda: running.watchdog_pid > 0, WAIT_S)
        yield running


def buy(key: str, price: Decimal) -> SubmitOrder:
    """Rests far below the market."""
    terms = OrderTerms(
        account_id="main",
        instrument_id="F.XNYS",
        side=Side.BUY,
        quantity=Decimal(5),
        order_type=OrderType.LIMIT,
        limit_price=price,
    )
    return SubmitOrder(client_order_id=key, terms=terms)


def rest_one(client: BlockingClient, key: str) -> None:
    """An order that works at the venue."""
    client.submit_order(buy(key, client.quotes(("F.XNYS",))[0].bid - 1))
    assert wait_until(lambda: client.order(key).status is OrderStatus.ACCEPTED, WAIT_S)


def kinds(engine: EngineProcess) -> list[str]:
    """What it has said so far."""
    return [alarm.kind for alarm in read_alarms(engine.paths.alarms)]


@pytest.mark.covers("F24", "O7", "O8")
def test_a_hung_engine_is_alarmed_its_entries_are_canceled_and_it_wakes_up_halted(
    engine: EngineProcess, home: Path
) -> None:
    with engine.client() as client:
        rest_one(client, "HUNG-1")
        os.kill(engine.pid, signal.SIGSTOP)
        try:
            assert wait_until(lambda: "acted" in kinds(engine), WAIT_S), kinds(engine)
            assert kinds(engine) == ["hang", "acted"]
            assert engine.paths.latch.exists(), "set before anything was canceled"
        finally:
            os.kill(engine.pid, signal.SIGCONT)
        assert wait_until(lambda: client.order("HUNG-1").status is OrderStatus.CANCELED, WAIT_S)
        with suppress(StockPulseError):
            client.submit_order(buy("HUNG-2", client.quotes(("F.XNYS",))[0].bid - 1))
        sent = [order for order in client.orders("all") if order.client_order_id == "HUNG-2"]
        assert all(order.status is OrderStatus.DENIED for order in sent), "nothing leaves behind the latch"
        assert client.halt_view().state is TradingState.HALTED
        assert wait_until(lambda: kinds(engine)[-1] == "back", WAIT_S)
    assert "1 canceled, 0 kept" in (home / "heard").read_text(encoding="utf-8"), "the owner's command was run"


@pytest.mark.covers("F24")
def test_a_dead_engine_is_alarmed_and_the_next_one_finds_the_order_canceled(engine: EngineProcess) -> None:
    with engine.client() as client:
        rest_one(client, "DEAD-1")
    watchdog = engine.watchdog_pid
    engine.kill()
    assert wait_until(lambda: "acted" in kinds(engine), WAIT_S), kinds(engine)
    assert kinds(engine) == ["death", "acted"]
    assert wait_until(lambda: engine.watchdog_pid == 0, WAIT_S), "its work is done"
    with engine.start() as client:
        assert client.order("DEAD-1").status is OrderStatus.CANCELED
        assert wait_until(lambda: engine.watchdog_pid not in {0, watchdog}, WAIT_S)


def test_a_watchdog_that_dies_is_started_again_and_leaves_with_its_engine(engine: EngineProcess) -> None:
    first = engine.watchdog_pid
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: engine.watchdog_pid not in {0, first}, WAIT_S)
    assert engine.sp("engine", "stop").returncode == 0
    assert wait_until(lambda: engine.watchdog_pid == 0, WAIT_S)
    assert kinds(engine) == [], "an ordered stop is no alarm"


def test_the_command_line_says_what_it_does_and_tries_the_alarm(engine: EngineProcess, home: Path) -> None:
    told = engine.sp("watchdog", "status").stdout
    assert "after           3 s" in told
    assert f"process {engine.watchdog_pid}, engine {engine.pid}" in told
    assert engine.sp("watchdog", "alarms").stdout.startswith("The watchdog has never")
    assert engine.sp("watchdog", "test").returncode == 0
    assert "A test of the alarm" in engine.sp("watchdog", "alarms").stdout
    assert "A test of the alarm" in (home / "heard").read_text(encoding="utf-8")
