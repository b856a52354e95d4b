"""Quotes from the bus to the heads: 20,000 a second to 8 heads, conflated. One JSON line per measurement.

Usage: python scripts/bench/bench_stream.py [--rate 20000] [--heads 8] [--seconds 5] [--symbols 500] [--rate-ms 33]

Two processes: the API on a Unix socket with a producer on its own loop, and the heads, which decode every frame into
its types. Latency is from a quote's birth to its being a value in the head; it is taken for every quote delivered.
`per_quote` is the same server stack sending each quote in a frame of its own, the technique of ordinary servers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from websockets.asyncio.client import unix_connect

from stockpulse_engine.api.server import ApiServer, listen_unix
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.client.stream import StreamLink
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.wire.codec import decode_frame, encode_packed
from stockpulse_engine.wire.stream import Frame
from tests.fakes.fake_engine import FakeEngine

TURN_S = 0.002
"""The producer's beat: a feed hands over what one socket read brought."""
PRICES = [Decimal(10_000 + cents) / 100 for cents in range(400)]
SIZE = Decimal(300)


class Producer:
    """Publishes at a steady rate until told to stop."""

    def __init__(self, symbols: list[str], rate: int, publish: Callable[[Quote], None]) -> None:
        self._symbols = symbols
        self._rate = rate
        self._publish = publish
        self.count = 0

    async def run(self, seconds: float) -> None:
        """Keep to the rate, catching up after a late turn."""
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            for number in range(self.count, int(passed * self._rate)):
                price = PRICES[number * 7 % 399]
                name = self._symbols[number * 131 % len(self._symbols)]
                self._publish(Quote(name, price, price, SIZE, SIZE, time.time_ns(), "bench", price, SIZE))
                self.count = number + 1
            await asyncio.sleep(TURN_S)


def rss_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def serve_hub(paths: Paths, options: argparse.Namespace, pipe: Connection) -> None:
    """The daemon's side: our server."""

    async def main() -> None:
        symbols = [f"S{number:03d}.XNAS" for number in range(options.symbols)]
        engine = FakeEngine(symbols)
        server = ApiServer(engine, paths)
        await server.start()
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        pipe.send(await produce(Producer(symbols, options.rate, engine.market.set_quote), options.seconds))
        await server.stop()

    uvloop.run(main())


def serve_plain(paths: Paths, options: argparse.Namespace, pipe: Connection) -> None:
    """The daemon's side: one frame per quote to each head, with back-pressure where a head is slow."""
    logging.disable(logging.CRITICAL)  # what is cut off at the end is no news
    queues: set[asyncio.Queue[bytes]] = set()

    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        while True:
            await send({"type": "websocket.send", "bytes": await queue.get()})

    def publish(quote: Quote) -> None:
        data = encode_packed(Frame(seq=1, sent_at=quote.ts_event, quotes=(quote,)))
        for queue in queues:
            queue.put_nowait(data)

    async def main() -> None:
        symbols = [f"S{number:03d}.XNAS" for number in range(options.symbols)]
        config = uvicorn.Config(
            app, ws="websockets-sansio", log_config=None, lifespan="off", ws_per_message_deflate=False
        )
        server = uvicorn.Server(config)
        task = spawn(server.serve(sockets=[listen_unix(paths.socket)]), name="plain")
        await asyncio.sleep(0.5)
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        pipe.send(await produce(Producer(symbols, options.rate, publish), options.seconds))
        task.cancel()

    uvloop.run(main())


async def produce(producer: Producer, seconds: float) -> dict[str, float]:
    """Run the producer; what the daemon used meanwhile."""
    warm = spawn(producer.run(seconds / 4), name="warm")
    await warm
    producer.count = 0
    first_mb, cpu = rss_mb(), time.process_time()
    await producer.run(seconds)
    used = time.process_time() - cpu
    return {
        "published": producer.count,
        "daemon_cpu": used / seconds,
        "rss_first_mb": first_mb,
        "rss_last_mb": rss_mb(),
    }


class Tally:
    """Latencies of every quote that became a value in some head."""

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.frames = 0

    def take(self, frame: Frame) -> None:
        """Count one frame."""
        now = time.time_ns()
        self.frames += 1
        self.latencies += [now - quote.ts_event for quote in frame.quotes if quote.source == "bench"]

    def at(self, share: float) -> float:
        """A percentile in ms."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6 if ordered else 0.0


async def follow_hub(paths: Paths, rate_ms: int, tally: Tally) -> None:
    """One head of ours."""
    async for event in StreamLink(paths, rate_ms=rate_ms, kind="bench").events():
        if isinstance(event, Frame):
            tally.take(event)


async def follow_plain(paths: Paths, _: int, tally: Tally) -> None:
    """One reader of frames per quote."""
    async with unix_connect(str(paths.socket), compression=None, ping_interval=None, max_queue=None) as link:
        while True:
            tally.take(decode_frame(await link.recv(decode=False)))


async def heads(paths: Paths, options: argparse.Namespace, pipe: Connection, follow: Any) -> dict[str, float]:
    """The heads' side."""
    tally = Tally()
    tasks = [spawn(follow(paths, options.rate_ms, tally), name="head") for _ in range(options.heads)]
    await asyncio.sleep(0.5)
    pipe.send("go")
    await asyncio.sleep(options.seconds / 4)
    tally.latencies, tally.frames = [], 0
    cpu, start = time.process_time(), time.monotonic()
    daemon: dict[str, float] = await asyncio.to_thread(pipe.recv)
    passed = time.monotonic() - start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "p50_ms": tally.at(0.5),
        "p99_ms": tally.at(0.99),
        "max_ms": tally.at(1),
        "frames_per_s_and_head": tally.frames / passed / options.heads,
        "quotes_per_s_and_head": len(tally.latencies) / passed / options.heads,
        "heads_cpu": (time.process_time() - cpu) / passed,
        **daemon,
    }


def measure(name: str, options: argparse.Namespace) -> None:
    """Run one variant and print its line."""
    serve, follow = {"conflated": (serve_hub, follow_hub), "per_quote": (serve_plain, follow_plain)}[name]
    with tempfile.TemporaryDirectory(prefix="sp-bench-", dir="/tmp") as directory:
        paths = resolve_paths(Path(directory))
        ours, theirs = multiprocessing.Pipe()
        daemon = multiprocessing.Process(target=serve, args=(paths, options, theirs), daemon=True)
        daemon.start()
        ours.recv()
        figures = uvloop.run(heads(paths, options, ours, follow))
        daemon.join(5)
        daemon.kill()
    setting = {"rate": options.rate, "heads": options.heads, "symbols": options.symbols, "rate_ms": options.rate_ms}
    rounded = {key: round(value, 3) for key, value in figures.items()}
    print(json.dumps({"bench": f"stream_{name}", **setting, "cores": os.cpu_count(), **rounded}), flush=True)


def main() -> None:
    """Read the options, measure both variants."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--rate-ms", type=int, default=33)
    parser.add_argument("--variants", default="conflated,per_quote")
    options = parser.parse_args()
    for name in options.variants.split(","):
        measure(name, options)


if __name__ == "__main__":
    main()
