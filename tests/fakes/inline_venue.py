"""The whole venue but its socket, on virtual time: a day in seconds."""

from __future__ import annotations

from pathlib import Path

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import MarketEvent, MarketPhase
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.answers import Answers
from stockpulse_engine.venue.clock import MarketTime
from stockpulse_engine.venue.exchange import Exchange
from stockpulse_engine.venue.factory import night_of
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.matching import Rules
from stockpulse_engine.venue.orders import NewOrder
from stockpulse_engine.venue.source import MarketSource
from stockpulse_engine.venue.store import Identity, VenueStore

SECOND = 1_000_000_000


class InlineVenue:
    """An exchange over a source; `ask` and `send` act at once, `play` lets its day go on."""

    def __init__(self, path: Path, source: MarketSource, start: int, identity: Identity) -> None:
        self.wall = ManualClock()
        self.time = MarketTime(
            self.wall, start, night=night_of(load_calendar()), session_of=source.session_date, last_ns=source.last_ns
        )
        store = VenueStore(path, identity, "E")
        self.exchange = Exchange(identity, source, store, rules=Rules(), fees=FeeSchedule())
        self.exchange.open(start, self.time, self.wall)
        self.answers = Answers(self.exchange)
        self.reports: list[ExecutionReport] = []
        self.events: list[MarketEvent] = []
        """Everything the market did since the opening."""

    def ask(self, question: p.Question) -> p.Answered:
        """Ask and commit."""
        answer = self.answers.answer(question)
        self.reports += [each.report for each in self.exchange.commit()]
        return answer

    def send(self, *orders: NewOrder) -> None:
        """Submit orders that must be taken."""
        answer = self.ask(p.Submit(orders))
        assert isinstance(answer, p.Submitted), answer

    def pass_seconds(self, seconds: float) -> None:
        """Let wall time pass and take one turn."""
        self.wall.advance(round(seconds * SECOND))
        self.events += self.exchange.play().events
        self.reports += [each.report for each in self.exchange.commit()]

    def play_until(self, instrument_id: str, phase: MarketPhase) -> None:
        """Until an instrument is in this phase; fails after two hours of wall time."""
        for _ in range(7200):
            self.pass_seconds(1)
            if self.exchange.matcher.books[instrument_id].phase is phase:
                return
        raise AssertionError(f"{instrument_id} never reached {phase.value}")

    def kinds(self, order_id: str) -> list[str]:
        """What was reported about an order."""
        return [report.kind.value for report in self.reports if report.client_order_id == order_id]

    def fills(self, order_id: str = "") -> list[ExecutionReport]:
        """Fill reports of one order, or of all."""
        return [each for each in self.reports if each.fill and order_id in ("", each.client_order_id)]
