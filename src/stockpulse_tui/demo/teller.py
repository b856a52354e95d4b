"""What every chapter needs: saying a page, doing an act and finding out what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.errors import DeniedError, StockPulseError
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_tui.demo.lines import as_command, read_line
from stockpulse_tui.demo.pace import MarketPace
from stockpulse_tui.demo.plan import Plan
from stockpulse_tui.demo.stage import WIDEST_PAGE, Stage

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

ASK_S, MAX_ASKS = 0.1, 300


class Teller:
    """Knows the plan, the stage and the engine's client. `problems` lists what did not come out as told."""

    def __init__(self, client: EngineClient, stage: Stage, plan: Plan) -> None:
        self.client = client
        self.stage = stage
        self.plan = plan
        self.pace = MarketPace(client, stage)
        self.next_ns = 0
        """The next event that the market must not pass while the reader reads."""
        self.entry: Order | None = None
        """The order the story is about."""
        self.problems: list[str] = []

    async def say(self, text: str) -> None:
        """A page that is read before anything else happens."""
        await self.note(text)
        await self.pace.read_until(self.next_ns)

    async def note(self, text: str) -> None:
        """A page that is read while something happens."""
        await self.stage.tell(text if len(text) <= WIDEST_PAGE else f"{text[: WIDEST_PAGE - 1]}…")

    def expect(self, holds: bool, what: str) -> None:
        """Keep in mind what did not come out as told; the story goes on."""
        if not holds:
            self.problems.append(what)

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Ask until it holds, boundedly."""
        for _ in range(MAX_ASKS):
            try:
                if await holds():
                    return
            except StockPulseError:  # it may be starting, or not know of it yet: asked again
                pass
            await asyncio.sleep(ASK_S)
        self.problems.append(what)

    async def last(self, instrument_id: str) -> Decimal:
        """Its last price."""
        quote = (await self.client.quotes((instrument_id,)))[0]
        return quote.last if quote.last is not None else quote.bid

    async def working(self) -> list[Order]:
        """Orders that may still execute."""
        return [one for one in await self.client.orders("working") if one.is_open]

    async def send(self, line: str) -> Order | None:
        """Have a line sent and find the order it became, None when there is none."""
        known = frozenset(one.client_order_id for one in await self.client.orders("today"))
        await self.stage.order(line)
        made: list[Order] = []

        async def is_there() -> bool:
            orders = await self.client.orders("today")
            new = [one for one in orders if one.client_order_id not in known and not one.parent_id]
            made.extend(one for one in new[:1] if one.status is not OrderStatus.SUBMITTED)
            return bool(made)

        await self.until(is_there, f"no order came of {line!r}")
        return made[0] if made else None

    async def refusal(self, line: str) -> str:
        """Send a line straight to the engine, as a program would; the code it is refused with, "" when it is taken."""
        try:
            await self.client.submit_order(as_command(await read_line(self.client, line)))
        except DeniedError as error:
            return error.denial
        return ""
