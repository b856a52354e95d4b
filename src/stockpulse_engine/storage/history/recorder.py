"""Recording: what the bus carries goes into the live tail, on a thread of its own.

The market's turn pays one append to a bounded queue. The thread takes what is there twenty times a second, writes it,
and syncs once a second: a killed process loses what is in the queue, a power cut one second of ticks and the open bars.
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
from stockpulse_engine.storage.history.taillogs import TailLogs

MAX_QUEUED: Final = 200_000
"""Events that wait for the disk before new ones are dropped and counted."""
CHUNK: Final = 500
"""Events encoded in one go: the interpreter is not held for longer than about a millisecond."""
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


class Recording:
    """Writes events into the tail, in the caller's turn: the thread's work, without the thread."""

    def __init__(self, logs: TailLogs, clock: Clock, calendar: Calendar, source: str) -> None:
        self._logs = logs
        self._clock = clock
        self._source = source
        self._bars = MinuteBars(calendar, source)
        self._quotes_at: dict[str, tuple[int, int]] = {}
        self._trades_at: dict[str, tuple[int, int]] = {}
        self._synced_at = clock.monotonic_ns()
        self.written = 0

    @property
    def late(self) -> int:
        """Prints that came after their minute was closed."""
        return self._bars.late

    def write(self, events: Iterable[Event]) -> None:
        """Write events and the bars they close."""
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
        if quotes:
            self._logs.append(QUOTES, self._source, now, numbered(quotes, self._quotes_at), quotes)
        if trades:
            self._logs.append(TRADES, self._source, now, numbered(trades, self._trades_at), trades)
        if bars:
            self._logs.append(BARS, self._source, now, [], bars)
        self.written += len(quotes) + len(trades) + len(bars)

    def sync(self, *, is_due: bool = False) -> None:
        """Make it durable, when a second has passed or it is due."""
        now = self._clock.monotonic_ns()
        if is_due or now - self._synced_at >= SYNC_NS:
            self._logs.sync()
            self._synced_at = now

    def close(self) -> None:
        """Sync and let go of the logs."""
        self._logs.close()


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
        self._layout, self._clock, self._calendar = layout, clock, calendar
        self._source = require_source(source)
        self._queue: deque[Event] = deque()
        self._dropped = 0
        self._failure = ""
        self._recording: Recording | None = None
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
        recording = self._recording
        counts = (0, 0) if recording is None else (recording.written, recording.late)
        return RecorderState(counts[0], self._dropped, counts[1], self._failure)

    def _take(self, event: Event) -> None:
        if len(self._queue) >= MAX_QUEUED or self._failure:
            self._dropped += 1
        else:
            self._queue.append(event)

    def _run(self) -> None:
        try:
            recording = Recording(TailLogs(self._layout), self._clock, self._calendar, self._source)
            self._recording = recording
            while not self._is_stopping.wait(TAKE_S):
                self._drain(recording)
                recording.sync()
            self._drain(recording)
            recording.close()
        except (StockPulseError, OSError) as error:  # a full disk ends recording, not trading
            self._failure = str(error)
            self._dropped += len(self._queue)
            self._queue.clear()
            self._on_failure(self._failure)

    def _drain(self, recording: Recording) -> None:
        while self._queue:
            recording.write([self._queue.popleft() for _ in range(min(CHUNK, len(self._queue)))])
