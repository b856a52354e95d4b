"""The simulated market as a `MarketSource`: opens at any hour and plays on from there."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.domain.errors import InvalidValueError, InvariantError, NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import (
    Bar,
    BarSpec,
    Depth,
    InstrumentStatus,
    Level,
    MarketEvent,
    MarketPhase,
    Quote,
    Trade,
)
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.venue.batch import EventBlock
from stockpulse_engine.venue.market.blocks import SOURCE, BlockMaker, halt_status, make_block, minute_count
from stockpulse_engine.venue.market.history import History
from stockpulse_engine.venue.market.market import WARM_UP, SimulatedMarket
from stockpulse_engine.venue.market.minutes import MINUTE_NS

_SEED_NEWS = 3
"""Latest headlines of the session shown to whoever opens it in the middle."""


class SimulatedSource:
    """Plays a `SimulatedMarket`. The same seed gives the same events for the same time, however it is reached."""

    def __init__(self, market: SimulatedMarket) -> None:
        self._market = market
        self._instruments = tuple(listing.instrument() for listing in market.universe.listings)
        self._place = (0, 0)
        self._block = EventBlock()
        self._maker: BlockMaker | None = None
        self._now = 0

    @property
    def name(self) -> str:
        """`sim`."""
        return SOURCE

    @property
    def market(self) -> SimulatedMarket:
        """The market being played: its halts and news can be looked up ahead of time."""
        return self._market

    @property
    def calendar(self) -> Calendar:
        """The sessions the market trades in."""
        return self._market.calendar

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The whole universe."""
        return self._instruments

    @property
    def first_ns(self) -> int:
        """Start of the first session with three years of history before it."""
        return self._market.calendar.by_ordinal(WARM_UP).pre_open

    @property
    def last_ns(self) -> int | None:
        """A simulation never ends."""
        return None

    def session_date(self, ns: int) -> str:
        """The session `ns` lies in or, when closed, the one to come."""
        return self._market.calendar.current_or_next(ns).date

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """Status, quote and book of each instrument at `at_ns`, and the last few headlines."""
        if at_ns < self.first_ns:
            first = self._market.calendar.by_ordinal(WARM_UP).date
            raise InvalidValueError("The simulated market starts later.", fix=f"Open it at {first} or after.")
        session = self._market.calendar.current_or_previous(at_ns)
        minute = min((at_ns - session.pre_open) // MINUTE_NS, minute_count(session))
        self._open_block(session.ordinal, minute)
        self._block.take(at_ns)
        self._now = at_ns
        return [*self._statuses(session), *self._books(), *self._headlines(session)]

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """Events after the last call up to and including `to_ns`."""
        self._require_open()
        events: list[MarketEvent] = []
        while to_ns > self._now:
            events += self._block.take(to_ns)
            if self._block_end() > to_ns:
                break
            following = self._following()
            if following is None:
                break
            self._open_block(*following)
        self._now = max(self._now, to_ns)
        self._prepare()
        return events

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """Bars known now; intraday for 20 sessions back, daily and weekly for three years."""
        self._require_open()
        place = self._market.universe.index.get(instrument_id)
        if place is None:
            raise NotFoundError(
                f"{instrument_id[:40]!r} is not in the simulated market.",
                fix="It has names like AAPL.XNAS and SPY.ARCX.",
            )
        printed = [
            event for event in self._block.taken() if isinstance(event, Trade) and event.instrument_id == instrument_id
        ]
        history = History(self._market, self._now, printed)
        return history.bars(place, spec, limit, self._now + 1 if end_ns is None else end_ns)

    def _require_open(self) -> None:
        if not self._now:
            raise InvariantError("A market source must be opened with seed_events before it is read.")

    def _open_block(self, ordinal: int, minute: int) -> None:
        maker = self._maker
        if maker is None or maker.place != (ordinal, minute):
            maker = BlockMaker(self._market, ordinal, minute)
        self._maker = None
        self._place = (ordinal, minute)
        self._block = maker.finish()

    def _prepare(self) -> None:
        """Work on the next minute in step with this one: no call has to make a whole minute at once."""
        if self._maker is None:
            following = self._following()
            self._maker = following and BlockMaker(self._market, *following)
        if self._maker is not None:
            session = self._market.calendar.by_ordinal(self._place[0])
            begin = session.pre_open + self._place[1] * MINUTE_NS
            self._maker.work(min(1.0, (self._now - begin) / MINUTE_NS))

    def _block_end(self) -> int:
        """When the next block begins. At the end of the calendar the last one never ends, so time may run past it."""
        ordinal, minute = self._place
        session = self._market.calendar.by_ordinal(ordinal)
        if minute < minute_count(session):
            return session.pre_open + (minute + 1) * MINUTE_NS
        if ordinal + 1 >= len(self._market.calendar):
            return session.post_close
        return self._market.calendar.by_ordinal(ordinal + 1).pre_open

    def _following(self) -> tuple[int, int] | None:
        """Session and minute after the running one; None at the end of the calendar."""
        ordinal, minute = self._place
        if minute < minute_count(self._market.calendar.by_ordinal(ordinal)):
            return (ordinal, minute + 1)
        return (ordinal + 1, 0) if ordinal + 1 < len(self._market.calendar) else None

    def _statuses(self, session: Session) -> list[MarketEvent]:
        at, phase = [change for change in session.changes() if change[0] <= self._now][-1]
        return [self._status(place, session, at, phase) for place in range(len(self._instruments))]

    def _status(self, place: int, session: Session, at: int, phase: MarketPhase) -> InstrumentStatus:
        name = self._market.universe.ids[place]
        for halt in self._market.day(place, session.ordinal).halts:
            start, end = halt.start_ns(session.pre_open), halt.end_ns(session.pre_open)
            if start <= self._now < end:
                return halt_status(name, halt, start)
            if end <= self._now and phase is MarketPhase.OPEN:
                at = end
        return InstrumentStatus(name, phase, False, at, "", SOURCE)

    def _books(self) -> list[MarketEvent]:
        """The latest quote and depth of each instrument, out of the running minute and the one before."""
        quotes: dict[str, Quote] = {}
        depths: dict[str, Depth] = {}
        for event in [*self._minute_before().events, *self._block.taken()]:
            if isinstance(event, Quote):
                quotes[event.instrument_id] = event
            elif isinstance(event, Depth):
                depths[event.instrument_id] = event
        return [
            event
            for name in self._market.universe.ids
            for event in (quotes[name], _with_top(depths[name], quotes[name]))
        ]

    def _minute_before(self) -> EventBlock:
        ordinal, minute = self._place
        if minute:
            return make_block(self._market, ordinal, minute - 1)
        end = minute_count(self._market.calendar.by_ordinal(ordinal - 1))
        return make_block(self._market, ordinal - 1, end)

    def _headlines(self, session: Session) -> list[MarketEvent]:
        out = [item for item in self._market.news(session.ordinal) if item.ts_event <= self._now]
        return list(out[-_SEED_NEWS:])


def _with_top(depth: Depth, quote: Quote) -> Depth:
    """The book with the sizes that quotes have changed since it was sent."""
    if not depth.bids:
        return depth
    bids = (Level(quote.bid, quote.bid_size), *depth.bids[1:])
    asks = (Level(quote.ask, quote.ask_size), *depth.asks[1:])
    return Depth(depth.instrument_id, bids, asks, quote.ts_event, depth.source)
