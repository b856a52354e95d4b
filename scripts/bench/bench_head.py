"""The terminal client in a real pty: what is seen when, and how long `!!` takes to the latch. JSON lines.

Usage: PYTHONPATH=. python scripts/bench/bench_head.py [--starts 5] [--halts 60]

`last_frame` is the saved frame's text in the output; `first_frame` the head's own first frame (its panes are named);
`first_prices` the first frame with a price in it; `live_from_nothing` the same in an empty home, engine and all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from scripts.bench._home import empty_home, end_engine, percentile, running_engine
from scripts.bench._pty import PtyProgram, sp_command
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.client.blocking import BlockingClient

MARK = "LAST-FRAME-MARK"
FRAME = "Watchlist"
WELCOME = "Enter begin"
"""The page that a new home shows once, whole and with what the engine does in words."""
PRICE = r"SPY +\d[\d,]*\.\d\d"
LIVE = r"main +[\d,]+\.\d\d USD"
SETTLE_S = 1.5
LATCH_S = 5.0


def begin_once(home: Path) -> None:
    """Meet the welcome page, so that later starts open the desk at once."""
    head = PtyProgram(sp_command(home))
    try:
        head.until(WELCOME)
        head.press("\r")
        head.until(PRICE)
    finally:
        head.end()


def start_once(home: Path, *, with_prices: bool) -> dict[str, float]:
    """One start of the head: milliseconds from exec to each thing seen."""
    paths = resolve_paths(home)
    ensure_private(paths.state)
    paths.last_frame.write_text(f"{MARK}\n" * 3)
    head = PtyProgram(sp_command(home))
    try:
        found = {"last_frame": head.until(MARK), "first_frame": head.until(FRAME)}
        found["first_frame_cpu"] = head.cpu_ms()
        if with_prices:
            found["first_prices"] = head.until(PRICE)
    finally:
        head.end()
    return found


def live_from_nothing() -> float:
    """Milliseconds from exec in an empty home until account and prices are on the screen."""
    with empty_home() as home:
        head = PtyProgram(sp_command(home))
        try:
            head.until(WELCOME)
            head.press("\r")
            return max(head.until(LIVE), head.until(PRICE))
        finally:
            head.end()


def halts(home: Path, paths: Paths, count: int) -> list[float]:
    """Milliseconds from the written keys to the latch file, so many times."""
    head = PtyProgram(sp_command(home))
    taken = []
    try:
        head.until(PRICE)
        settle(head, SETTLE_S)
        with BlockingClient(paths, role="trader") as client:
            for _ in range(count):
                taken.append(one_halt(head, paths.latch))
                client.set_halt("resume", word="RESUME")
                settle(head, 0.25)
    finally:
        head.end()
    return taken


def one_halt(head: PtyProgram, latch: Path) -> float:
    """`!!` pressed: until the latch is there."""
    start = time.perf_counter()
    head.press("!!")
    while not latch.exists():
        if time.perf_counter() - start > LATCH_S:
            raise TimeoutError("the latch never came")
        head.read(0.0005)
    return (time.perf_counter() - start) * 1000


def settle(head: PtyProgram, seconds: float) -> None:
    """Let it run, reading what it writes."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        head.read(0.02)
    head.forget()


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Median of each figure."""
    return {f"{name}_ms": round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}


def main() -> int:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--halts", type=int, default=60)
    options = parser.parse_args()
    with running_engine() as (home, paths):
        begin_once(home)
        up = [start_once(home, with_prices=True) for _ in range(options.starts)]
        print(json.dumps({"bench": "head_engine_up", "runs": len(up), **medians(up)}), flush=True)
        taken = halts(home, paths, options.halts)
        figures = {f"p{share}_ms": round(percentile(taken, share / 100), 1) for share in (50, 90, 99)}
        print(json.dumps({"bench": "head_halt_keys", "runs": len(taken), **figures}), flush=True)
        end_engine(paths)
        down = []
        for _ in range(options.starts):
            down.append(start_once(home, with_prices=False))
            end_engine(paths)
    print(json.dumps({"bench": "head_engine_down", "runs": len(down), **medians(down)}), flush=True)
    nothing = [live_from_nothing() for _ in range(3)]
    figures = {"median_ms": round(statistics.median(nothing)), "worst_ms": round(max(nothing))}
    print(json.dumps({"bench": "head_live_from_nothing", "runs": len(nothing), **figures}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
