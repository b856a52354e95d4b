"""The venue as a whole, without its socket: one turn drives the market, answers what was asked and commits.

The order inside a turn matters. The market is brought to now first, so that no request meets a market older than
itself; then requests are answered at that time; then everything is on disk; only then may anything be told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import SECOND_NS, MarketEvent, NewsItem
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue.actions import apply_action, mark_delisted
from stockpulse_engine.venue.desk import AccountReport, Desk
from stockpulse_engine.venue.fed import FedSource
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.intake import Intake
from stockpulse_engine.venue.matching import Matcher, Rules
from stockpulse_engine.venue.protocol import FeedEvents
from stockpulse_engine.venue.recording.tape import VERSION, Head
from stockpulse_engine.venue.recording.writer import Limits, SessionRecorder
from stockpulse_engine.venue.source import ActionSource, CountingSource, DueAction, MarketSource
from stockpulse_engine.venue.store import Identity, VenueStore
from stockpulse_engine.venue.withholding import Withholding

CHUNK_NS = 2 * SECOND_NS
"""Market time played in one go, to bound memory."""
BUDGET_NS = 15_000_000
"""Wall time one turn may spend on playing the market; what it does not reach it does not owe."""
MARK_NS = SECOND_NS
"""Wall time between two notes of the market time in an otherwise idle store."""
MAX_NEWS = 50


class Time(Protocol):
    """Market time as the exchange needs it: see `clock.MarketTime` and `clock.WallTime`."""

    @property
    def is_still(self) -> bool:
        """Whether time stands."""
        ...

    @property
    def is_stepping(self) -> bool:
        """Whether a step of the paused market is still being played."""
        ...

    def target(self) -> int:
        """How far the source may be advanced."""
        ...

    def reached(self, market_ns: int) -> bool:
        """It was advanced; True when clients need to hear of the clock."""
        ...

    def set_speed(self, _speed: float) -> None:
        """See `clock.MarketTime`."""
        ...

    def pause(self) -> None:
        """See `clock.MarketTime`."""
        ...

    def resume(self) -> None:
        """See `clock.MarketTime`."""
        ...

    def step(self, _nanoseconds: int) -> None:
        """See `clock.MarketTime`."""
        ...

    def seek(self, _to_ns: int) -> None:
        """See `clock.MarketTime`."""
        ...

    def state(self) -> ClockState:
        """For clients."""
        ...


class Played(msgspec.Struct):
    """What one turn did to the market."""

    events: list[MarketEvent]
    is_clock_news: bool


class Exchange:
    """Source, books, desk and store of one world."""

    def __init__(
        self,
        identity: Identity,
        source: MarketSource,
        store: VenueStore,
        *,
        rules: Rules,
        fees: FeeSchedule,
        tax: Withholding | None = None,
    ) -> None:
        self.identity = identity
        self.source = source
        self.store = store
        self.desk = Desk(fees, store.epoch, store.counters)
        self.matcher = Matcher(self.desk, rules, source.instruments, source.session_date)
        self.news: deque[NewsItem] = deque(maxlen=MAX_NEWS)
        self.recorder: SessionRecorder | None = None
        """The recording that is made, or that ended last."""
        self.tax = tax or Withholding()
        self._source_ns = 0
        self._marked_at = 0

    def open(self, market_ns: int, time: Time, wall: Clock) -> None:
        """Seed the market at `market_ns`, put resting orders back and commit what follows from that."""
        self.time = time
        self._wall = wall
        self.intake = Intake(self.desk, self.matcher, self.store.find_order, lambda: time.is_still)
        self._source_ns = market_ns
        if isinstance(self.source, FedSource):
            self._learn(self.source, self.store.load_instruments())
        self.matcher.seed(self.source.seed_events(market_ns), market_ns)
        self._mark_delisted(market_ns)
        orders = self.store.load_orders()
        self.desk.restore(orders, self.store.load_accounts())
        self.matcher.restore(orders)
        self.commit(is_forced=True)

    @property
    def market_ns(self) -> int:
        """How far the market has been played."""
        return self._source_ns

    def play(self) -> Played:
        """Bring the market to now, or as near as the turn's budget of wall time allows."""
        target, started = self.time.target(), self._wall.monotonic_ns()
        events: list[MarketEvent] = []
        while self._source_ns < target:
            reach = min(target, self._source_ns + CHUNK_NS)
            due = self._due_action(self._source_ns)
            self._source_ns = reach if due is None else min(reach, due.at_ns)
            events += self._advance(self._source_ns)
            if due is not None and due.at_ns == self._source_ns:
                self.matcher.advance(self._source_ns)
                events += apply_action(self.matcher, due, self.tax)
            if self._wall.monotonic_ns() - started > BUDGET_NS:
                break
        if self._source_ns == target and isinstance(self.source, FedSource):
            events += self._advance(target)
        self.matcher.advance(self._source_ns)
        if self.recorder is not None:
            self.recorder.write(self._source_ns, events)
        return Played(events, self.time.reached(self._source_ns))

    def commit(self, *, is_forced: bool = False) -> list[AccountReport]:
        """Write what changed and return its reports; now they may be told.

        Raises:
            UnavailableError: the disk refused; memory is ahead of the store and the process must end.
        """
        self.matcher.advance(self.matcher.now)
        turn, wall = self.desk.take_turn(), self._wall.monotonic_ns()
        if turn.is_empty and not is_forced and wall - self._marked_at < MARK_NS:
            return []
        self._marked_at = wall
        self.store.commit(turn, self.desk.counters, self._source_ns, self.source.session_date(self._source_ns))
        return turn.reports

    def feed(self, fed: FeedEvents) -> bool:
        """Take in outside data; False when this world makes its own market."""
        if not isinstance(self.source, FedSource):
            return False
        new = [each for each in fed.instruments if each not in self.source.instruments]
        if new:
            self.store.keep_instruments(new)
            self._learn(self.source, new)
        self.source.feed(fed.events, (), self._source_ns)
        self.matcher.feed_lives()
        return True

    def start_recording(self, shelf: Path, name: str, limits: Limits) -> None:
        """Write down every event from now on; raises InvalidValueError when one is being made already."""
        if self.recorder is not None and self.recorder.is_open:
            fix = "Stop it first: sp record stop."
            raise InvalidValueError(f"{self.recorder.view().name} is being recorded already.", fix=fix)
        head = Head(
            version=VERSION,
            name=name,
            world=self.identity.world,
            seed=self.identity.seed,
            started_at=self._wall.now_ns(),
            market_ns=self._source_ns,
            instruments=tuple(self.source.instruments),
        )
        self.recorder = SessionRecorder(shelf, head, self._wall, limits)
        self.recorder.begin(self.snapshot())

    def stop_recording(self) -> None:
        """End the recording; raises InvalidValueError when none is made."""
        if self.recorder is None or not self.recorder.is_open:
            raise InvalidValueError("Nothing is being recorded.", fix="sp record start NAME begins.")
        self.recorder.close()

    def tally(self) -> SourceCounts | None:
        """What a recording held so far; None where the market is made or fed."""
        return self.source.tally() if isinstance(self.source, CountingSource) else None

    def snapshot(self) -> tuple[MarketEvent, ...]:
        """State of the market now: status, quote, depth and last print of each instrument, and recent news."""
        shown: list[MarketEvent | None] = []
        for book in self.matcher.books.values():
            shown += (book.status, book.last_trade, book.quote, book.depth)
        return (*(event for event in shown if event is not None), *self.news)

    def _due_action(self, after_ns: int) -> DueAction | None:
        return self.source.next_action(after_ns) if isinstance(self.source, ActionSource) else None

    def _mark_delisted(self, until_ns: int) -> None:
        """What was delisted before this start."""
        due = self._due_action(0)
        while due is not None and due.at_ns <= until_ns:
            mark_delisted(self.matcher, due)
            due = self._due_action(due.at_ns)

    def _learn(self, source: FedSource, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self.matcher.add_instrument(instrument)
        source.feed((), instruments, self._source_ns)

    def _advance(self, to_ns: int) -> Sequence[MarketEvent]:
        events = self.source.advance(to_ns)
        self._take_in(events)
        return events

    def _take_in(self, events: Iterable[MarketEvent]) -> None:
        for event in events:
            if isinstance(event, NewsItem):
                self.news.append(event)
            self.matcher.on_event(event)
