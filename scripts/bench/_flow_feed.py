"""A venue that only feeds: many quotes and prints a second over the engine's own protocol, in a process of its own.

Everything else that an engine asks at its start is answered as by a venue where nothing was ever ordered. Messages are
copied from templates and their times written in place, so that the feeder takes little of the machine it shares with
what is measured. An event's time is when it was due: a late feeder hides nothing. How late each was handed over, apart
from the time an engine that does not read held the feeder back, is kept beside, so that a late feeder blames nobody.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.domain.reports import VenueAccount
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue import protocol as p

SESSION = "2026-03-12"
TURN_S = 0.002
"""One batch per turn, as the venue's own loop makes them."""
BEHIND_S = 0.05
"""A feeder that is later than this gives what is due in several batches."""
TEMPLATES = 4_000
PRINT_EVERY = 10
"""One event in ten is a print."""
SOURCE = "bench"
_pack = msgspec.msgpack.Encoder().encode
_BIG = 1 << 62
_Bytes = npt.NDArray[np.uint8]


class Flow(NamedTuple):
    """What is fed: instruments, events a second, and how many events in all."""

    symbols: int
    rate: int
    events: int

    @property
    def prints(self) -> int:
        """How many of the events are prints."""
        return self.events // PRINT_EVERY

    @property
    def names(self) -> list[str]:
        """Ids, all of one length."""
        return [f"S{number:03d}.XNAS" for number in range(self.symbols)]


class Templates:
    """Encoded events of one kind, all equally long, and where the time stands in them."""

    def __init__(self, events: list[Quote] | list[Trade]) -> None:
        rows = [_pack(event) for event in events]
        self._rows: _Bytes = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
        self._at = rows[0].index(_BIG.to_bytes(8, "big"))

    def filled(self, first: int, times: npt.NDArray[np.int64]) -> bytes:
        """As many events as there are times, from the template `first` on."""
        rows = self._rows[(first + np.arange(len(times))) % len(self._rows)]
        rows[:, self._at : self._at + 8] = times.astype(">i8").view(np.uint8).reshape(-1, 8)
        return rows.tobytes()


def templates(names: list[str]) -> tuple[Templates, Templates]:
    """Quotes and prints that walk through the instruments, one after another in a fixed scattered order."""
    quotes, trades = [], []
    for number in range(TEMPLATES):
        price = Decimal(10_000 + number * 7 % 399) / 100
        bid, ask = price.quantize(Decimal("0.01")), (price + Decimal("0.01")).quantize(Decimal("0.01"))
        name = names[number * 131 % len(names)]
        sizes = Decimal(100 + number % 9 * 100), Decimal(100 + number % 7 * 100)
        quotes.append(Quote(name, bid, ask, *sizes, _BIG, SOURCE, bid, Decimal(1_000_000)))
        trades.append(Trade(name, bid, sizes[0], _BIG, "B", SOURCE))
    return Templates(quotes), Templates(trades)


def batch(quotes: bytes, trades: bytes, count: int, market_ns: int) -> bytes:
    """A whole `MarketBatch` frame around encoded events."""
    head, _, tail = _pack(p.MarketBatch((), market_ns)).partition(_pack("market") + b"\x90")
    body = b"".join((head, _pack("market"), b"\xdd", count.to_bytes(4, "big"), quotes, trades, tail))
    return p.HEADER.pack(len(body)) + body


class Lateness:
    """How late the feeder itself was, in microseconds for every ten events, in memory that both processes see."""

    def __init__(self, flow: Flow) -> None:
        self._rate = flow.rate
        self._first = multiprocessing.RawValue(ctypes.c_int64)
        self._micros = multiprocessing.RawArray(ctypes.c_int32, flow.events // PRINT_EVERY + 1)

    def begin(self, first_ns: int) -> None:
        """The time the first event is due."""
        self._first.value = first_ns

    def note(self, start: int, stop: int, late_ns: int) -> None:
        """The events from … to (exclusive) were handed over that late."""
        rows = np.frombuffer(memoryview(self._micros), np.int32)
        rows[start // PRINT_EVERY : stop // PRINT_EVERY] = late_ns // 1000

    def of(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Nanoseconds for the events that were due then."""
        places = ((times - self._first.value) * self._rate + 999_999_999) // 1_000_000_000 // PRINT_EVERY
        return np.frombuffer(memoryview(self._micros), np.int32)[places].astype(np.int64) * 1000


class FeedVenue:
    """Answers what an engine asks, and feeds who subscribed once it is told to."""

    def __init__(self, flow: Flow, offset_ns: int, lateness: Lateness) -> None:
        self._flow = flow
        self._lateness = lateness
        self._offset_ns = offset_ns
        self._go = asyncio.Event()
        self.sent = 0
        self.late_s = 0.0
        """The longest time an event was handed over after it was due."""
        self.held_s = 0.0
        """How long it waited in all for an engine that did not read."""
        self.done = asyncio.Event()

    def start(self) -> None:
        """Begin to feed."""
        self._go.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        frames = p.FrameReader(p.MAX_REQUEST)
        feeding: asyncio.Task[None] | None = None
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                for frame in frames.feed(data):
                    request = p.decode_request(frame)
                    writer.write(p.encode_frame(p.Reply(request.request_id, self._answer(request.question))))
                    if isinstance(request.question, p.SubscribeMarket):
                        feeding = spawn(self._feed(writer), name="feed")
        if feeding is not None:
            feeding.cancel()
        writer.close()

    def _now(self) -> int:
        return time.time_ns() - self._offset_ns

    def _clock(self) -> ClockState:
        return ClockState(market_ns=self._now(), wall_ns=time.time_ns(), speed=1.0, session_date=SESSION)

    def _answer(self, question: p.Question) -> p.Answered:
        answers: dict[type[p.Ask], Callable[[], p.Answered]] = {
            p.Hello: lambda: p.Welcome(p.VENUE_PROTOCOL, "sim", os.getpid(), 7, self._clock(), 0),
            p.GetClock: lambda: p.Clock(self._clock()),
            p.GetInstruments: lambda: p.Instruments(tuple(instrument(name) for name in self._flow.names)),
            p.GetBars: lambda: p.Bars(()),
            p.GetOpenOrders: lambda: p.Orders(()),
            p.GetOrder: lambda: p.Orders(()),
            p.GetFills: lambda: p.Fills((), 0, True),
            p.GetAccount: lambda: p.AccountNow(
                VenueAccount(account_id="main", cash=Decimal(0), positions={}, last_report_seq=0, ts_event=self._now())
            ),
        }
        return answers.get(type(question), p.Done)()

    async def _feed(self, writer: asyncio.StreamWriter) -> None:
        """At the rate, in turns, catching up after a late one; who does not read holds the feed back, not its times."""
        writer.write(p.encode_frame(p.MarketBatch((), self._now(), clock=self._clock(), is_snapshot=True)))
        await self._go.wait()
        quotes, trades = templates(self._flow.names)
        flow, begun = self._flow, time.monotonic_ns()
        first_ns, most, held = self._now(), int(BEHIND_S * flow.rate), 0
        self._lateness.begin(first_ns)
        while self.sent < flow.events:
            due = min(flow.events, (time.monotonic_ns() - begun) * flow.rate // 1_000_000_000, self.sent + most)
            due -= due % PRINT_EVERY
            if due > self.sent:
                times = first_ns + np.arange(self.sent, due) * 1_000_000_000 // flow.rate
                prints = times[PRINT_EVERY - 1 :: PRINT_EVERY]
                plain = np.delete(times, np.s_[PRINT_EVERY - 1 :: PRINT_EVERY])
                place = self.sent // PRINT_EVERY
                events = quotes.filled(place * (PRINT_EVERY - 1), plain), trades.filled(place, prints)
                packed = batch(*events, due - self.sent, int(times[-1]))
                handed = time.monotonic_ns()
                late = handed - begun - self.sent * 1_000_000_000 // flow.rate
                self._lateness.note(self.sent, due, max(0, late - held))
                writer.write(packed)
                self.late_s = max(self.late_s, late / 1e9)
                self.sent = due
                await writer.drain()
                held = time.monotonic_ns() - handed
                self.held_s += held / 1e9
            elif self.sent + PRINT_EVERY > flow.events:
                break
            await asyncio.sleep(TURN_S)
        self.done.set()


def instrument(name: str) -> Instrument:
    """A share that trades in cents."""
    return Instrument(
        instrument_id=name, name=name, asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
    )


def market_offset_ns() -> int:
    """Wall time minus market time: the market is an hour into its session, whenever the bench is run."""
    session = load_calendar().session(SESSION)
    assert session is not None
    return time.time_ns() - session.open - 3600 * 1_000_000_000


def feed(socket: Path, flow: Flow, offset_ns: int, lateness: Lateness, pipe: Connection) -> None:
    """The feeder's process: says when it listens, feeds at "go", tells what it did, ends at the next word."""

    async def main() -> None:
        ensure_private(socket.parent)
        venue = FeedVenue(flow, offset_ns, lateness)
        server = await asyncio.start_unix_server(venue.serve, path=str(socket))
        pipe.send("listening")
        await asyncio.to_thread(pipe.recv)
        venue.start()
        await venue.done.wait()
        told = {"feeder_late_ms": venue.late_s * 1e3, "feeder_held_s": venue.held_s}
        pipe.send({"sent": venue.sent, **told, "feeder_cpu_s": time.process_time()})
        await asyncio.to_thread(pipe.recv)
        server.close()

    asyncio.run(main())


def start_feeder(socket: Path, flow: Flow, offset_ns: int, lateness: Lateness) -> Connection:
    """A feeder that listens; the pipe to it."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=feed, args=(socket, flow, offset_ns, lateness, theirs), daemon=True
    )
    process.start()
    theirs.close()  # a feeder that dies is heard of
    ours.recv()
    return ours
