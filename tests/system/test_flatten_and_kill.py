"""What a trader would be furious about: a flatten that a crash forgets, and an account without a day."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.wire.rest import OpenAccount
from tests.system.process import EngineProcess

WAIT_S = 20.0
OPEN = ("--at", "2026-11-20 11:00")


def test_a_flatten_goes_on_after_a_kill_and_ends_halted(tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "home", OPEN) as engine:
        client = engine.client()
        assert client.account().reconciled_at > 0, "compared with the venue when it was opened"
        for symbol in ("AAPL.XNAS", "MSFT.XNAS"):
            buy(client, symbol)
        assert wait_until(lambda: len(client.positions()) == 2, WAIT_S)
        client.control_market("pause")
        client.set_halt("flatten", word="FLATTEN")
        client.close()
        engine.kill()
        client = engine.start()
        assert client.halt_view().flattening == ("AAPL.XNAS", "MSFT.XNAS")
        client.control_market("resume")
        assert wait_until(lambda: client.halt_view().state is TradingState.HALTED, WAIT_S)
        assert (client.halt_view().reason, client.positions()) == ("flat", [])
        sold = [order for order in client.orders("all") if order.terms.side is Side.SELL and order.filled_quantity]
        assert sorted(order.terms.instrument_id for order in sold) == ["AAPL.XNAS", "MSFT.XNAS"]
        assert all(order.status is OrderStatus.FILLED for order in sold)
        client.close()


def test_an_account_opened_in_the_middle_of_a_session_has_its_day(tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "home", OPEN) as engine:
        admin = engine.client("admin")
        admin.open_account(OpenAccount(request_id=new_id(), account_id="second", account_type="CASH"))
        assert wait_until(lambda: has_day(admin, "second"), WAIT_S)
        day = admin.day("second")
        assert (day.equity_open, day.session_date) == (Decimal(100_000), admin.clock().session_date)
        admin.close()


def buy(client: BlockingClient, instrument_id: str) -> None:
    terms = OrderTerms(
        account_id="main",
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=Decimal(20),
        order_type=OrderType.MARKET,
    )
    client.submit_order(SubmitOrder(client_order_id=new_id(), terms=terms))


def has_day(client: BlockingClient, account_id: str) -> bool:
    try:
        return client.day(account_id) is not None
    except NotFoundError:
        return False
