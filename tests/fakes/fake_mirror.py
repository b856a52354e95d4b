"""A mirror in memory that can be away, hang, or take a batch and lose the answer."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from stockpulse_engine.bus.bridge import MirrorBatch, MirrorError, Record
from stockpulse_engine.bus.topics import OrderChanged
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms, OrderType, Side

TERMS = OrderTerms(
    account_id="main", instrument_id="F.XNYS", side=Side.BUY, quantity=Decimal(5), order_type=OrderType.MARKET
)


def order_change(seq: int, fill: Fill | None = None) -> OrderChanged:
    """Order event number `seq`."""
    kind = OrderEventKind.FILL if fill else OrderEventKind.ACCEPT
    event = OrderEvent(client_order_id="C1", kind=kind, ts_event=seq, recorded_at=seq, fill=fill)
    return OrderChanged(order=Order(client_order_id="C1", terms=TERMS), event=event, fill=fill, seq=seq)


def quote(instrument_id: str, bid: str, ts_event: int = 1) -> Quote:
    """A quote one cent wide."""
    price = Decimal(bid)
    return Quote(instrument_id, price, price + Decimal("0.01"), Decimal(100), Decimal(200), ts_event)


class FakeMirror:
    """Implements `bus.bridge.MirrorPort`: `batches` is what is in it."""

    def __init__(self) -> None:
        self.batches: list[MirrorBatch] = []
        self.attempts: list[str] = []
        self.is_away = False
        self.is_forgetful = False
        """Takes the next batch, and its answer gets lost."""
        self.is_hanging = False
        self.written = asyncio.Event()
        self.closed = 0

    @property
    def records(self) -> list[Record]:
        """Every record that arrived, in order."""
        return [record for batch in self.batches for record in batch.records]

    @property
    def seqs(self) -> list[int]:
        """Journal numbers of the order events that arrived."""
        return [record.seq for record in self.records if isinstance(record, OrderChanged)]

    async def write(self, batch: MirrorBatch) -> None:
        """Keep it, unless told otherwise."""
        self.attempts.append(batch.key)
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.is_away:
            raise MirrorError("cannot be reached")
        if not self.batches or self.batches[-1].key != batch.key:
            self.batches.append(batch)
        if self.is_forgetful:
            self.is_forgetful = False
            raise MirrorError("does not answer")
        self.written.set()

    async def close(self) -> None:
        """Count it."""
        self.closed += 1
