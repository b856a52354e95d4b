"""The port between the paper exchange and what makes its market: a simulation, a replay, a live feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.actions import CorporateAction


class MarketSource(Protocol):
    """A market as a function of time: the caller owns the clock and says how far it has come.

    Call `seed_events` once with the moment of opening, then `advance` with times that never go back. The same
    source opened with the same arguments gives the same events, however the time is cut into steps.

    Order of events: by `ts_event`; a trade comes before the quote that shows its effect. An auction (opening,
    closing, after a halt) is one `Trade` with `is_auction` set, printed while the instrument's last status still
    says so: OPENING_AUCTION, CLOSING_AUCTION, or halted. Quotes are never crossed, numbers always finite.
    A `Depth` follows each quote that moves a price; a quote that changes only sizes replaces the size of the
    first level.
    """

    @property
    def name(self) -> str:
        """Short source name, stamped on each event."""
        ...

    @property
    def instruments(self) -> Sequence[Instrument]:
        """Everything this source can show, in a fixed order."""
        ...

    @property
    def first_ns(self) -> int:
        """Earliest market time it can be opened at."""
        ...

    @property
    def last_ns(self) -> int | None:
        """Time of the last event, None when it never ends."""
        ...

    def seed_events(self, at_ns: int) -> list[MarketEvent]:
        """Open at `at_ns` and return the state of the market then: status, quote and depth of each instrument.

        Events carry the time they happened, so none is later than `at_ns`. Opening again starts over.

        Raises:
            InvalidValueError: `at_ns` is before `first_ns`.
        """
        ...

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """Everything with `ts_event` in (previous, `to_ns`], in order.

        Callers step by minutes at most, so that a batch stays small.
        """
        ...

    def bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None) -> list[Bar]:
        """The last `limit` bars that start before `end_ns` (default now), oldest first, none known later than now.

        The newest may be open (`is_open`, `known_at` = now). Intraday bars are cut from the start of each part of
        the session (pre, regular, post); daily bars hold regular hours only. An interval without a trade has no bar.

        Raises:
            NotFoundError: unknown instrument.
            InvalidValueError: a bar length this source does not keep.
        """
        ...

    def session_date(self, ns: int) -> str:
        """The trading session `ns` belongs to (`2026-03-02`); between sessions, the one to come."""
        ...


@runtime_checkable
class CountingSource(Protocol):
    """A source that leaves out what can not be right, and says how much."""

    def tally(self) -> SourceCounts:
        """What was read so far, and what of it was not shown."""
        ...


@runtime_checkable
class DaysSource(Protocol):
    """A source of chosen days: what lies between two of them is passed over."""

    def end_of_night(self, ns: int) -> int | None:
        """When the next day begins, None while one is played."""
        ...


class DueAction(NamedTuple):
    """A corporate action and when it is applied: after the last event before its ex-date, before the first of it."""

    at_ns: int
    action_id: str
    action: CorporateAction


@runtime_checkable
class ActionSource(Protocol):
    """A source that knows corporate actions between its days."""

    def next_action(self, after_ns: int) -> DueAction | None:
        """The first one due after a moment; those of one moment come one nanosecond after the other."""
        ...
