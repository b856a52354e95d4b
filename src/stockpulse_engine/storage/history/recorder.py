"""Recording: what the bus carries goes into the live tail, on a thread of its own.

The market's turn encodes: five hundred events become a few bytes in less than a millisecond, and where a disk or a
busy machine lets them wait, they wait as bytes. A thread writes them twenty times a second, encodes what a quiet market
has left over, and syncs once a second: it holds the interpreter for next to nothing. A killed process loses what is
waiting, a power cut one second of ticks and the open bars.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import Bar, Quote, Trade
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.storage.history.layout import Layout, require_source
from stockpulse_engine.storage.history.minutebars import MinuteBars
from stockpulse_engine.storage.history.tail import Batch, encode_frame
from stockpulse_engine.storage.history.taillogs import TailLogs

MAX_QUEUED: Final = 200_000
"""Events that wait for the disk before new ones are dropped and counted."""
CHUNK: Final = 500
"""Events encoded in one go: the market waits for that, so it is less than a millisecond."""
TAKE_S: Final = 0.05
SYNC_NS: Final = 1_000_000_000
Event = Quote | Trade | ClockState


class RecorderState(NamedTuple):
    """What a recorder says of itself."""

    written: int
    dropped: int
    """Events that found the queue full, or that could not be written."""
    late: int
    """Prints that came after their minute was closed."""
    failure: str
    """Why nothing is written any more; "" while all is well."""


class Encoded(NamedTuple):
    """Events of one stream as they are appended to its log; `bars` where they are bars."""

    stream: str
    frame: bytes
    events: int
    recorded_at: int
    bars: tuple[Bar, ...] = ()


class Encoding:
    """Turns events into what is appended, and prints into minute bars. Not for two threads at once."""

    def __init__(self, clock: Clock, calendar: Calendar, source: str) -> None:
        self._clock = clock
        self._source = source
        self._bars = MinuteBars(calendar, source)
        self._quotes_at: dict[str, tuple[int, int]] = {}
        self._trades_at: dict[str, tuple[int, int]] = {}

    @property
    def late(self) -> int:
        """Prints that came after their minute was closed."""
        return self._bars.late

    def encoded(self, events: Iterable[Event]) -> list[Encoded]:
        """Events, and the bars they close."""
        quotes: list[Quote] = []
        trades: list[Trade] = []
        bars: list[Bar] = []
        for event in events:
            if isinstance(event, Quote):
                quotes.append(event)
            elif isinstance(event, Trade):
                trades.append(event)
                bar = self._bars.take(event)
                if bar is not None:
                    bars.append(bar)
            else:
                self._bars.move(event.market_ns)
                bars += self._bars.closed()
        now = self._clock.now_ns()
        made: list[Encoded] = []
        if quotes:
            batch = Batch(self._source, now, numbered(quotes, self._quotes_at), quotes)
            made.append(Encoded(QUOTES, encode_frame(batch), len(quotes), now))
        if trades:
            prints = Batch(self._source, now, numbered(trades, self._trades_at), trades)
            made.append(Encoded(TRADES, encode_frame(prints), len(trades), now))
        if bars:
            closed = Batch(self._source, now, [], bars)
            made.append(Encoded(BARS, encode_frame(closed), len(bars), now, tuple(bars)))
        return made


class Writing:
    """Appends what was encoded to the logs, and syncs them."""

    def __init__(self, logs: TailLogs, clock: Clock, source: str) -> None:
        self._logs = logs
        self._clock = clock
        self._source = source
        self._synced_at = clock.monotonic_ns()
        self.written = 0

    def put(self, made: Iterable[Encoded]) -> None:
        """Append; bars reach the hot tier as well."""
        for one in made:
            self._logs.append(one.stream, one.frame)
            if one.bars:
                self._logs.make_hot(self._source, one.recorded_at, one.bars)
            self.written += one.events

    def sync(self, *, is_due: bool = False) -> None:
        """Make it durable, when a second has passed or it is due."""
        now = self._clock.monotonic_ns()
        if is_due or now - self._synced_at >= SYNC_NS:
            self._logs.sync()
            self._synced_at = now

    def close(self) -> None:
        """Sync and let go of the logs."""
        self._logs.close()


class Recording:
    """Writes events into the tail, in the caller's turn: the recorder's work, without the thread."""

    def __init__(self, logs: TailLogs, clock: Clock, calendar: Calendar, source: str) -> None:
        self._encoding = Encoding(clock, calendar, source)
        self._writing = Writing(logs, clock, source)

    @property
    def late(self) -> int:
        """Prints that came after their minute was closed."""
        return self._encoding.late

    @property
    def written(self) -> int:
        """Events and bars in the logs."""
        return self._writing.written

    def write(self, events: Iterable[Event]) -> None:
        """Write events and the bars they close."""
        self._writing.put(self._encoding.encoded(events))

    def sync(self, *, is_due: bool = False) -> None:
        """Make it durable, when a second has passed or it is due."""
        self._writing.sync(is_due=is_due)

    def close(self) -> None:
        """Sync and let go of the logs."""
        self._writing.close()


def numbered(events: Sequence[Quote | Trade], last: dict[str, tuple[int, int]]) -> list[int]:
    """Which of its instrument's ticks of that moment each one is; `last` holds the newest moment and count of each."""
    found: list[int] = []
    for event in events:
        name, moment = event.instrument_id, event.ts_event
        before = last.get(name)
        count = before[1] + 1 if before is not None and before[0] == moment else 0
        last[name] = (moment, count)
        found.append(count)
    return found


class HistoryRecorder:
    """Records what a bus carries from `start` to `stop`."""

    def __init__(  # noqa: PLR0917 - the parts of one join, made in one place
        self, bus: Bus, layout: Layout, clock: Clock, calendar: Calendar, source: str, on_failure: Callable[[str], None]
    ) -> None:
        self._bus = bus
        self._on_failure = on_failure
        self._layout, self._clock = layout, clock
        self._source = require_source(source)
        self._encoding = Encoding(clock, calendar, self._source)
        self._events: deque[Event] = deque()
        self._frames: deque[tuple[int, list[Encoded]]] = deque()
        """What waits for the disk, and of how many events it is made."""
        self._turn = threading.Lock()
        """Whoever encodes, and whoever counts what waits."""
        self._waiting = self._chunks = 0
        self._dropped = 0
        self._failure = ""
        self._writing: Writing | None = None
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history-recorder", daemon=True)
        self._leave: list[Callable[[], None]] = []

    def start(self) -> None:
        """Listen, and write on a thread."""
        self.listen()
        self._thread.start()

    def listen(self) -> None:
        """Queue what the bus carries from now on."""
        if not self._leave:
            take = self._take
            self._leave = [self._bus.subscribe(Quote, take), self._bus.subscribe(Trade, take)]
            self._leave.append(self._bus.subscribe(ClockState, take))

    def stop(self) -> None:
        """Write what is queued, sync, and end; blocks until that is done."""
        for leave in self._leave:
            leave()
        self._is_stopping.set()
        self._thread.join()

    def state(self) -> RecorderState:
        """How it goes."""
        written = self._writing.written if self._writing is not None else 0
        return RecorderState(written, self._dropped, self._encoding.late, self._failure)

    def _take(self, event: Event) -> None:
        """One event of the bus: a place in the queue, and every now and then the encoding of what is there."""
        if self._failure or self._waiting + len(self._events) >= MAX_QUEUED:
            self._dropped += 1
            return
        self._events.append(event)
        if len(self._events) >= CHUNK:
            self._chunks += 1
            self._encode()

    def _encode(self) -> None:
        with self._turn:
            events = [self._events.popleft() for _ in range(min(CHUNK, len(self._events)))]
            if events:
                self._frames.append((len(events), self._encoding.encoded(events)))
                self._waiting += len(events)

    def _run(self) -> None:
        try:
            writing = self._writing = Writing(TailLogs(self._layout), self._clock, self._source)
            chunks = 0
            while not self._is_stopping.wait(TAKE_S):
                if chunks == self._chunks:  # a market that is not busy leaves its events to this thread
                    self._encode()
                chunks = self._chunks
                self._write(writing)
                writing.sync()
            while self._events:
                self._encode()
            self._write(writing)
            writing.close()
        except (StockPulseError, OSError) as error:  # a full disk ends recording, not trading
            self._failure = str(error)
            self._dropped += self._waiting + len(self._events)
            self._events.clear()
            self._frames.clear()
            self._on_failure(self._failure)

    def _write(self, writing: Writing) -> None:
        while self._frames:
            count, made = self._frames.popleft()
            writing.put(made)
            with self._turn:
                self._waiting -= count
