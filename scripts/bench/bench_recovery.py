"""From SIGKILL to ready: a daemon with a journal of 10,000 orders is killed in mid-flow and started again. JSON lines.

Usage: PYTHONPATH=. python scripts/bench/bench_recovery.py [--orders 10000] [--kills 30]

The orders are made by the engine's own composition in another process, which ends by SIGKILL while they flow. Then the
daemon is started and killed again and again; counted is the time from starting its process to its first answer that
it can trade: journal verified and replayed, venue asked what was missed, orders and holdings compared.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from scripts.bench._home import empty_home, kill_holder
from scripts.bench.bench_engine import CASH, FREE_FLOW, READY_S, submit
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bootstrap.engine import Engine
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.client.launch import ensure_engine
from stockpulse_engine.settings import load_settings

CALLERS = 64
LIFTED = {f"STOCKPULSE__LIMITS__{key.upper()}": str(getattr(FREE_FLOW, key)) for key in ("max_open_orders",)}


async def fill_journal(home: Path, count: int) -> None:
    """Make the orders, and die while they still flow."""
    paths = resolve_paths(home)
    for directory in (paths.state, paths.data, paths.runtime):
        ensure_private(directory)
    loaded = load_settings(paths, {})
    settings = msgspec.structs.replace(
        loaded, limits=FREE_FLOW, account=msgspec.structs.replace(loaded.account, cash=CASH)
    )
    engine = Engine(paths, settings, StartOptions(world="sim", seed=7, speed=1.0), WallClock())
    running = spawn(engine.run(), name="engine")
    async with asyncio.timeout(READY_S):
        while not engine.system.health().ready_at and not running.done():  # noqa: ASYNC110 - polled from outside
            await asyncio.sleep(0.01)
    numbers = itertools.count()
    callers = [spawn(submit(engine, numbers, count * 2, "R"), name=f"caller {n}") for n in range(CALLERS)]
    while len(engine.trading.book.orders) < count:  # noqa: ASYNC110 - polled from outside
        await asyncio.sleep(0.001)
    del callers
    os.kill(os.getpid(), signal.SIGKILL)


def start_and_kill(paths: Paths) -> tuple[float, int]:
    """Seconds from start to ready, and the journal's length then."""
    began = time.perf_counter()
    health = ensure_engine(paths)
    taken = time.perf_counter() - began
    kill_holder(paths.lock)
    return taken, health.journal_seq


def main() -> int:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill is not None:
        uvloop.run(fill_journal(options.fill, options.orders))
        return 1
    os.environ.update(LIFTED)
    with empty_home() as home:
        paths = resolve_paths(home)
        maker = [sys.executable, "-m", "scripts.bench.bench_recovery", "--fill", str(home)]
        made = subprocess.run([*maker, "--orders", str(options.orders)], check=False, capture_output=True, text=True)
        if made.returncode != -signal.SIGKILL:
            sys.stderr.write(made.stderr)
            return 1
        runs = [start_and_kill(paths) for _ in range(options.kills)]
        taken = sorted(seconds for seconds, _ in runs)
        row = {
            "bench": "recovery",
            "orders": options.orders,
            "kills": options.kills,
            "journal_entries": runs[-1][1],
            "p50_s": round(statistics.median(taken), 3),
            "p99_s": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 3),
            "worst_s": round(taken[-1], 3),
        }
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
