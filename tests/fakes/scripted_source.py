"""A market source with a hand-written list of events: what happens is on the page, nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent
from stockpulse_engine.marketdata.calendar import load_calendar


class Script(msgspec.Struct, frozen=True):
    """What a scripted market plays, as it is kept in a file."""

    instruments: tuple[Instrument, ...]
    events: tuple[MarketEvent, ...]
    last_ns: int | None = None


class ScriptedSource:
    """Implements `venue.source.MarketSource` from a script; bars are those it was given."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        events: Iterable[MarketEvent],
        *,
        bars: Iterable[Bar] = (),
        last_ns: int | None = None,
    ) -> None:
        self.name = "script"
        self.instruments: Sequence[Instrument] = tuple(instruments)
        self.last_ns = last_ns
        self._events = sorted(events, key=lambda event: event.ts_event)
        self._bars = tuple(bars)
        self._played_to = 0

    @property
    def first_ns(self) -> int:
        """Time of the first event."""
        return self._events[0].ts_event

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """Everything up to `at_ns`: the state then is what its last events say."""
        self._played_to = at_ns
        return [event for event in self._events if event.ts_event <= at_ns]

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """The events in (previous, `to_ns`]."""
        since, self._played_to = self._played_to, max(self._played_to, to_ns)
        return [event for event in self._events if since < event.ts_event <= to_ns]

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """The bars it was given; none is known before it ended."""
        if instrument_id not in {each.instrument_id for each in self.instruments}:
            raise NotFoundError(f"{instrument_id} is not in the script.")
        end = self._played_to if end_ns is None else min(end_ns, self._played_to)
        known = [bar for bar in self._bars if (bar.instrument_id, bar.spec) == (instrument_id, spec)]
        return [bar for bar in known if bar.ts_event < end and bar.known_at <= self._played_to][-limit:]

    def session_date(self, ns: int) -> str:
        """As the XNYS calendar has it."""
        return load_calendar().current_or_next(ns).date


def save_script(path: Path, script: Script) -> None:
    """Write a script for a venue in another process."""
    path.write_bytes(msgspec.msgpack.encode(script))


def load_script(path: Path) -> ScriptedSource:
    """Read what `save_script` wrote."""
    script = msgspec.msgpack.decode(path.read_bytes(), type=Script)
    return ScriptedSource(script.instruments, script.events, last_ns=script.last_ns)
