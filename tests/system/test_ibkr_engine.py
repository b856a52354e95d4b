"""A real engine trades through a stand-in TWS, is killed in mid-order and comes back to a counter that went back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client import calls
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.wire.rest import AdoptAccount
from tests.fakes.tws_thread import BTC, TwsThread
from tests.fakes.yahoo_thread import Coin, YahooThread
from tests.system.process import EngineProcess

WAIT_S = 60.0
NAME = "practice"


@pytest.fixture
def tws() -> Iterator[TwsThread]:
    with TwsThread("100.00", held="2") as running:
        yield running
        assert running.server.complaints == []


@pytest.fixture
def engine(tws: TwsThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    """In the live world, with a market outside and one gateway on this machine."""
    with YahooThread(Coin("BTC-USD", 100.0, 1_000_000)) as outside:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO_URL", outside.server.url)
        monkeypatch.setenv("STOCKPULSE__MARKET__SYMBOLS", "BTC-USD")
        monkeypatch.setenv("STOCKPULSE__MARKET__POLL_S", "1")
        process = EngineProcess(tmp_path / "home", ["--world", "live"])
        words = ("broker", "add", NAME, "--adapter", "ibkr", "--kind", "paper", "--port", str(tws.server.port))
        added = process.sp(*words, "--unchecked")
        assert added.returncode == 0, added.stderr
        with process:
            yield process


def limit(price: str) -> OrderTerms:
    return OrderTerms(
        account_id=NAME,
        instrument_id=BTC,
        side=Side.BUY,
        quantity=Decimal(3),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(price),
        time_in_force=TimeInForce.GTC,
    )


def unlock(engine: EngineProcess) -> None:
    with engine.client("admin") as client:
        (view,) = client.send(calls.unlock_brokers((NAME,), ""))
        assert view.state == "joined"


def shown(client: BlockingClient, key: str) -> tuple[OrderStatus, Decimal, bool]:
    order = client.order(key)
    return order.status, order.filled_quantity, order.is_unknown


def matches(client: BlockingClient, cash: str, held: str) -> bool:
    """Whether our books say what the broker's do."""
    view = client.account(NAME)
    positions = {one.instrument_id: one.quantity for one in client.positions(NAME)}
    return view.cash == Decimal(cash) and positions == {BTC: Decimal(held)}


def is_compared(client: BlockingClient) -> bool:
    """Whether the books were found equal, and nothing is open between them."""
    (stand,) = client.send(calls.reconciliation(NAME))
    return (stand.is_clean, stand.is_open) == (True, False)


@pytest.mark.covers("F04", "F25", "O4", "O5")
def test_an_order_under_way_survives_the_engines_death(engine: EngineProcess, tws: TwsThread) -> None:
    unlock(engine)
    with engine.client("admin") as client:
        client.send(calls.adopt_account(AdoptAccount(request_id="A1", account_id=NAME, broker=NAME)))
        assert matches(client, "100000", "2"), "the account is taken over with what it holds"
        assert wait_until(lambda: is_compared(client), WAIT_S)
        client.submit_order(SubmitOrder(client_order_id="first", terms=limit("98.00")))
        assert wait_until(lambda: shown(client, "first")[0] is OrderStatus.ACCEPTED, WAIT_S)
        tws.server.manners.is_mute = True
        client.submit_order(SubmitOrder(client_order_id="second", terms=limit("97.00")))
        assert wait_until(lambda: tws.venue.count_requests("second") == 1, WAIT_S)
    engine.kill()
    tws.move("97.50")  # the first is executed while nobody looks
    tws.server.manners.is_mute, tws.server.manners.next_id = False, 1

    engine.start().close()
    unlock(engine)
    with engine.client("admin") as client:
        assert wait_until(lambda: shown(client, "first") == (OrderStatus.FILLED, Decimal(3), False), WAIT_S)
        assert wait_until(lambda: shown(client, "second") == (OrderStatus.ACCEPTED, Decimal(0), False), WAIT_S)
        assert wait_until(lambda: is_compared(client), WAIT_S)
        client.submit_order(SubmitOrder(client_order_id="third", terms=limit("96.00")))
        assert wait_until(lambda: shown(client, "third")[0] is OrderStatus.ACCEPTED, WAIT_S)
        tws.move("96.50")
        assert wait_until(lambda: shown(client, "second")[:2] == (OrderStatus.FILLED, Decimal(3)), WAIT_S)
        assert wait_until(lambda: matches(client, "99415", "8"), WAIT_S)
        assert is_compared(client)
    assert [tws.venue.count_requests(key) for key in ("first", "second", "third")] == [1, 1, 1]
