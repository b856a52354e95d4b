"""Orders that go on while things break: small, at random, some to fill and some to rest and be canceled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.drill.stage import Stage

EVERY_S = 0.12
RESTING = 3
"""Orders left to rest before the oldest is canceled."""
_AWAY = Decimal("0.97")
_CENT = Decimal("0.01")


@asynccontextmanager
async def order_flow(stage: Stage) -> AsyncIterator[None]:
    """Orders flow for as long as the block runs; the last one was answered when it ends."""
    stop = asyncio.Event()
    task = spawn(_flow(stage, stop), name="drill flow")
    try:
        yield
    finally:
        stop.set()
        await task


async def _flow(stage: Stage, stop: asyncio.Event) -> None:
    resting: deque[str] = deque()
    while not stop.is_set():
        side = stage.rng.choice((Side.BUY, Side.SELL))
        instrument, quantity = stage.rng.choice(stage.instruments), stage.rng.randint(1, 3)
        if stage.rng.random() < 0.7:  # noqa: PLR2004 - most orders fill
            await stage.send(side, quantity, instrument=instrument, is_quiet=True)
        else:
            bid, _ = stage.venue.quote(instrument)
            limit = (bid * _AWAY / _CENT).to_integral_value() * _CENT
            key = await stage.send(Side.BUY, quantity, instrument=instrument, limit_price=limit, is_quiet=True)
            resting.append(key)
        if len(resting) > RESTING:
            await stage.cancel_quietly(resting.popleft())
        try:
            await asyncio.wait_for(stop.wait(), EVERY_S)
        except TimeoutError:
            continue
