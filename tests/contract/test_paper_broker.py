"""The paper broker keeps the contract, over a real socket with a real venue process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.trading.ports import Broker
from tests.contract.broker_contract import BrokerContract
from tests.fakes.venue_process import ACME, VenueProcess, start_venue

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def venue(sandbox: Path) -> Iterator[VenueProcess]:
    """One venue for all cases; each case has an account of its own."""
    running = start_venue(sandbox / "paper-contract")
    yield running
    running.stop()


@dataclass
class PaperStage:
    """Implements `Stage`."""

    venue: VenueProcess
    account: Account
    instrument_id: str = ACME

    def broker(self) -> Broker:
        return self.venue.broker()

    async def swing(self) -> None:
        await self.venue.swing()


@pytest.fixture
def stage(venue: VenueProcess) -> PaperStage:
    """An account nobody used before."""
    account = Account(
        account_id=f"paper-{next(_numbers)}",
        kind=AccountKind.PAPER,
        account_type=AccountType.MARGIN,
        currency="USD",
        initial_cash=Decimal(100_000),
    )
    return PaperStage(venue, account)


class TestPaperBroker(BrokerContract):
    """Every case of the contract."""
