"""What tests do with the Alpaca adapter at its stand-in: join it, wait for its words, execute orders by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEventKind
from tests.contract.broker_contract import Watcher, bracket
from tests.fakes.alpaca_stand import NUMBER, AlpacaStage

PATIENCE_S = 30.0
Kind = OrderEventKind


async def joined(stage: AlpacaStage, **more: float) -> AlpacaBroker:
    """A new adapter, ready."""
    made = stage.broker(None, **more)
    await made.connect()
    await made.open_account(stage.account)
    return made


def hurry(broker: AlpacaBroker, **more: float) -> None:
    """From now on it waits for an answer as long as a test likes to; whoever judges asks with patience."""
    given = {"connect_s": 0.1, "answer_s": 0.3, **more}
    broker._rest._settings = structs.replace(broker._rest._settings, **given)


def is_order(request: object) -> bool:
    return getattr(request, "method", "") == "POST"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def gather(watcher: Watcher, is_enough: Callable[[], bool]) -> None:
    """Read reports until there are enough."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_enough():
            watcher.seen += await anext(watcher._stream)


def fills(watcher: Watcher) -> list[Fill]:
    return [one.fill for one in watcher.seen if one.fill is not None]


def partly(stage: AlpacaStage, order_id: str, share: str) -> None:
    """Execute part of an order, and tell it."""
    order = stage.venue.order(NUMBER, client_order_id=order_id)
    assert order is not None
    assert order.limit_price is not None
    stage.venue._execute(stage.venue._own(NUMBER, order.venue_order_id), Decimal(share), order.limit_price)
    stage.server.tell()


async def gather_until(watcher: Watcher, condition: Callable[[], bool]) -> None:
    """Go on listening, though nothing more is said, until something has happened."""
    reading = asyncio.ensure_future(anext(watcher._stream))
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)
            if reading.done():
                watcher.seen += reading.result()
                reading = asyncio.ensure_future(anext(watcher._stream))
    reading.cancel()
    await asyncio.wait((reading,))


def named_bracket(stage: AlpacaStage, key: str) -> Sequence[Order]:
    """With exits named as the order service names them."""
    entry, take, stop = bracket(stage, key, "10", take="100.40", stop="99.00")
    return entry, structs.replace(take, client_order_id=f"{key}-T"), structs.replace(stop, client_order_id=f"{key}-S")
