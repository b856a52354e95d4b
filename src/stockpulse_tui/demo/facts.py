"""What must be the same before and after a crash: orders, positions, cash."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.render.format import format_money, format_quantity

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Sorted, so that equal books compare equal."""

    orders: tuple[tuple[str, str, Decimal], ...]
    """Id, status, filled quantity of every order of the day."""
    positions: tuple[tuple[str, Decimal, Decimal | None], ...]
    """Instrument, quantity, average cost."""
    cash: Decimal
    working: int

    @property
    def held(self) -> str:
        """`51 HD`, or `no position`."""
        texts = [f"{format_quantity(quantity)} {symbol_of(key)}" for key, quantity, _ in self.positions]
        return ", ".join(texts) or "no position"

    @property
    def words(self) -> str:
        """All of it in a few words."""
        return f"{len(self.orders)} orders ({self.working} working), {self.held}, {format_money(self.cash)} cash"


async def read_facts(client: EngineClient) -> Facts:
    """Ask the engine."""
    orders = await client.orders("today")
    positions = await client.positions()
    account = await client.account()
    return Facts(
        orders=tuple(sorted((one.client_order_id, one.status.value, one.filled_quantity) for one in orders)),
        positions=tuple(sorted((one.instrument_id, one.quantity, one.average_cost) for one in positions)),
        cash=account.cash,
        working=sum(is_working(one) for one in orders),
    )


def is_working(order: Order) -> bool:
    """Whether it may still execute."""
    return order.is_open
