"""The strict paper personality keeps the broker contract: the real adapter, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers.paper import MarketClock, PaperServer
from stockpulse_engine.trading.ports import Broker
from tests.contract.broker_contract import BrokerContract

ACME = "ACME.XNAS"
SHOWN = (Decimal("100.00"), Decimal("100.02"))
START_NS = 1_795_190_400_000_000_000


@dataclass
class DrillStage:
    """Implements `Stage`."""

    server: PaperServer
    path: Path
    account: Account
    instrument_id: str = ACME

    def broker(self) -> Broker:
        return PaperBroker(self.path, WallClock())

    async def swing(self) -> None:
        for price in ("99.50", "100.50"):
            self.server.venue.move(ACME, Decimal(price), Decimal(price))
        self.server.venue.move(ACME, *SHOWN)
        self.server.tell()


@pytest.fixture
async def stage(sandbox: Path) -> AsyncIterator[DrillStage]:
    """A broker of its own for each case."""
    clock = MarketClock(WallClock(), START_NS, "2026-11-20")
    venue = DrillVenue(now=clock.now, seed=1)
    instrument = Instrument(
        instrument_id=ACME, name="Acme", asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
    )
    venue.list_instrument(instrument, *SHOWN, Decimal(500))
    server = PaperServer(venue, sandbox / "drill-venue" / "v.sock", clock)
    await server.start()
    account = Account(
        account_id="drilled",
        kind=AccountKind.PAPER,
        account_type=AccountType.MARGIN,
        currency="USD",
        initial_cash=Decimal(100_000),
    )
    yield DrillStage(server, sandbox / "drill-venue" / "v.sock", account)
    await server.close()
    assert all("again" in words for words in server.complaints), "cases send an id twice on purpose, nothing else"


class TestStrictPaper(BrokerContract):
    """Every case of the contract."""
