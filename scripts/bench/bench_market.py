"""Measure the simulated and the replayed market: one JSON line per figure.

Usage: python scripts/bench/bench_market.py [--replay FILE …]
CPU seconds are this process's own, so that a busy machine does not change them much.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

from stockpulse_engine.domain.market import SECOND_NS, MarketEvent, Quote, parse_bar_spec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.market.days import BLOCK
from stockpulse_engine.venue.market.market import SimulatedMarket
from stockpulse_engine.venue.market.source import SimulatedSource
from stockpulse_engine.venue.replay import ReplaySource
from stockpulse_engine.venue.source import MarketSource

MINUTE = 60 * SECOND_NS
SEED, DATE, FOCUS = 7, "2026-03-12", "AAPL.XNAS"
DAYS, SESSIONS = 756, 20


def report(name: str, **figures: float) -> None:
    """One line of JSON."""
    print(json.dumps({"bench": name} | {key: round(value, 4) for key, value in figures.items()}), flush=True)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def peak_mib() -> float:
    """Most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def play(source: MarketSource, start_ns: int, end_ns: int, step_ns: int) -> tuple[list[int], float, float]:
    """Advance step by step: counts of events and of quotes, CPU seconds, the longest step."""
    counts, longest, total, now = [0, 0], 0.0, 0.0, start_ns
    while now < end_ns:
        now = min(now + step_ns, end_ns)
        began = time.process_time()
        events: list[MarketEvent] = source.advance(now)
        spent = time.process_time() - began
        total, longest = total + spent, max(longest, spent)
        counts[0] += len(events)
        counts[1] += sum(isinstance(event, Quote) for event in events)
    return counts, total, longest


def bench_history() -> None:
    """Opening with an empty memory: the focused instrument first, then everything."""
    session = load_calendar().session(DATE)
    assert session is not None
    now = session.open + 62 * MINUTE
    source = SimulatedSource(SimulatedMarket(SEED, load_calendar()))
    seconds = cpu(lambda: source.seed_events(now))
    focus = cpu(lambda: (source.bars(FOCUS, parse_bar_spec("1d"), DAYS), source.bars(FOCUS, parse_bar_spec("1m"), 400)))
    report("sim_open", seed_cpu_s=seconds, focus_history_cpu_s=focus)
    market = SimulatedMarket(SEED, load_calendar())
    places, ordinal = range(len(market.universe)), session.ordinal
    blocks = range((ordinal - DAYS + 1) // BLOCK, ordinal // BLOCK + 1)
    days = cpu(lambda: [market.daily(place, block) for place in places for block in blocks])
    minutes = cpu(lambda: [market.day(place, ordinal - back) for place in places for back in range(SESSIONS + 1)])
    report("sim_history", instruments=len(places), daily_cpu_s=days, minutes_cpu_s=minutes, cpu_s=days + minutes)


def bench_stream() -> None:
    """The busiest quarter of an hour and a quiet one; how many times faster than life one core is."""
    session = load_calendar().session(DATE)
    assert session is not None
    for name, minute in (("open", 0), ("midday", 180)):
        source = SimulatedSource(SimulatedMarket(SEED, load_calendar()))
        start = session.open + minute * MINUTE
        source.seed_events(start)
        (events, quotes), seconds, longest = play(source, start, start + 15 * MINUTE, SECOND_NS)
        report(
            f"sim_stream_{name}",
            events_per_market_s=events / 900,
            quotes_per_market_s=quotes / 900,
            events_per_cpu_s=events / seconds,
            times_real_time=900 / seconds,
            longest_step_ms=longest * 1e3,
        )


def bench_replay(files: list[Path]) -> None:
    """A whole recorded span, opened and played in steps of a second."""
    began = time.process_time()
    source = ReplaySource("bench", files)
    source.seed_events(source.first_ns)
    opened = time.process_time() - began
    end = source.last_ns
    assert end is not None
    (events, quotes), seconds, longest = play(source, source.first_ns, end, SECOND_NS)
    report(
        "replay",
        open_cpu_s=opened,
        events=events,
        quotes=quotes,
        crossed=source.crossed_count,
        events_per_cpu_s=events / seconds,
        times_real_time=(end - source.first_ns) / SECOND_NS / seconds,
        longest_step_ms=longest * 1e3,
        peak_mib=peak_mib(),
    )


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replay", nargs="*", type=Path, default=[], help="recordings to play as well")
    arguments = parser.parse_args()
    bench_history()
    bench_stream()
    report("sim_memory", peak_mib=peak_mib())
    if arguments.replay:
        bench_replay(arguments.replay)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
