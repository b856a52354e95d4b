"""How fast the journal is: one caller, 64 callers, and the walk over its chain. One JSON line.

Usage: python scripts/bench/bench_journal.py [DIR]   (DIR on the disk to be measured; default: a temporary one)
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.storage.journal import SqliteJournal, verify

FILL = Fill(
    fill_id="F1", client_order_id="C1", account_id="PAPER", instrument_id="AAPL.XNAS", sign=1,
    quantity=Decimal(100), price=Decimal("231.40"), fee=Decimal("1.00"), ts_event=1, venue_order_id="V1",
)  # fmt: skip
EVENT = OrderEvent(client_order_id="C1", kind=OrderEventKind.FILL, ts_event=1, recorded_at=1, fill=FILL)


async def one_caller(journal: SqliteJournal, count: int) -> list[float]:
    """Milliseconds of each of `count` appends, one after the other."""
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        await journal.append([EVENT])
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def many_callers(journal: SqliteJournal, callers: int, each: int) -> float:
    """Entries per second of `callers` that append at the same time."""
    start = time.perf_counter()
    await asyncio.gather(*(one_caller(journal, each) for _ in range(callers)))
    return callers * each / (time.perf_counter() - start)


def two_syncs(directory: Path, count: int) -> float:
    """Median milliseconds of the two data syncs that each commit must wait for, with no journal around them."""
    files = [os.open(directory / name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("sync-a", "sync-b")]
    taken = []
    for number in range(count):
        start = time.perf_counter()
        for file in files:
            os.pwrite(file, b"x" * 4096, (number % 256) * 4096)
            os.fdatasync(file)
        taken.append((time.perf_counter() - start) * 1000)
    for file in files:
        os.close(file)
    return statistics.median(taken)


async def main(directory: Path) -> dict[str, float | int]:
    """Everything, on the disk that holds `directory`."""
    syncs = two_syncs(directory, 200)
    path, head = directory / "state" / "journal.db", directory / "heads" / "journal.head"
    journal = SqliteJournal(path, head, WallClock())
    alone = sorted(await one_caller(journal, 300))
    rate = await many_callers(journal, 64, 100)
    for _ in range(100):
        await journal.append([EVENT] * 2000)
    entries = journal.head[0]
    journal.close()
    start = time.perf_counter()
    assert verify(path, head).is_ok
    seconds = time.perf_counter() - start
    return {
        "two_syncs_p50_ms": round(syncs, 3),
        "append_p50_ms": round(statistics.median(alone), 3),
        "append_p99_ms": round(alone[int(len(alone) * 0.99)], 3),
        "appends_per_s_64_callers": round(rate),
        "verified_entries": entries,
        "verify_entries_per_s": round(entries / seconds),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        print(json.dumps({"bench": "journal", **asyncio.run(main(Path(name)))}))
