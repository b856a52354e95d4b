"""The nine indicators of many instruments against TA-Lib in the same run: frames, single ticks, whole histories.

Usage: python scripts/bench/bench_indicators.py [DAYS_OF_MINUTES_IN_THOUSANDS]. One JSON line per figure; CPU seconds,
ours and TA-Lib's taken in turns, medians of the ratios. Compile time is that of a cache that was empty.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stockpulse_engine.indicators.kernels.layout import OUTPUTS, WIDTH
from stockpulse_engine.indicators.kernels.nine import compute_nine, find_engine, nine_in_parts, open_nine
from stockpulse_engine.indicators.registry import library

Floats = npt.NDArray[np.float64]
Bars = tuple[Floats, Floats, Floats, Floats]

INSTRUMENTS, WARM, WINDOW = 500, 200, 200
ROUNDS = 5
LOAD = (
    "import sys, time, numpy as np; from pathlib import Path;"
    "from stockpulse_engine.indicators.kernels.nine import compute_nine, open_nine;"
    "cache, begun, cpu = Path(sys.argv[1]), time.perf_counter(), time.process_time();"
    "nine, one = open_nine(2, cache=cache), np.ones(1);"
    "nine.tick(0, 1.0, 1.0, 1.0, 1.0); nine.take(np.zeros(1, np.int64), one, one, one, one);"
    "nine.peek(np.zeros(1, np.int64), one, one, one, one); compute_nine(*[np.ones((1, 40))] * 4, cache=cache);"
    "print(time.perf_counter() - begun, time.process_time() - cpu)"
)


def walk(instruments: int, count: int, sigma: float) -> Bars:
    """Instruments × bars of a random walk with volume."""
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, sigma, (instruments, count)), axis=1))
    high, low = close * (1 + rng.random(close.shape) * sigma), close * (1 - rng.random(close.shape) * sigma)
    return high, low, close, np.round(rng.lognormal(9, 1, close.shape))


def by_talib(high: Floats, low: Floats, close: Floats, volume: Floats) -> list[Floats]:
    """The nine of one instrument as one writes them with TA-Lib."""
    talib = library("talib")
    upper, _, lower = talib.BBANDS(close, 20)
    return [
        talib.SMA(close, 20), talib.EMA(close, 20), talib.RSI(close, 14), *talib.MACD(close), upper, lower,
        talib.ATR(high, low, close, 14), *talib.STOCH(high, low, close, 14, 3, 0, 3, 0), talib.OBV(close, volume),
        np.cumsum((high + low + close) / 3 * volume) / np.cumsum(volume),
    ]  # fmt: skip


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS
) -> tuple[float, float, float]:
    """Median seconds of ours and of theirs, and the median of the ratios of neighbouring runs."""
    ours()
    theirs()
    pairs = [(cpu_s(ours), cpu_s(theirs)) for _ in range(rounds)]
    mine, other = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(other), statistics.median(t / o for o, t in pairs)


def say(bench: str, **figures: object) -> None:
    """One line."""
    rounded = {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"bench": bench, **rounded}), flush=True)


def compiling(cache: Path) -> None:
    """Compile time with an empty cache, and the time to load what was compiled."""
    spans = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", LOAD, str(cache)], capture_output=True, text=True, check=True)
        spans.append([float(word) for word in done.stdout.split()])
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    say("nine_compile", wall_s=spans[0][0], cpu_s=spans[0][1], loaded_wall_s=spans[1][0], loaded_cpu_s=spans[1][1],
        cache_kb=size // 1024)  # fmt: skip


def frames(cache: Path) -> None:
    """One call per frame of 500 instruments."""
    bars = walk(INSTRUMENTS, WARM, 0.01)
    rows = np.arange(INSTRUMENTS)
    columns = [tuple(np.ascontiguousarray(table[:, at]) for table in bars) for at in range(WARM)]
    nine = open_nine(INSTRUMENTS, cache=cache)

    def run() -> None:
        for frame in columns:
            nine.take(rows, *frame)

    def look() -> None:
        for frame in columns:
            nine.peek(rows, *frame)

    run()
    look()
    ticks = INSTRUMENTS * WARM
    rates = [ticks / cpu_s(run) for _ in range(ROUNDS)]
    peeks = [ticks / cpu_s(look) for _ in range(ROUNDS)]
    saves = [cpu_s(nine.snapshot) for _ in range(ROUNDS)]
    say("nine_frames", engine=nine.engine, instruments=INSTRUMENTS, ticks_per_cpu_s=statistics.median(rates),
        peeks_per_cpu_s=statistics.median(peeks), snapshot_us=1e6 * statistics.median(saves),
        snapshot_kb=len(nine.snapshot()) // 1024 if nine.engine == "numba" else 0)  # fmt: skip


def single_ticks(cache: Path, engine: str) -> None:
    """One bar of one instrument, against TA-Lib over a window of 200 bars."""
    high, low, close, volume = walk(1, WINDOW * 2, 0.01)
    nine = open_nine(1, engine=engine, cache=cache)
    bars = list(zip(*(table[0].tolist() for table in (high, low, close, volume)), strict=True))
    window = [np.ascontiguousarray(table[0, -WINDOW:]) for table in (high, low, close, volume)]

    def run() -> None:
        for _ in range(10):
            for bar in bars:
                nine.tick(0, *bar)

    def again() -> None:
        for _ in range(len(bars)):
            for table in window:
                table[:-1] = table[1:]
            by_talib(*(table for table in window))

    ours, theirs, _ = in_turns(run, again)
    pairs = [(cpu_s(run) / 10, cpu_s(again)) for _ in range(ROUNDS)]
    ratio = statistics.median(their / our for our, their in pairs)
    say(f"nine_tick_{engine}", us=1e6 * ours / 10 / len(bars), talib_window_us=1e6 * theirs / len(bars), times=ratio)


def histories(cache: Path, name: str, instruments: int, count: int) -> None:
    """The fused pass over whole histories: into a table used again, in parts from nothing, and into a fresh table.

    The first two throw away what they said, and so does TA-Lib beside them; with the fresh table both keep everything.
    """
    bars = walk(instruments, count, 0.01 if name == "daily" else 5e-4)
    kept = np.empty((instruments, WIDTH, count))

    def theirs() -> None:
        for row in range(instruments):
            by_talib(*(table[row] for table in bars))

    def in_parts() -> None:
        for _ in nine_in_parts(*bars, cache=cache):
            pass

    def fresh() -> None:
        compute_nine(*bars, cache=cache)

    def theirs_kept() -> None:
        [by_talib(*(table[row] for table in bars)) for row in range(instruments)]

    rounds = ROUNDS if name == "daily" else 3
    ours, talib, ratio = in_turns(lambda: compute_nine(*bars, out=kept, cache=cache), theirs, rounds)
    parts, _, parts_ratio = in_turns(in_parts, theirs, rounds)
    total = instruments * count
    worst = max(apart(kept[row], by_talib(*(table[row] for table in bars))) for row in range(0, instruments, 37))
    begun = time.perf_counter()
    compute_nine(*bars, out=kept, cache=cache, workers=2)
    wall = time.perf_counter() - begun
    anew, talib_kept, anew_ratio = in_turns(fresh, theirs_kept, rounds)
    say(f"nine_{name}", instruments=instruments, bars=count, bars_per_cpu_s=total / ours, times_talib=ratio,
        parts_bars_per_cpu_s=total / parts, parts_times_talib=parts_ratio, fresh_bars_per_cpu_s=total / anew,
        fresh_times_talib=anew_ratio, talib_kept_bars_per_cpu_s=total / talib_kept, talib_bars_per_cpu_s=total / talib,
        two_threads_wall_ms=1000 * wall, worst_apart=worst)  # fmt: skip


def apart(ours: Floats, theirs: list[Floats]) -> float:
    """The largest difference, in units of the value's own size (at least 1)."""
    return max(
        float(np.nanmax(np.abs(mine - other) / np.maximum(1.0, np.abs(other))))
        for mine, other in zip(ours, theirs, strict=True)
    )


def main() -> None:
    """Every figure."""
    thousands = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    arguments: dict[str, Any] = {"outputs": len(OUTPUTS)}
    say("nine_engine", name=find_engine().name, version=find_engine().version, **arguments)
    with tempfile.TemporaryDirectory(prefix="spb-") as scratch:
        cache = Path(scratch) / "kernels"
        if find_engine().is_compiled:
            compiling(cache)
        frames(cache)
        for engine in ("numba", "talib") if find_engine().is_compiled else ("talib",):
            single_ticks(cache, engine)
        histories(cache, "daily", INSTRUMENTS, 1260)
        histories(cache, "minutes", 10, 1000 * thousands)


if __name__ == "__main__":
    main()
