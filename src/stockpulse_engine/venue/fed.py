"""The market of a live world: quotes come from outside, over the socket; phases come from the calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.instruments import ROUND_THE_CLOCK, Instrument
from stockpulse_engine.domain.market import (
    Bar,
    BarSpec,
    Depth,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    NewsItem,
    Quote,
    Trade,
    check_quote,
)
from stockpulse_engine.marketdata.calendar import Calendar

MAX_QUEUED = 100_000


class FedSource:
    """A MarketSource that knows nothing but what it is fed. Its phases follow `calendar`; FX and crypto never close."""

    name = "fed"
    first_ns = 0
    last_ns: int | None = None

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._instruments: dict[str, Instrument] = {}
        self._halted: set[str] = set()
        self._queued: list[MarketEvent] = []
        self._phase = MarketPhase.CLOSED
        self.refused = 0
        """Events that were not taken: unknown instrument, impossible numbers, or the queue was full."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """Everything the feed has named so far."""
        return tuple(self._instruments.values())

    def feed(self, events: Iterable[MarketEvent], instruments: Iterable[Instrument], now: int) -> None:
        """Queue events for the next `advance`; a new instrument starts with its status."""
        for instrument in instruments:
            if instrument.instrument_id not in self._instruments:
                self._queued.append(self._status(instrument, now))
            self._instruments[instrument.instrument_id] = instrument
        for event in events:
            if len(self._queued) < MAX_QUEUED and self._is_good(event):
                self._queued.append(_not_later(event, now))
            else:
                self.refused += 1

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """The phase of each instrument; quotes are not known before they are fed."""
        self._phase = self._calendar.phase_at(at_ns)
        return [self._status(instrument, at_ns) for instrument in self._instruments.values()]

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """What was fed since the last call, and changes of phase."""
        events, self._queued = self._queued, []
        phase = self._calendar.phase_at(to_ns)
        if phase is not self._phase:
            self._phase = phase
            events = [*(self._status(each, to_ns) for each in self._instruments.values()), *events]
        return [self._take_status(event, to_ns) if isinstance(event, InstrumentStatus) else event for event in events]

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """This venue keeps no history of a live market: raises NotFoundError."""
        raise NotFoundError(f"The venue has no {limit} {spec} bars of {instrument_id} before {end_ns or 'now'}.")

    def session_date(self, ns: int) -> str:
        """The session `ns` lies in, or the one to come."""
        return self._calendar.current_or_next(ns).date

    def _status(self, instrument: Instrument, ns: int) -> InstrumentStatus:
        phase = MarketPhase.OPEN if instrument.asset_class in ROUND_THE_CLOCK else self._phase
        is_halted = instrument.instrument_id in self._halted
        return InstrumentStatus(instrument.instrument_id, phase, is_halted, ns, source=self.name)

    def _take_status(self, event: InstrumentStatus, ns: int) -> InstrumentStatus:
        """A fed status tells of halts; the phase is the calendar's, so that no feed can open a closed market."""
        if event.is_halted:
            self._halted.add(event.instrument_id)
        else:
            self._halted.discard(event.instrument_id)
        ours = self._status(self._instruments[event.instrument_id], ns)
        return msgspec.structs.replace(ours, reason=event.reason)

    def _is_good(self, event: MarketEvent) -> bool:
        if isinstance(event, NewsItem):
            return True
        if event.instrument_id not in self._instruments:
            return False
        if isinstance(event, Quote):
            try:
                check_quote(event)
            except InvalidValueError:
                return False
        if isinstance(event, Trade):
            return event.price.is_finite() and event.size.is_finite() and event.price > 0 and event.size > 0
        if isinstance(event, Depth):
            levels = (*event.bids, *event.asks)
            return all(each.price.is_finite() and each.size.is_finite() and each.size >= 0 for each in levels)
        return True


def _not_later(event: MarketEvent, now: int) -> MarketEvent:
    """A feed's clock may run ahead of ours; market time does not follow it."""
    return event if event.ts_event <= now else msgspec.structs.replace(event, ts_event=now)
