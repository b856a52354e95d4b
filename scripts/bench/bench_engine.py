"""Orders through the real engine: gate, journal, ledger, and the paper venue's own process. JSON lines.

Usage: PYTHONPATH=. python scripts/bench/bench_engine.py [--orders 6400] [--callers 64] [--alone 300]

The engine is the daemon's own composition with a simulated market running beside; only the limits on flow are
lifted, so that the gate answers for price, money and risk instead. One share a time, bought and sold in turn, in an
account so large that what is on its way on a slow machine does not reach its limits either.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import uvloop

from scripts.bench._home import empty_home
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.logs import configure_logs
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bootstrap.engine import Engine
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.daemon import calm_collector
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.settings import Settings, load_settings
from stockpulse_engine.storage.journal import SqliteJournal

MANY = 10_000_000
CASH = Decimal(10_000_000)
FREE_FLOW = Limits(
    max_orders_per_second=MANY,
    max_orders_per_day=MANY,
    max_open_orders=MANY,
    max_strategy_orders_per_second=MANY,
    max_strategy_orders_per_day=MANY,
)
READY_S, FILLED_S = 30.0, 60.0


def command(key: str, instrument_id: str, *, is_buy: bool) -> SubmitOrder:
    """One share at the market."""
    terms = OrderTerms(
        account_id="main",
        instrument_id=instrument_id,
        side=Side.BUY if is_buy else Side.SELL,
        quantity=Decimal(1),
        order_type=OrderType.MARKET,
    )
    return SubmitOrder(client_order_id=key, terms=terms, allow_duplicate=True)


async def submit(engine: Engine, numbers: itertools.count[int], count: int, prefix: str) -> list[float]:
    """Milliseconds of each submission of one caller, until `count` are made by all."""
    taken = []
    names = [each.instrument_id for each in engine.market.instruments()]
    while (number := next(numbers)) < count:
        order = command(f"{prefix}{number}", names[number // 2 % len(names)], is_buy=number % 2 == 0)
        start = time.perf_counter()
        await engine.trading.submit(order, "bench")
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def until_quiet(engine: Engine) -> None:
    """Wait until nothing is open."""
    async with asyncio.timeout(FILLED_S):
        while any(order.is_open for order in engine.trading.orders(scope="working", limit=50)):  # noqa: ASYNC110 - polled from outside
            await asyncio.sleep(0.002)


def venue_pid(paths: Paths) -> int:
    """The process of the paper venue."""
    holders = [lock_holder(lock) for lock in paths.state.glob("worlds/*/venue/venue.lock")]
    return next(holder.pid for holder in holders if holder is not None)


def cpu_seconds(pid: int) -> float:
    """What another process has used so far; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def sync_alone(directory: Path, engine: Engine, count: int) -> float:
    """Median milliseconds of a journal that writes the same entry and nothing else: the sync itself."""
    journal = SqliteJournal(directory / "bare.db", directory / "bare.head", WallClock())
    order = engine.trading.orders(scope="all", limit=1)[0]
    event = OrderEvent(client_order_id="B", kind=OrderEventKind.SUBMIT, ts_event=1, recorded_at=1, order=order)
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        await journal.append([event])
        taken.append((time.perf_counter() - start) * 1000)
    journal.close()
    return statistics.median(taken)


async def measure(home: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """One caller first, then all."""
    paths = resolve_paths(home)
    for directory in (paths.state, paths.data, paths.runtime):
        ensure_private(directory)
    loaded = load_settings(paths, {})
    large = msgspec.structs.replace(loaded.account, cash=CASH)
    settings: Settings = msgspec.structs.replace(loaded, limits=FREE_FLOW, account=large)
    configure_logs(paths, False, settings=settings.log)
    engine = Engine(paths, settings, StartOptions(world="sim", seed=7, speed=1.0), WallClock())
    running = spawn(engine.run(), name="engine")
    async with asyncio.timeout(READY_S):
        while not engine.system.health().ready_at:  # noqa: ASYNC110 - polled from outside
            await asyncio.sleep(0.01)
    await submit(engine, itertools.count(), 50, "W")
    await until_quiet(engine)
    alone = await submit(engine, itertools.count(), options.alone, "A")
    await until_quiet(engine)
    venue = venue_pid(paths)
    numbers, start = itertools.count(), time.perf_counter()
    cpu, venue_cpu = time.process_time(), cpu_seconds(venue)
    taken = await asyncio.gather(
        *(submit(engine, numbers, options.orders, "M") for _ in range(options.callers)), return_exceptions=True
    )
    acknowledged = time.perf_counter() - start
    await until_quiet(engine)
    seconds = time.perf_counter() - start
    cpu, venue_cpu = time.process_time() - cpu, cpu_seconds(venue) - venue_cpu
    errors = [one for one in taken if isinstance(one, BaseException)]
    if errors:
        raise errors[0]
    waits = sorted(wait for one in taken if not isinstance(one, BaseException) for wait in one)
    sync = await sync_alone(home, engine, 200)
    fills = len(engine.trading.fills(limit=MANY))
    engine.system.stop_asked.set()
    await running
    return [
        {
            "bench": "engine_orders",
            "callers": options.callers,
            "orders": options.orders,
            "orders_per_s": round(options.orders / seconds),
            "acknowledged_per_s": round(options.orders / acknowledged),
            "engine_cpu_ms_per_order": round(1000 * cpu / options.orders, 3),
            "cpu_ms_per_order": round(1000 * (cpu + venue_cpu) / options.orders, 3),
            "p50_ms": round(statistics.median(waits), 2),
            "p99_ms": round(waits[int(len(waits) * 0.99)], 2),
            "fills": fills,
        },
        {
            "bench": "engine_one_caller",
            "orders": options.alone,
            "p50_ms": round(statistics.median(alone), 3),
            "p99_ms": round(sorted(alone)[int(len(alone) * 0.99)], 3),
            "sync_p50_ms": round(sync, 3),
            "beyond_sync_p50_ms": round(statistics.median(alone) - sync, 3),
        },
    ]


def main() -> int:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=6400)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--alone", type=int, default=300)
    options = parser.parse_args()
    calm_collector()
    with empty_home() as home:  # ends the venue, too, when this is interrupted
        for row in uvloop.run(measure(home, options)):
            print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
