"""The stand-in TWS beside a blocking test, in a loop of its own, with something that trades around the clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import TypeVar

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers.ibkr import IBKR_RULES, TwsServer

T = TypeVar("T")
BTC = "BTC-USD.XXXX"
BOOKS = "books"


class TwsThread:
    """Runs the stand-in; `do` runs a function in its loop, where nothing else happens meanwhile, and tells its news."""

    def __init__(self, price: str, cash: str = "100000", held: str = "0") -> None:
        clock = WallClock()
        self.venue = DrillVenue(now=clock.now_ns, seed=1, rules=IBKR_RULES)
        coin = Instrument(
            instrument_id=BTC,
            name="Bitcoin",
            asset_class=AssetClass.CRYPTO,
            currency="USD",
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.0001"),
        )
        self.venue.list_instrument(coin, Decimal(price), Decimal(price) + Decimal("0.02"), Decimal(1000))
        positions = {BTC: (Decimal(held), Decimal(price))} if Decimal(held) else {}
        self.venue.open_account(BOOKS, Decimal(cash), positions)
        self.server = TwsServer(self.venue, BOOKS, clock.now_ns)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> TwsThread:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, what: Callable[[], T]) -> T:
        """Run it in the stand-in's loop."""

        async def run() -> T:
            found = what()
            self.server.tell()
            return found

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def move(self, bid: str) -> None:
        """A new quote."""
        self.do(lambda: self.venue.move(BTC, Decimal(bid), Decimal(bid) + Decimal("0.02")))
