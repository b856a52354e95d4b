"""The Interactive Brokers adapter keeps the broker contract, over a real socket to a stand-in of a TWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.broker_contract import BrokerContract
from tests.contract.tws_stage import TwsStage, tws_stage


@pytest.fixture
async def stage(sandbox: Path) -> AsyncIterator[TwsStage]:
    """A TWS of its own for each case."""
    async with tws_stage(sandbox / "ids") as made:
        yield made


class TestIbkr(BrokerContract):
    """Every case of the contract."""
