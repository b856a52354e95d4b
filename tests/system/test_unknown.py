"""UNKNOWN on a real engine: the venue's process hangs with an order on its way, everybody says so, and it is found out.

The venue is stopped with SIGSTOP: its line stays up and nobody answers, which is worse than a line that is lost. What
was sent waits in its socket; when it goes on the order is made there, once, however often it was asked about.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from tests.system.pane import Pane
from tests.system.process import EngineProcess
from tests.system.test_kill_and_recover import venue_counts

WAIT_S = 30.0
OPEN = ("--at", "2026-11-20 11:00")
KEYS = ("DRILL-MARKET", "DRILL-LIMIT")


@pytest.fixture
def engine(home: Path) -> Iterator[EngineProcess]:
    """A real engine with its venue, in a session."""
    with EngineProcess(home, OPEN) as running:
        yield running


@contextmanager
def hung_venue(engine: EngineProcess) -> Iterator[None]:
    """The venue's process stands still for as long as the block runs."""
    (pid,) = engine.venue_pids
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def send_both(client: BlockingClient) -> None:
    """One order that fills and one that rests."""
    bid = client.quotes(("F.XNYS",))[0].bid
    for key, price in zip(KEYS, (None, bid - 1), strict=True):
        terms = OrderTerms(
            account_id="main",
            instrument_id="F.XNYS",
            side=Side.BUY,
            quantity=Decimal(5),
            order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
            limit_price=price,
        )
        client.submit_order(SubmitOrder(client_order_id=key, terms=terms))


def unknown(client: BlockingClient) -> set[str]:
    return {order.client_order_id for order in client.orders("unknown")}


def state_of(client: BlockingClient, part: str) -> tuple[str, str]:
    return next((one.state, one.detail) for one in client.health().parts if one.name == part)


@pytest.mark.covers("F01", "F07")
@pytest.mark.timeout(180)
async def test_no_answer_is_unknown_everywhere_until_the_venue_proves_it(engine: EngineProcess) -> None:
    client = engine.client()
    with hung_venue(engine):
        send_both(client)
        assert wait_until(lambda: unknown(client) == set(KEYS), WAIT_S), "no answer is not a no"
        account = client.account()
        assert account.unknown_orders == 2
        bid = client.quotes(("F.XNYS",))[0].bid
        assert account.reserved > 5 * (bid + bid - 1) / 2, "both are counted as if they filled, at 50 % margin"
        assert wait_until(lambda: state_of(client, "broker")[0] == "late", WAIT_S), "an open line is no sign of life"
        assert wait_until(lambda: state_of(client, "feed") == ("late", "silent"), WAIT_S)
        assert client.health().status == "degraded"
        told = engine.sp("orders", "--unknown")
        assert told.stdout.count("! UNKNOWN (last SUBMITTED)") == 2
        assert "2 orders are UNKNOWN" in told.stderr
        why = engine.sp("why", KEYS[0]).stdout
        assert "The venue gave no definite answer" in why
        assert "never sent again" in why
    assert wait_until(lambda: not unknown(client), WAIT_S)
    assert wait_until(lambda: client.order(KEYS[0]).status is OrderStatus.FILLED, WAIT_S)
    assert client.order(KEYS[1]).status is OrderStatus.ACCEPTED
    assert wait_until(lambda: (state_of(client, "broker")[0], state_of(client, "feed")[0]) == ("ok", "ok"), WAIT_S)
    assert await venue_counts(engine, set(KEYS)) == dict.fromkeys(KEYS, 1)
    assert client.account().differences == ()
    assert client.positions()[0].quantity == 5
    client.close()


@pytest.mark.covers("F01", "F34")
@pytest.mark.timeout(180)
def test_an_engine_killed_while_an_order_is_unknown_asks_again_at_its_next_start(engine: EngineProcess) -> None:
    client = engine.client()
    with hung_venue(engine):
        send_both(client)
        assert wait_until(lambda: unknown(client) == set(KEYS), WAIT_S)
        client.close()
        engine.kill()
    client = engine.start()
    assert wait_until(lambda: not unknown(client), WAIT_S)
    assert wait_until(lambda: client.order(KEYS[0]).status is OrderStatus.FILLED, WAIT_S)
    assert client.order(KEYS[1]).status is OrderStatus.ACCEPTED
    assert client.account().differences == ()
    client.close()


@pytest.mark.timeout(180)
def test_the_head_says_unknown_in_header_blotter_life_and_health(engine: EngineProcess, home: Path) -> None:
    with Pane(home) as terminal:
        terminal.sp(home)
        terminal.until(r"Enter begin")
        terminal.press("Enter")
        terminal.until(r"● feed", r"SPY +\d+\.\d\d", r"UNKNOWN 0")
        with hung_venue(engine):
            with engine.client() as client:
                send_both(client)
            terminal.until(r"! UNKNOWN 2 ", r"! feed silent \d", r"! broker silent \d")
            terminal.press("5")
            terminal.until(r"! UNKNOWN +broker \?", r"unknown since \d\d:\d\d:\d\d", r"never resent")
            terminal.press("u")
            terminal.until(r"UNKNOWN 2", r"no answer +The venue gave no definite answer")
        terminal.until(r"No unknown orders", r"● broker", r"● feed", gone=r"UNKNOWN [1-9]")
        terminal.press("u")
        terminal.until(r"Working 1 ", r"BUY +5 +F ")
