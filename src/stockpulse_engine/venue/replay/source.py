"""A recorded market as a `MarketSource`: merged in order of time, a minute at a time, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from stockpulse_engine.domain.errors import InvalidValueError, InvariantError, NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import (
    SECOND_NS,
    Bar,
    BarSpec,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    Quote,
    Trade,
)
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.venue.batch import EventBlock
from stockpulse_engine.venue.replay.between import SPLITS, due_actions, splits_by
from stockpulse_engine.venue.replay.day import MINUTE_NS, TICKS, ReplayDay
from stockpulse_engine.venue.replay.history import ReplayHistory
from stockpulse_engine.venue.replay.phases import PhaseChange
from stockpulse_engine.venue.replay.rows import Counts, TradeRows
from stockpulse_engine.venue.replay.script import Script, script_of_files
from stockpulse_engine.venue.replay.track import Played, Track, depth_of
from stockpulse_engine.venue.restate import restated
from stockpulse_engine.venue.source import DueAction


class ReplaySource:
    """Plays recordings. Nothing is smoothed: crossed quotes are counted and left out, doubtful rows refused."""

    def __init__(self, name: str, played: Sequence[Path] | Script, calendar: Calendar | None = None) -> None:
        """Open a replay called `name` of recordings in files, or of a script that was made elsewhere.

        Raises:
            InvalidValueError: a file is not understood, or nothing in the files can be played.
            NotFoundError: a path leads nowhere.
        """
        self._name = name or TICKS
        self._calendar = calendar or load_calendar("XNYS")
        script = played if isinstance(played, Script) else script_of_files(played, self._calendar)
        self._script = script
        self._plan = script.plan
        self._history = ReplayHistory(script.past, self._calendar, self._plan.dates[0])
        self._instruments = dict(script.instruments)
        self._ids = {each.instrument_id: symbol for symbol, each in self._instruments.items()}
        self._spans = [self._span(date) for date in self._plan.dates]
        self._due = due_actions(script.actions, self._spans, self._calendar)
        self._now = 0
        self._reset()

    @property
    def name(self) -> str:
        """The name the replay was given."""
        return self._name

    @property
    def calendar(self) -> Calendar:
        """Sessions of the exchange."""
        return self._calendar

    @property
    def counts(self) -> Counts:
        """What was read so far, and what of it was not played."""
        return self._counts

    def tally(self) -> SourceCounts:
        """The same counts for whoever asks the venue."""
        counts = self._counts
        return SourceCounts(
            quotes=counts.quotes,
            trades=counts.trades,
            crossed=counts.crossed,
            locked=counts.locked,
            refused=dict(counts.refused),
            played=self._script.played,
            gaps=self._script.gaps,
        )

    @property
    def crossed_count(self) -> int:
        """Moments at which bid and ask were crossed or locked: counted, never shown, never traded on."""
        return self._counts.crossed + self._counts.locked

    @property
    def instruments(self) -> Sequence[Instrument]:
        """Everything played, by symbol."""
        return tuple(self._instruments.values())

    @property
    def first_ns(self) -> int:
        """A second before the first day's pre-market, or before its first minute where that is earlier."""
        return self._span(self._plan.dates[0])[0] - SECOND_NS

    @property
    def last_ns(self) -> int | None:
        """Time of the last row or change of phase."""
        return self._span(self._plan.dates[-1])[1]

    def end_of_night(self, ns: int) -> int | None:
        """When the next day played begins; None inside one. Days without anything are passed over like a night."""
        place = bisect_right(self._spans, ns, key=lambda span: span[0]) - 1
        if place >= 0 and ns < self._spans[place][1]:
            return None
        return self._spans[place + 1][0] if place + 1 < len(self._spans) else None

    def next_action(self, after_ns: int) -> DueAction | None:
        """The first corporate action due after a moment."""
        place = bisect_right(self._due, after_ns, key=lambda due: due.at_ns)
        return self._due[place] if place < len(self._due) else None

    def _span(self, date: str) -> tuple[int, int]:
        """First minute and last moment of a day."""
        parts = self._plan.parts[date]
        first, last = min(part.first_ns for part in parts), max(part.last_ns for part in parts)
        session = self._calendar.session(date)
        if session is not None:
            first, last = min(first, session.pre_open), max(last, session.post_close)
        return first // MINUTE_NS * MINUTE_NS, last

    def session_date(self, ns: int) -> str:
        """The session `ns` lies in or, when closed, the one to come."""
        return self._calendar.current_or_next(ns).date

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """Play silently up to `at_ns` and tell the state then."""
        if at_ns < self.first_ns:
            span = f"{self._plan.dates[0]} to {self._plan.dates[-1]}"
            raise InvalidValueError(f"The recordings hold {span}, not that moment.", fix="Open it inside.")
        self._reset()
        self._now = at_ns
        while self._next is not None and self._next[1] + MINUTE_NS <= at_ns:
            self._step(is_shown=False)
        quotes = {name: self._in_new_shares(quote, at_ns) for name, quote in self._shown_quotes() if quote is not None}
        statuses = dict(self._statuses)
        self._step(is_shown=True)
        for event in self._block.take(at_ns):
            if isinstance(event, InstrumentStatus):
                statuses[event.instrument_id] = event
            elif isinstance(event, Quote):
                quotes[event.instrument_id] = event
        books = [event for quote in quotes.values() for event in (quote, depth_of(quote))]
        return [*statuses.values(), *books]

    def _in_new_shares(self, quote: Quote, at_ns: int) -> Quote:
        """A quote from before a split that has been applied by now."""
        for due in self._due:
            is_after = quote.ts_event < due.at_ns <= at_ns and due.action.kind in SPLITS
            if is_after and due.action.instrument_id == quote.instrument_id:
                tick = self._instruments[self._ids[quote.instrument_id]].tick_size
                quote = restated(quote, due, tick)
        return quote

    def _shown_quotes(self) -> Iterator[tuple[str, Quote | None]]:
        for track in self._tracks.values():
            yield track.instrument.instrument_id, track.quote()

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """Events after the last call up to and including `to_ns`."""
        self._require_open()
        events: list[MarketEvent] = []
        while to_ns > self._now:
            events += self._block.take(to_ns)
            if self._begin + MINUTE_NS > to_ns or self._is_over:
                break
            self._step(is_shown=True)
        self._now = max(self._now, to_ns)
        return events

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """Bars known now: printed so far, and older ones from the files."""
        self._require_open()
        symbol = self._ids.get(instrument_id)
        if symbol is None:
            known = ", ".join(sorted(self._ids)[:8])
            raise NotFoundError(f"{instrument_id[:40]!r} is not in this replay.", fix=f"It has {known}.")
        printed = [
            event for event in self._block.taken() if isinstance(event, Trade) and event.instrument_id == instrument_id
        ]
        end = self._now + 1 if end_ns is None else end_ns
        splits = splits_by(self._script.actions, instrument_id, self._now, self._calendar)
        return self._history.bars(
            self._tracks[symbol], spec, limit, end, now_ns=self._now, printed=printed, splits=splits
        )

    def _require_open(self) -> None:
        if not self._now:
            raise InvariantError("A market source must be opened with seed_events before it is read.")

    def _reset(self) -> None:
        self._counts = Counts()
        self._tracks = {symbol: Track(each, symbol) for symbol, each in self._instruments.items()}
        self._statuses = {
            name: InstrumentStatus(name, MarketPhase.CLOSED, False, self.first_ns, "", TICKS) for name in self._ids
        }
        self._block = EventBlock()
        self._begin = 0
        self._is_over = False
        self._trades: dict[str, TradeRows] = {}
        self._minutes = self._walk()
        self._next = next(self._minutes, None)

    def _walk(self) -> Iterator[tuple[ReplayDay, int]]:
        """Every minute of every day that is played."""
        for date in self._plan.dates:
            session = self._calendar.session(date)
            day = ReplayDay(self._plan.parts[date], session, self._instruments, self._counts)
            for begin in range(day.begin, day.last + 1, MINUTE_NS):
                yield day, begin

    def _step(self, *, is_shown: bool) -> None:
        """Finish the running minute and take in the next one, with its events or silently."""
        for symbol, trades in self._trades.items():
            self._tracks[symbol].finish_minute(self._begin, trades)
        self._trades, self._block = {}, EventBlock()
        if self._next is None:
            self._is_over = True
            return
        day, self._begin = self._next
        if self._begin == day.begin:
            for symbol, track in self._tracks.items():
                track.start_day(day.source_of(symbol))
            self._split_tracks(day)
        changes = day.changes(self._begin)
        self._statuses |= {change.status.instrument_id: change.status for change in changes}
        played = self._play(day)
        self._next = next(self._minutes, None)
        if is_shown:
            self._block = _written(changes, played)

    def _split_tracks(self, day: ReplayDay) -> None:
        """What was shown on the days before was shown of old shares."""
        for due in self._due:
            if due.at_ns == day.begin - SECOND_NS or day.begin - SECOND_NS < due.at_ns < day.begin:
                symbol = self._ids.get(due.action.instrument_id)
                if symbol is not None and due.action.kind in SPLITS:
                    self._tracks[symbol].split(due)

    def _play(self, day: ReplayDay) -> list[Played]:
        played = []
        for symbol, (quotes, trades) in day.rows(self._begin).items():
            played.append(self._tracks[symbol].play(quotes, trades, self._counts))
            self._trades[symbol] = trades
        return played


def _written(changes: Sequence[PhaseChange], played: Sequence[Played]) -> EventBlock:
    """One minute's events in order; an auction's print comes before the phase it ends."""
    block = EventBlock()
    for change in changes:
        if not change.after_trades:
            block.add(change.status)
    for each in played:
        each.write(block)
    for change in changes:
        if change.after_trades:
            block.add(change.status)
    return block.sort()
