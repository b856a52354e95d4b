"""50,000 events a second through a whole engine: parsed, cached, into bars, stored, to 8 heads. One JSON line.

Usage: python scripts/bench/bench_flow.py [--rate 50000] [--events 400000] [--quotes 20000000] [--heads 8]

Four processes: a feeder that speaks the venue's protocol, the engine's own daemon with recording on, the heads on real
sockets (each decodes every frame and follows a chart), and what the daemon starts itself to compact what it recorded.
One event in ten is a print. Latency is from the time an event was due to its being a value in a head, taken for every
value delivered; a histogram keeps it, so that a long run costs no memory. `handed_…` counts from when the feeder gave
it away, which on a shared machine is later; what an engine that does not read holds back counts as the engine's. At the
end everything fed is looked for in the store: a figure of a run that lost one event is not printed. Memory is the
daemon's own, sampled twice a second; growth compares the medians of the last quarter and of the first after warming up.
`others_cpu` is what
everything else on the machine worked meanwhile, in cores: where it comes near what is left, the figures are the
machine's and not ours. On a shared machine as root: `nice -n -15`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from scripts.bench._flow_feed import PRINT_EVERY, SOURCE, Flow, Lateness, market_offset_ns, start_feeder
from scripts.bench._home import empty_home
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.launch import ensure_engine
from stockpulse_engine.client.stream import StreamLink
from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.wire.stream import DEFAULT_TOPICS, Frame

CONFIG = '[history]\nrecord = "always"\n\n[market]\nyahoo = false\n'
SAMPLE_S = 0.5
WARM_SHARE = 0.2
"""The first fifth of a run opens files, fills rings and caches: it is not judged."""
BINS_PER_MS, MAX_MS = 10, 20_000
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
SETTLE_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


class Histogram:
    """Times as tenths of a millisecond."""

    def __init__(self) -> None:
        self._bins = np.zeros(BINS_PER_MS * MAX_MS, np.int64)

    def add(self, ages_ns: npt.NDArray[np.int64]) -> None:
        """Count some."""
        places = ages_ns * BINS_PER_MS // 1_000_000
        np.add.at(self._bins, np.clip(places, 0, len(self._bins) - 1), 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._bins.sum())

    def at(self, share: float) -> float:
        """A percentile in ms."""
        return float(np.searchsorted(np.cumsum(self._bins), share * self.count, side="left") + 1) / BINS_PER_MS


class Tally:
    """Latencies of every value delivered: from when it was due, and from when the feeder handed it over."""

    def __init__(self, offset_ns: int, lateness: Lateness) -> None:
        self._offset_ns = offset_ns
        self._lateness = lateness
        self.due, self.handed = Histogram(), Histogram()
        self.worst: dict[int, float] = {}
        """The worst of each second of the run, in ms from when it was handed over."""
        self.is_judged = False
        self.frames = self.bars = 0
        self.resyncs = -1

    def take(self, frame: Frame) -> None:
        """Count one frame."""
        if not self.is_judged:
            return
        now = time.time_ns() - self._offset_ns
        self.frames += 1
        self.bars += len(frame.bars)
        times = np.array([quote.ts_event for quote in frame.quotes if quote.source == SOURCE])
        if len(times):
            ages = now - times
            own = ages - self._lateness.of(times)
            self.due.add(ages)
            self.handed.add(own)
            second = now // 1_000_000_000
            self.worst[second] = max(self.worst.get(second, 0.0), float(own.max()) / 1e6)

    def late_seconds(self, limit_ms: float) -> float:
        """Share of the seconds in which something was later than that, in percent."""
        return 100 * sum(worst > limit_ms for worst in self.worst.values()) / max(1, len(self.worst))


class Watch:
    """What a process uses: its CPU time and the memory that is its own (mapped files belong to the system's cache)."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self.samples: list[float] = []

    def cpu_s(self, *, with_children: bool = False) -> float:
        """CPU seconds so far, all threads; of processes that it started and that have ended, too."""
        fields = (self._proc / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11 : 15 if with_children else 13])) / TICKS

    def sample(self) -> None:
        """Note the memory in MB."""
        lines = (self._proc / "status").read_text(encoding="ascii").splitlines()
        own = next(line for line in lines if line.startswith("RssAnon"))
        self.samples.append(int(own.split()[1]) / 1024)

    def quarters(self) -> tuple[float, float]:
        """Median memory in the first and in the last quarter of what is judged."""
        size = max(1, len(self.samples) // 4)
        return statistics.median(self.samples[:size]), statistics.median(self.samples[-size:])


def busy_s() -> float:
    """CPU seconds that the whole machine has worked, and those its host kept from it."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    user, nice, system, _, _, irq, soft, stolen = map(int, first[1:9])
    return (user + nice + system + irq + soft + stolen) / TICKS


async def head(paths: Paths, rate_ms: int, topics: tuple[str, ...], tally: Tally) -> None:
    """One head that looks at all quotes and at one chart."""
    async for event in StreamLink(paths, rate_ms=rate_ms, kind="bench", topics=topics).events():
        if isinstance(event, Frame):
            tally.resyncs += event.seq == 1
            tally.take(event)


def prefer(*pids: int) -> None:
    """Our niceness for whole sessions: the scheduler groups by session, and inside a group of one it says nothing."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0)), encoding="ascii")


async def judged(options: argparse.Namespace, paths: Paths, pipe: Connection, tally: Tally) -> dict[str, float]:
    """Heads, the run, and what the engine used in the part of it that is judged."""
    flow = flow_of(options)
    charts = [f"bars:{name}:1m" for name in flow.names[: options.heads]]
    tasks = [spawn(head(paths, options.rate_ms, (*DEFAULT_TOPICS, chart), tally), name="head") for chart in charts]
    await asyncio.sleep(1.0)
    holder = lock_holder(paths.lock)
    assert holder is not None
    prefer(os.getpid(), holder.pid)
    watch = Watch(holder.pid)
    tally.resyncs = 0
    pipe.send("go")
    seconds = flow.events / flow.rate
    await asyncio.sleep(seconds * WARM_SHARE)
    tally.is_judged, begun, cpu, own = True, time.monotonic(), watch.cpu_s(), time.process_time()
    busy, whole = busy_s(), watch.cpu_s(with_children=True)
    telling = asyncio.to_thread(pipe.recv)
    told = spawn(telling, name="told")
    while not told.done():
        watch.sample()
        await asyncio.wait([told], timeout=SAMPLE_S)
    passed, used, heads = time.monotonic() - begun, watch.cpu_s() - cpu, time.process_time() - own
    ours = watch.cpu_s(with_children=True) - whole + heads + told.result()["feeder_cpu_s"] * (1 - WARM_SHARE)
    tally.is_judged = False
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    first, last = watch.quarters()
    events = flow.rate * passed
    return {
        **told.result(),
        "judged_s": passed,
        "others_cpu": (busy_s() - busy - ours) / passed,
        **{f"{name}_ms": tally.due.at(share) for name, share in PERCENTILES.items()},
        **{f"handed_{name}_ms": tally.handed.at(share) for name, share in PERCENTILES.items()},
        "seconds_over_45_ms_percent": tally.late_seconds(45.0),
        "values_per_s_and_head": tally.due.count / passed / options.heads,
        "frames_per_s_and_head": tally.frames / passed / options.heads,
        "bars_told": tally.bars,
        "resyncs": tally.resyncs,
        "engine_cpu": used / passed,
        "engine_cpu_us_per_event": used / events * 1e6,
        "heads_cpu": heads / passed,
        "memory_first_mb": first,
        "memory_last_mb": last,
        "memory_most_mb": max(watch.samples),
        "memory_growth_percent": 100 * (last / first - 1),
    }


def stored(paths: Paths) -> dict[str, int]:
    """Rows in the store by table, once all of the tail lies in segments."""
    with open_history(paths.history, WallClock()) as store:
        store.compact()
    catalog = Catalog(paths.history)
    rows = {table: sum(count for _, count in catalog.kinds(table)) for table in ("quotes", "trades", "bars")}
    catalog.close()
    return rows


def flow_of(options: argparse.Namespace) -> Flow:
    """What is asked for; `--quotes` is without the prints between them."""
    events = options.quotes * PRINT_EVERY // (PRINT_EVERY - 1) if options.quotes else options.events
    return Flow(options.symbols, options.rate, events - events % PRINT_EVERY)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One run."""
    offset, flow = market_offset_ns(), flow_of(options)
    with empty_home() as home:
        paths = resolve_paths(home)
        ensure_private(paths.config)
        paths.config_file.write_text(CONFIG, encoding="utf-8")
        lateness = Lateness(flow)
        pipe = start_feeder(paths.venue_socket("sim"), flow, offset, lateness)
        ensure_engine(paths)
        figures: dict[str, Any] = uvloop.run(judged(options, paths, pipe, Tally(offset, lateness)))
        with BlockingClient(paths) as client:
            seen = wait_for_events(client, flow.events)
            client.stop_engine()
        wait_until(lambda: lock_holder(paths.lock) is None, SETTLE_S)
        pipe.send("end")
        rows = stored(paths)
    return {**figures, "seen": seen, "stored_quotes": rows["quotes"], "stored_prints": rows["trades"],
            "lost": flow.events - rows["quotes"] - rows["trades"], "heads": options.heads, "rate": options.rate,
            "symbols": options.symbols, "rate_ms": options.rate_ms, "bars_stored": rows["bars"]}  # fmt: skip


def wait_for_events(client: BlockingClient, events: int) -> int:
    """How many events the feed took, once it took all or nothing more comes."""
    give_up, seen = time.monotonic() + SETTLE_S, -1
    while time.monotonic() < give_up:
        before, seen = seen, client.health().feed.events
        if seen >= events or seen == before:
            break
        time.sleep(1.0)
    return seen


def main() -> int:
    """Read the options, run once; the exit code says whether everything fed is in the store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50_000, help="events a second")
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--quotes", type=int, default=0, help="run until so many quotes were fed")
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--rate-ms", type=int, default=33, help="the heads' conflation period")
    figures = measure(parser.parse_args())
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
    if figures["lost"]:
        sys.stderr.write(f"{figures['lost']} of the events are not in the store: {json.dumps(rounded)}\n")
        return 1
    print(json.dumps({"bench": "flow", "cores": os.cpu_count(), **rounded}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
