"""A recorded session as a `MarketSource`: the same events in the same order, read a turn at a time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stockpulse_engine.domain.errors import InvalidValueError, InvariantError, NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent, NewsItem, Quote, Trade
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.venue.cut import MINUTE_NS, BarColumns, concatenate
from stockpulse_engine.venue.recording.tape import EVENTS, FILE, SNAPSHOT, decode_events, read_frames, survey
from stockpulse_engine.venue.replay.history import ReplayHistory
from stockpulse_engine.venue.replay.past import Past
from stockpulse_engine.venue.replay.track import Track, minute_row, whole


class Due(NamedTuple):
    """An event and the market time at which it is told again."""

    at_ns: int
    event: MarketEvent


class NoPast:
    """Nothing is known from before the recording."""

    def minutes(self, _key: str) -> BarColumns:
        """None."""
        return concatenate([])

    def days(self, _key: str) -> BarColumns:
        """None."""
        return concatenate([])


class RecordedSource:
    """Plays one recording from its first moment to its last."""

    def __init__(self, directory: Path, calendar: Calendar | None = None, past: Past | None = None) -> None:
        """Read through the recording.

        Raises:
            NotFoundError: there is none.
            IntegrityError: its beginning can not be read.
        """
        self._path = directory / FILE
        self._survey = survey(directory)
        self._calendar = calendar or load_calendar("XNYS")
        self._instruments = {each.instrument_id: each for each in self._survey.head.instruments}
        first = self._calendar.current_or_next(self.first_ns).date
        self._history = ReplayHistory(past or NoPast(), self._calendar, first)
        self._reset()

    @property
    def name(self) -> str:
        """The recording's name."""
        return self._survey.head.name

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What was traded when the recording began."""
        return tuple(self._instruments.values())

    @property
    def first_ns(self) -> int:
        """Market time at which it began."""
        return self._survey.head.market_ns

    @property
    def last_ns(self) -> int | None:
        """Market time of its last turn."""
        return self._survey.last_ns

    def session_date(self, ns: int) -> str:
        """The session `ns` lies in or, when closed, the one to come."""
        return self._calendar.current_or_next(ns).date

    def tally(self) -> SourceCounts:
        """What was played so far, and whether the recording is whole."""
        view = self._survey.view()
        gaps = (f"it ends early: {view.detail}",) if view.detail else ()
        said = f"recording {view.name} of {view.world}: {view.events:,} events"
        return SourceCounts(quotes=self._quotes, trades=self._trades, played=(said,), gaps=gaps)

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """The snapshot it began with, brought to `at_ns`."""
        if at_ns < self.first_ns:
            raise InvalidValueError("The recording begins later.", fix="Open it at its beginning or after.")
        self._reset()
        self._now = at_ns
        news: deque[MarketEvent] = deque(maxlen=3)
        latest: dict[tuple[type, str], MarketEvent] = {}
        for event in [*self._snapshot(), *self._take(at_ns)]:
            if isinstance(event, NewsItem):
                news.append(event)
            else:
                latest[type(event), event.instrument_id] = event
        return [*latest.values(), *news]

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """Events after the last call up to and including `to_ns`."""
        if not self._now:
            raise InvariantError("A market source must be opened with seed_events before it is read.")
        self._now = max(self._now, to_ns)
        return list(self._take(to_ns))

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """Bars of what was printed so far."""
        track = self._tracks.get(instrument_id)
        if track is None:
            known = ", ".join(sorted(self._instruments)[:8])
            raise NotFoundError(f"{instrument_id[:40]!r} is not in this recording.", fix=f"It has {known}.")
        end = self._now + 1 if end_ns is None else end_ns
        printed = self._printed[instrument_id]
        return self._history.bars(track, spec, limit, end, now_ns=self._now, printed=printed)

    def _reset(self) -> None:
        self._now = 0
        self._quotes = self._trades = 0
        self._tracks = {name: Track(each, name, source="recorded") for name, each in self._instruments.items()}
        self._printed: dict[str, list[Trade]] = defaultdict(list)
        self._waiting: deque[Due] = deque()
        self._turns = self._read()

    def _snapshot(self) -> Sequence[MarketEvent]:
        with self._path.open("rb") as file:
            for frame in read_frames(file):
                if frame.kind == SNAPSHOT:
                    return decode_events(frame.payload)
        return ()

    def _read(self) -> Iterator[list[Due]]:
        """One turn after the other; an event is told at its own time, or at the turn's where it came late."""
        before = self.first_ns
        with self._path.open("rb") as file:
            for frame in read_frames(file):
                if frame.kind == EVENTS:
                    turn: list[Due] = []
                    for event in decode_events(frame.payload):
                        before = max(before, min(event.ts_event, frame.at_ns))
                        turn.append(Due(before, event))
                    before = max(before, frame.at_ns)
                    yield turn

    def _take(self, to_ns: int) -> Iterator[MarketEvent]:
        while True:
            while self._waiting and self._waiting[0].at_ns <= to_ns:
                event = self._waiting.popleft().event
                self._note(event)
                yield event
            turn = None if self._waiting else next(self._turns, None)
            if turn is None:
                return
            self._waiting.extend(turn)

    def _note(self, event: MarketEvent) -> None:
        """Keep what bars are made of."""
        if isinstance(event, Quote):
            self._quotes += 1
        elif isinstance(event, Trade):
            self._trades += 1
            track = self._tracks.get(event.instrument_id)
            if track is not None:
                self._print(track, event)

    def _print(self, track: Track, trade: Trade) -> None:
        printed = self._printed[trade.instrument_id]
        if printed and printed[0].ts_event // MINUTE_NS != trade.ts_event // MINUTE_NS:
            price, size = (np.array([float(getattr(one, name)) for one in printed]) for name in ("price", "size"))
            track.minutes.append(minute_row(printed[0].ts_event // MINUTE_NS * MINUTE_NS, price, size))
            printed.clear()
        printed.append(trade)
        if trade.is_auction:
            track.auctions.append((trade.ts_event, whole(float(trade.price)), whole(float(trade.size))))
