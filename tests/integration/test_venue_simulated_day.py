"""The venue trading its own simulated market from one afternoon to the next morning, on virtual time."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.answers import Answers
from stockpulse_engine.venue.clock import MarketTime
from stockpulse_engine.venue.exchange import Exchange
from stockpulse_engine.venue.factory import night_of
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.market.market import SimulatedMarket
from stockpulse_engine.venue.market.source import SimulatedSource
from stockpulse_engine.venue.market.universe import Universe, default_universe
from stockpulse_engine.venue.matching import Rules
from stockpulse_engine.venue.store import Identity, VenueStore
from tests.unit.venue.floor import account, new_order

SECOND = 1_000_000_000
SPY = "SPY.ARCX"
SIM = Identity("sim", 7)


class Afternoon:
    """Opens five minutes before a close; an hour of wall time is what it takes to say so."""

    def __init__(self, path: Path, date: str) -> None:
        session = load_calendar().session(date)
        assert session is not None
        self.wall = ManualClock()
        two = Universe(tuple(row for row in default_universe().listings if row.instrument_id in (SPY, "AAPL.XNAS")))
        source = SimulatedSource(SimulatedMarket(SIM.seed, load_calendar(), two))
        start = session.close - 300 * SECOND
        time = MarketTime(self.wall, start, night=night_of(load_calendar()), session_of=source.session_date)
        self.exchange = Exchange(SIM, source, VenueStore(path, SIM, "E"), rules=Rules(), fees=FeeSchedule())
        self.exchange.open(start, time, self.wall)
        self.answers = Answers(self.exchange)
        self.reports: list[ExecutionReport] = []
        self.ask(p.OpenAccount(account()))

    def ask(self, question: p.Question) -> p.Answered:
        answer = self.answers.answer(question)
        self.reports += [each.report for each in self.exchange.commit()]
        return answer

    def send(self, order_id: str, side: str, quantity: int, **how: str | bool) -> None:
        order = new_order(order_id, side, quantity, name=SPY, **how)  # type: ignore[arg-type]  # tests pass words through
        assert isinstance(self.ask(p.Submit((order,))), p.Submitted)

    def play(self, phase: MarketPhase) -> None:
        """Until SPY is in this phase, at most two wall hours."""
        for _ in range(7200):
            self.wall.advance(SECOND)
            self.exchange.play()
            self.reports += [each.report for each in self.exchange.commit()]
            if self.exchange.matcher.books[SPY].phase is phase:
                return
        pytest.fail(f"never {phase}")

    def kinds(self, order_id: str) -> list[str]:
        return [report.kind.value for report in self.reports if report.client_order_id == order_id]

    def price(self, order_id: str) -> Decimal:
        return next(each.fill.price for each in self.reports if each.client_order_id == order_id and each.fill)


@pytest.mark.parametrize("date", ["2024-03-04", "2024-11-29"], ids=["a full day", "a half day"])
def test_orders_live_through_a_close_a_night_and_an_open(home: Path, date: str) -> None:
    day = Afternoon(home / "venue.db", date)
    last = day.exchange.matcher.books[SPY].quote
    assert last is not None
    low = str((last.bid * Decimal("0.9")).quantize(Decimal("0.01")))
    day.send("now", "BUY", 50)
    day.send("close", "SELL", 50, tif="AT_THE_CLOSE")
    day.send("day", "BUY", 10, limit=low)
    day.send("gtc", "BUY", 10, limit=low, tif="GTC")
    day.send("late", "BUY", 10, limit=low, ext=True)

    day.play(MarketPhase.POST)
    assert day.kinds("now")[:2] == ["ACCEPT", "FILL"]
    assert day.kinds("close") == ["ACCEPT", "FILL"]
    assert day.kinds("day") == ["ACCEPT", "EXPIRE"]
    close = day.exchange.matcher.books[SPY].last_trade
    assert close is not None
    assert close.is_auction
    assert day.price("close") == close.price

    day.exchange.time.set_speed(1000)
    day.send("open", "BUY", 20, tif="AT_THE_OPEN")
    day.play(MarketPhase.PRE)
    assert day.kinds("late") == ["ACCEPT", "EXPIRE"]
    day.play(MarketPhase.OPEN)
    assert day.kinds("open") == ["ACCEPT", "FILL"]
    assert day.kinds("gtc") == ["ACCEPT"]
