"""Orders a second through gate stub, real journal and a venue in memory; the delay for one caller. One JSON line.

Usage: python scripts/bench/bench_orders.py [DIR]   (DIR on the disk to be measured; default: a temporary one)
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from stockpulse_engine.base.clock import WallClock  # noqa: E402 - after the path
from stockpulse_engine.bus.bus import Bus  # noqa: E402 - after the path
from stockpulse_engine.domain.commands import SubmitOrder  # noqa: E402 - after the path
from stockpulse_engine.domain.orders import (  # noqa: E402 - after the path
    Order,
    OrderEvent,
    OrderEventKind,
    OrderTerms,
    OrderType,
    Side,
)
from stockpulse_engine.storage.journal import SqliteJournal  # noqa: E402 - after the path
from stockpulse_engine.storage.latch import FileLatch  # noqa: E402 - after the path
from stockpulse_engine.trading.service import OrderService  # noqa: E402 - after the path
from tests.fakes.fake_broker import FakeBroker, FakeVenue  # noqa: E402 - after the path
from tests.fakes.order_desk import ACCOUNT, FakeGate, OrderDesk, account_view  # noqa: E402 - after the path

CALLERS, EACH, ALONE = 64, 100, 300


def terms() -> OrderTerms:
    """Buy 100 at a limit; the venue fills it at once."""
    return OrderTerms(
        account_id="PAPER",
        instrument_id="AAPL.XNAS",
        side=Side.BUY,
        quantity=Decimal(100),
        order_type=OrderType.LIMIT,
        limit_price=Decimal("231.40"),
    )


def make(directory: Path, venue: FakeVenue) -> tuple[OrderService, SqliteJournal]:
    """The service as the engine has it, but for gate and venue."""
    clock = WallClock()
    journal = SqliteJournal(directory / "state" / "journal.db", directory / "heads" / "journal.head", clock)
    book = OrderDesk(venue=venue)
    service = OrderService(
        journal=journal,
        brokers={ACCOUNT.broker: FakeBroker(venue)},
        gate=FakeGate(),
        latch=FileLatch(directory / "latch" / "HALTED", clock),
        clock=clock,
        market_now=clock.now_ns,
        bus=Bus(book._bus_failed),  # noqa: SLF001 - the fake's own way of failing loudly
        quotes=book._quote,  # noqa: SLF001 - and of having no quote
        positions=book.positions,
        account_view=lambda account_id: account_view(service, account_id),
    )
    return service, journal


async def submit_many(service: OrderService, caller: int, count: int) -> list[float]:
    """Milliseconds of each submission, one after the other."""
    taken = []
    for number in range(count):
        command = SubmitOrder(client_order_id=f"B{caller}-{number}", terms=terms())
        start = time.perf_counter()
        await service.submit(command, "bench")
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def append_alone(directory: Path, count: int) -> float:
    """Median milliseconds of the journal alone for the entry of a submission: the sync itself."""
    journal = SqliteJournal(directory / "state" / "journal.db", directory / "heads" / "journal.head", WallClock())
    order = Order(client_order_id="B", terms=terms())
    event = OrderEvent(client_order_id="B", kind=OrderEventKind.SUBMIT, ts_event=1, recorded_at=1, order=order)
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        await journal.append([event])
        taken.append((time.perf_counter() - start) * 1000)
    journal.close()
    return statistics.median(taken)


async def main(directory: Path) -> dict[str, float | int]:
    """Single caller first, then all of them until every order is filled."""
    venue = FakeVenue(fills_at=Decimal("231.40"))
    service, journal = make(directory / "orders", venue)
    await service.recover()
    running = asyncio.ensure_future(service.run())
    await service.open_account(ACCOUNT, "bench")
    alone = await submit_many(service, 0, ALONE)
    start = time.perf_counter()
    taken = await asyncio.gather(*(submit_many(service, 1 + caller, EACH) for caller in range(CALLERS)))
    while len(service.book.fills) < ALONE + CALLERS * EACH:  # noqa: ASYNC110 - fills are what is being timed
        await asyncio.sleep(0.001)
    seconds = time.perf_counter() - start
    entries = journal.head[0]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    journal.close()
    sync = await append_alone(directory / "bare", 200)
    latencies = sorted(one for caller in taken for one in caller)
    return {
        "orders_per_s_64_callers": round(CALLERS * EACH / seconds),
        "p50_ms_64_callers": round(statistics.median(latencies), 3),
        "p99_ms_64_callers": round(latencies[int(len(latencies) * 0.99)], 3),
        "p50_ms_one_caller": round(statistics.median(alone), 3),
        "p50_ms_sync_alone": round(sync, 3),
        "beyond_sync_ms": round(statistics.median(alone) - sync, 3),
        "entries": entries,
        "orders_made_twice": sum(count > 1 for count in venue.made.values()),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        print(json.dumps({"bench": "orders", **asyncio.run(main(Path(name)))}))
