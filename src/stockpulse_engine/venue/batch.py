"""A stretch of events with their times, for sources that make the market piece by piece."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from stockpulse_engine.domain.market import MarketEvent


@dataclass(slots=True)
class EventBlock:
    """Events of a short time in order; `times[k]` belongs to `events[k]`."""

    times: list[int] = field(default_factory=list)
    events: list[MarketEvent] = field(default_factory=list)
    read: int = 0
    """How many have been handed out."""

    def add(self, event: MarketEvent) -> None:
        """Append; call `sort` when all are in. Events of one moment keep the order they were added in."""
        self.times.append(event.ts_event)
        self.events.append(event)

    def extend(self, other: EventBlock) -> None:
        """Append all events of another stretch."""
        self.times += other.times
        self.events += other.events

    def sort(self) -> EventBlock:
        """Bring the events into the order of time."""
        order = np.argsort(np.array(self.times, dtype=np.int64), kind="stable").tolist()
        self.times = [self.times[place] for place in order]
        self.events = [self.events[place] for place in order]
        return self

    def take(self, to_ns: int) -> list[MarketEvent]:
        """Hand out what has not been handed out up to and including `to_ns`."""
        upto = bisect_right(self.times, to_ns)
        taken = self.events[self.read : upto]
        self.read = max(self.read, upto)
        return taken

    def taken(self) -> list[MarketEvent]:
        """Everything handed out so far."""
        return self.events[: self.read]
