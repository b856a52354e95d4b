"""Order lines read with the client's own look-ups, for whoever has no screen."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.actions.orderline import OrderContext, ParsedOrder, read_order_line
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

SOURCE = "demo"


async def read_line(client: EngineClient, line: str) -> ParsedOrder:
    """The order a line says now.

    Raises:
        InvalidValueError: it says none.
    """
    reading = read_order_line(line, await _context(client))
    if reading.order is None:
        raise InvalidValueError(f"{line!r} is not a whole order: {next(iter(reading.errors), 'it is not finished')}")
    return reading.order


def as_command(order: ParsedOrder) -> SubmitOrder:
    """The order as a request under an id of its own."""
    return order.command(new_id("C"), source=SOURCE)


async def _context(client: EngineClient) -> OrderContext:
    instruments: dict[str, Instrument] = {}
    for one in await client.instruments():
        instruments[one.instrument_id] = instruments[one.symbol] = one
    quotes: dict[str, Quote] = {one.instrument_id: one for one in await client.quotes()}
    held = {one.instrument_id: one.quantity for one in await client.positions()}
    view = await client.account()
    return OrderContext(
        account_id=view.account.account_id,
        resolve=instruments.get,
        quote=quotes.get,
        position=lambda key: held.get(key, Decimal(0)),
        equity=view.equity,
    )
