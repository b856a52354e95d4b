"""A market data provider that plays what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent, Quote, Trade
from stockpulse_engine.marketdata.ports import ClockState

MINUTE = 60_000_000_000


def an_instrument(instrument_id: str = "AAPL.XNAS") -> Instrument:
    """A share with a cent tick."""
    return Instrument(
        instrument_id=instrument_id,
        name=f"{instrument_id} Inc",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
    )


def a_quote(bid: str, ask: str, ts: int, instrument_id: str = "AAPL.XNAS") -> Quote:
    """A quote of 100 by 100."""
    return Quote(instrument_id, Decimal(bid), Decimal(ask), Decimal(100), Decimal(100), ts, "fake")


def a_trade(price: str, ts: int, size: str = "10", instrument_id: str = "AAPL.XNAS") -> Trade:
    """A print."""
    return Trade(instrument_id, Decimal(price), Decimal(size), ts, "B", "fake")


def a_bar(spec: BarSpec, ts: int, close: str, *, is_open: bool = False, instrument_id: str = "AAPL.XNAS") -> Bar:
    """A bar whose open, high, low and close are equal."""
    price = Decimal(close)
    end = ts + (1 if is_open else spec.duration_ns)
    return Bar(instrument_id, spec, ts, price, price, price, price, Decimal(100), end, is_open, "fake")


class FakeProvider:
    """Serves instruments and bars; `play` hands a batch to whoever follows `events`; `drop` ends the link."""

    name = "fake"

    def __init__(self, clock_state: ClockState, instruments: Sequence[Instrument] = ()) -> None:
        self.clock_state = clock_state
        self.instruments = list(instruments or [an_instrument()])
        self.bars: dict[tuple[str, str], list[Bar]] = {}
        self.fetched: list[tuple[str, str]] = []
        self.connects = 0
        self.refuse_connect = 0
        self._queue: asyncio.Queue[Sequence[MarketEvent | ClockState] | None] = asyncio.Queue()

    async def connect(self) -> None:
        """Count, or refuse as often as told."""
        if self.refuse_connect:
            self.refuse_connect -= 1
            raise UnavailableError("refused")
        self.connects += 1

    async def close(self) -> None:
        """Nothing to close."""

    async def fetch_instruments(self) -> Sequence[Instrument]:
        """The list given."""
        return tuple(self.instruments)

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The bars given for this instrument and spec."""
        self.fetched.append((instrument_id, str(spec)))
        bars = self.bars.get((instrument_id, str(spec)), [])
        return [bar for bar in bars if end_ns is None or bar.ts_event < end_ns][-limit:]

    async def fetch_clock(self) -> ClockState:
        """The state given."""
        return self.clock_state

    async def events(self) -> AsyncIterator[Sequence[MarketEvent | ClockState]]:
        """What `play` put in, until `drop`."""
        while (batch := await self._queue.get()) is not None:
            yield batch

    def play(self, *batch: MarketEvent | ClockState) -> None:
        """Hand one batch to the follower."""
        self._queue.put_nowait(batch)

    def drop(self) -> None:
        """End the link."""
        self._queue.put_nowait(None)
