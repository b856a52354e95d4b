"""`!!` on a real head while the engine stands still: the latch holds at once, and when the engine goes on it cancels."""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from tests.system.pane import Pane
from tests.system.process import EngineProcess
from tests.system.test_terminal import LIVE

OPEN = ("--at", "2026-11-20 11:00")
WAIT_S = 30.0
KEY = "BRAKE-RESTS"


@pytest.mark.covers("F16", "R14")
@pytest.mark.timeout(120)
def test_a_head_halts_an_engine_that_hangs(home: Path) -> None:
    with EngineProcess(home, OPEN) as engine, Pane(home) as terminal:
        with engine.client() as client:
            low = client.quotes(("F.XNYS",))[0].bid - 1
            terms = OrderTerms(
                account_id="main",
                instrument_id="F.XNYS",
                side=Side.BUY,
                quantity=Decimal(5),
                order_type=OrderType.LIMIT,
                limit_price=low,
            )
            client.submit_order(SubmitOrder(client_order_id=KEY, terms=terms))
            assert wait_until(lambda: client.order(KEY).status is OrderStatus.ACCEPTED, WAIT_S)
        terminal.sp(home)
        terminal.until(r"Enter begin")
        terminal.press("Enter")
        terminal.until(*LIVE, r"Working 1 ")
        os.kill(engine.pid, signal.SIGSTOP)
        try:
            terminal.press("!", "!")
            terminal.until(r"PAPER +HALTED")
            assert engine.paths.latch.exists()
        finally:
            os.kill(engine.pid, signal.SIGCONT)
        terminal.until(r"PAPER +HALTED", r"Working 0 ")
        with engine.client() as client:
            assert wait_until(lambda: client.order(KEY).status is OrderStatus.CANCELED, WAIT_S)
            assert client.halt_view().state is TradingState.HALTED
