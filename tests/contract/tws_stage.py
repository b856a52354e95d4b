"""A stand-in of a TWS with one account and one share, and the real adapter that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from stockpulse_engine.adapters.ibkr.broker import IbkrBroker
from stockpulse_engine.adapters.ibkr.build import build
from stockpulse_engine.adapters.ibkr.settings import settings_of
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers.ibkr import IBKR_RULES, TwsServer

ACME = "ACME.XNAS"
PATIENCE_S = 20.0
SHOWN = (Decimal("100.00"), Decimal("100.02"))


@dataclass
class TwsStage:
    """Implements `Stage`."""

    server: TwsServer
    account: Account
    folder: Path
    client_id: int = 7
    answer_s: float = PATIENCE_S
    order_s: float = PATIENCE_S
    commission_s: float = PATIENCE_S
    probe_s: float = PATIENCE_S
    number: str = ""
    instrument_id: str = ACME

    def broker(self) -> IbkrBroker:
        config = BrokerConfig(
            name="ib",
            adapter="ibkr",
            kind=AccountKind.PAPER,
            account=self.number,
            port=self.server.port,
            client_id=self.client_id,
        )
        patience = msgspec.structs.replace(
            settings_of(config),
            connect_s=PATIENCE_S,
            retry_s=0.01,
            answer_s=self.answer_s,
            order_s=self.order_s,
            commission_s=self.commission_s,
            probe_s=self.probe_s,
        )
        return build(config, {}, clock=WallClock(), settings=patience, state=self.folder)

    async def swing(self) -> None:
        for price in ("99.50", "100.50"):
            self.server.venue.move(ACME, Decimal(price), Decimal(price))
        self.server.venue.move(ACME, *SHOWN)
        self.server.tell()


@asynccontextmanager
async def tws_stage(folder: Path) -> AsyncIterator[TwsStage]:
    """A TWS of its own; a client that does something wrong fails whoever uses it."""
    clock = WallClock()
    venue = DrillVenue(now=clock.now_ns, seed=1, rules=IBKR_RULES)
    instrument = Instrument(
        instrument_id=ACME, name="Acme", asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
    )
    venue.list_instrument(instrument, *SHOWN, Decimal(500))
    account = Account(
        account_id="drilled",
        kind=AccountKind.PAPER,
        account_type=AccountType.MARGIN,
        currency="USD",
        initial_cash=Decimal(100_000),
    )
    venue.open_account(account.account_id, account.initial_cash)
    server = TwsServer(venue, account.account_id, clock.now_ns)
    await server.start()
    yield TwsStage(server, account, folder)
    await server.stop()
    assert server.complaints == []
