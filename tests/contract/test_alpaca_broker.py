"""The Alpaca adapter keeps the broker contract against a stand-in that checks what it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.broker_contract import BrokerContract
from tests.fakes.alpaca_stand import AlpacaStage, alpaca_stage

pytestmark = pytest.mark.covers("R71")


@pytest.fixture
async def stage() -> AsyncIterator[AlpacaStage]:
    """A broker of its own for each case."""
    async with alpaca_stage() as made:
        yield made
        assert made.server.complaints == []


class TestAlpacaBroker(BrokerContract):
    """Every case of the contract."""
