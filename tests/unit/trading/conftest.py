"""A running order service for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.order_desk import OrderDesk


@pytest.fixture
async def desk() -> AsyncIterator[OrderDesk]:
    """Recovered, joined, one account open."""
    desk = await OrderDesk().start()
    yield desk
    await desk.crash()
