"""The paper venue as a source of market data, and the controls of its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeVar

from stockpulse_engine.adapters.paper.link import ANSWER_S, VenueLink, listen
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, MarketEvent
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from stockpulse_engine.venue import protocol as p

A = TypeVar("A", bound=p.Answer)
CLIENT = "market"
_OUR_FAULT = frozenset({"invalid_value", "bad_request"})


class PaperMarket:
    """Implements `marketdata.ports.MarketDataProvider` and `MarketControl`; in live worlds it feeds the venue."""

    def __init__(self, socket_path: Path, clock: Clock, *, answer_s: float = ANSWER_S) -> None:
        self._path = socket_path
        self._clock = clock
        self._link = VenueLink(socket_path, CLIENT, answer_s)
        self.connected_at = 0
        """Wall time the link came up, 0 while it is down."""
        self.counts: SourceCounts | None = None
        """What the venue's recording held so far, None where it plays none."""

    @property
    def name(self) -> str:
        """Short source name shown beside numbers."""
        return "venue"

    async def connect(self) -> None:
        """Open the link; raises UnavailableError."""
        await self._link.connect()
        self.connected_at = self._clock.now_ns()

    async def close(self) -> None:
        """Close the link."""
        await self._link.close()
        self.connected_at = 0

    async def fetch_instruments(self) -> Sequence[Instrument]:
        """Everything tradable here."""
        return (await self._query(p.GetInstruments(), p.Instruments)).instruments

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last `limit` bars whose start is before `end_ns` (default now), oldest first; the newest may be open."""
        return (await self._query(p.GetBars(instrument_id, spec, limit, end_ns or 0), p.Bars)).bars

    async def fetch_clock(self) -> ClockState:
        """Market time of this source."""
        return (await self._query(p.GetClock(), p.Clock)).clock

    async def events(self) -> AsyncIterator[Sequence[MarketEvent | ClockState]]:
        """A snapshot, then one batch per turn of the venue; the clock comes first in a batch that carries it."""
        async for message in listen(self._path, f"{CLIENT} events", p.SubscribeMarket()):
            if isinstance(message, p.MarketBatch):
                self.counts = message.counts or self.counts
                clock: tuple[ClockState, ...] = () if message.clock is None else (message.clock,)
                yield (*clock, *message.events)

    async def set_speed(self, speed: float) -> ClockState:
        """Run market time at `speed` times wall time (0.1 … 1000)."""
        return await self._control(p.Control("speed", speed=speed))

    async def pause(self) -> ClockState:
        """Stop market time."""
        return await self._control(p.Control("pause"))

    async def resume(self) -> ClockState:
        """Let market time run again."""
        return await self._control(p.Control("resume"))

    async def step(self, nanoseconds: int) -> ClockState:
        """While paused, play exactly this much market time."""
        return await self._control(p.Control("step", step_ns=nanoseconds))

    async def seek(self, to_ns: int) -> ClockState:
        """Play everything up to `to_ns` as fast as can be, then go on as before."""
        return await self._control(p.Control("seek", to_ns=to_ns))

    async def record(self, question: p.Record) -> RecordingView | None:
        """Start, stop or look at a recording of this market; None when there was none."""
        return (await self._query(question, p.Recording)).recording

    async def feed(self, events: Sequence[MarketEvent], instruments: Sequence[Instrument] = ()) -> None:
        """Tell the venue of a live world what the market shows; empty is a sign of life, due every few seconds."""
        await self._query(p.FeedEvents(tuple(events), tuple(instruments)), p.Done)

    async def shutdown(self) -> None:
        """Ask the venue to end in order."""
        await self._query(p.Shutdown(), p.Done)

    async def _control(self, question: p.Control) -> ClockState:
        return (await self._query(question, p.Clock)).clock

    async def _query(self, question: p.Question, expected: type[A]) -> A:
        try:
            return await self._link.ask(question, expected)
        except AmbiguousOutcomeError as error:
            raise UnavailableError(f"The paper venue does not answer: {error}.") from error
        except RejectedByBrokerError as error:
            reason, code = error.args
            if code == "not_found":
                raise NotFoundError(reason) from error
            raise (InvalidValueError if code in _OUR_FAULT else UnavailableError)(reason) from error
