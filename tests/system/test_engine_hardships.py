"""What would make a trader furious: a forgotten flatten, an account without a day, a full disk that nobody mentions."""

from __future__ import annotations

import asyncio
import resource
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
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


@pytest.mark.covers("F29", "O8")
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is set the Linux way")
def test_a_disk_that_takes_no_more_is_said_and_cancels_still_leave(tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "home", OPEN) as engine:
        client = engine.client()
        quote = client.quotes(("AAPL.XNAS",))[0]
        buy(client, "AAPL.XNAS", limit_price=quote.bid - 3)
        assert wait_until(lambda: client.orders("working")[0].status is OrderStatus.ACCEPTED, WAIT_S)
        kept = client.orders("working")[0].client_order_id
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(UnavailableError, match="journal"):
            buy(client, "AAPL.XNAS")
        assert wait_until(lambda: state_of(client, "journal") == "gone", WAIT_S)
        assert client.health().status == "degraded"
        client.cancel_order(kept)
        assert wait_until(lambda: asyncio.run(open_at_venue(engine)) == 0, WAIT_S), (
            "it cannot be recorded, but it leaves"
        )
        client.close()
        engine.kill()
        client = engine.start()
        assert wait_until(lambda: not client.orders("working"), WAIT_S)
        assert client.order(kept).status is OrderStatus.CANCELED
        assert (state_of(client, "journal"), client.verify_log().is_ok) == ("ok", True)
        client.close()


async def open_at_venue(engine: EngineProcess) -> int:
    """The venue's own count of open orders."""
    broker = PaperBroker(engine.paths.venue_socket("sim"), WallClock())
    await broker.connect()
    try:
        return len(await broker.fetch_open_orders("main"))
    finally:
        await broker.close()


def state_of(client: BlockingClient, part: str) -> str:
    return next(one.state for one in client.health().parts if one.name == part)


def buy(client: BlockingClient, instrument_id: str, *, limit_price: Decimal | None = None) -> None:
    terms = OrderTerms(
        account_id="main",
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=Decimal(20),
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        limit_price=limit_price,
    )
    client.submit_order(SubmitOrder(client_order_id=new_id(), terms=terms))


def has_day(client: BlockingClient, account_id: str) -> bool:
    try:
        return client.day(account_id) is not None
    except NotFoundError:
        return False
