"""The venue without its socket: turns, restarts, and the same history twice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, NewsItem, Quote, Trade
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.answers import Answers
from stockpulse_engine.venue.clock import MarketTime
from stockpulse_engine.venue.exchange import Exchange
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.matching import Rules
from stockpulse_engine.venue.orders import NewOrder
from stockpulse_engine.venue.store import Identity, VenueStore
from tests.fakes.scripted_source import ScriptedSource
from tests.unit.venue.floor import ACME, NOON, account, instrument, new_order

SECOND = 1_000_000_000


def walk() -> list[MarketEvent]:
    """A minute of market: the quote wanders, prints follow it, one headline."""
    events: list[MarketEvent] = [InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=False, ts_event=NOON)]
    for step in range(600):
        at = NOON + step * SECOND // 10
        mid = Decimal(10_000 + (step * 37) % 23 - 11) / 100
        events.append(Quote(ACME, mid, mid + Decimal("0.02"), Decimal(100 + step), Decimal(90 + step), at))
        if step % 3 == 0:
            events.append(Trade(ACME, mid, Decimal(step % 400 + 1), at + 1, "S"))
    events.append(NewsItem("Acme opens a second mill", (ACME,), NOON + 5 * SECOND))
    return events


class Run:
    """One venue over a store, driven by hand."""

    def __init__(self, path: Path, wall: ManualClock | None = None) -> None:
        self.wall = wall or ManualClock()
        self.store = VenueStore(path, Identity("sim", 1), "E")
        source = ScriptedSource([instrument()], walk())
        self.exchange = Exchange(Identity("sim", 1), source, self.store, rules=Rules(), fees=FeeSchedule())
        start = self.store.market_ns or NOON
        time = MarketTime(self.wall, start, session_of=source.session_date)
        self.exchange.open(start, time, self.wall)
        self.answers = Answers(self.exchange)
        self.reports: list[ExecutionReport] = []

    def turn(self, milliseconds: int, *questions: p.Question) -> list[p.Answered]:
        """Let wall time pass, then take one turn."""
        self.wall.advance(milliseconds * 1_000_000)
        self.exchange.play()
        answers = [self.answers.answer(question) for question in questions]
        self.reports += [each.report for each in self.exchange.commit()]
        return answers


def orders() -> Sequence[tuple[int, NewOrder]]:
    """What is sent, and how long after the order before."""
    return (
        (120, new_order("o1", "BUY", 400, limit="100.01", tif="GTC")),
        (700, new_order("o2", "SELL", 150)),
        (300, new_order("o3", "SELL", 80, stop="99.93")),
        (900, new_order("o4", "BUY", 900, limit="99.95", tif="GTC")),
        (50, new_order("o5", "SELL", 300, limit="100.12", tif="IOC")),
    )


def play_day(run: Run, cut_ms: Sequence[int]) -> None:
    """Send the orders at their times, with turns of whatever length in between."""
    run.turn(0, p.OpenAccount(account()))
    for wait, order in orders():
        waited = 0
        for cut in cut_ms:
            if waited + cut < wait:
                run.turn(cut)
                waited += cut
        run.turn(wait - waited, p.Submit((order,)))
    for _ in range(40):
        run.turn(1000)


def test_the_same_orders_meet_the_same_market_however_it_is_cut_into_turns(home: Path) -> None:
    coarse, fine = Run(home / "a.db"), Run(home / "b.db")
    play_day(coarse, [])
    play_day(fine, [7] * 200)
    assert msgspec.json.encode(coarse.reports) == msgspec.json.encode(fine.reports)
    assert len({report.client_order_id for report in coarse.reports if report.fill}) >= 4


def test_a_request_meets_the_market_of_now_and_not_an_older_one(home: Path) -> None:
    run = Run(home / "a.db")
    run.turn(0, p.OpenAccount(account()))
    (answer,) = run.turn(5000, p.Submit((new_order("o", "BUY", 10),)))
    assert isinstance(answer, p.Submitted)
    run.turn(10)
    (fill,) = [report.fill for report in run.reports if report.fill]
    assert fill.ts_event == NOON + 5 * SECOND + Rules().latency_ns


def test_a_restart_goes_on_where_the_store_stood(home: Path) -> None:
    first = Run(home / "a.db")
    first.turn(0, p.OpenAccount(account()))
    first.turn(100, p.Submit((new_order("gtc", "BUY", 10, limit="99.00", tif="GTC"),)))
    first.turn(3000)
    first.exchange.commit(is_forced=True)
    stood_at = first.exchange.market_ns
    first.store.close()

    again = Run(home / "a.db")
    assert again.exchange.market_ns == stood_at
    (found,) = again.turn(0, p.GetOpenOrders("A1"))
    assert isinstance(found, p.Orders)
    assert [order.client_order_id for order in found.orders] == ["gtc"]
    again.turn(100, p.Submit((new_order("next", "BUY", 10),)))
    again.turn(100)
    assert [report.report_seq for report in again.reports] == [2, 3]
    assert again.reports[0].venue_order_id != first.reports[0].venue_order_id


def test_the_snapshot_shows_each_instrument_and_the_news(home: Path) -> None:
    run = Run(home / "a.db")
    run.turn(6000)
    shown = run.exchange.snapshot()
    assert [type(event).__name__ for event in shown] == ["InstrumentStatus", "Trade", "Quote", "NewsItem"]
    assert all(event.ts_event <= run.exchange.market_ns for event in shown)


def test_an_account_opens_once_with_one_body(home: Path) -> None:
    run = Run(home / "a.db")
    assert run.turn(1, p.OpenAccount(account()), p.OpenAccount(account())) == [p.Done(), p.Done()]
    (answer,) = run.turn(1, p.OpenAccount(account(cash="5")))
    assert isinstance(answer, p.Failure)
    assert answer.code == "conflict"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (p.GetAccount("nobody"), "unknown_account"),
        (p.GetOpenOrders("nobody"), "unknown_account"),
        (p.GetFills("nobody", 0), "unknown_account"),
        (p.Cancel("A1", "nothing", "c"), "unknown_order"),
        (p.Control("fly"), "bad_request"),
        (p.Control("speed", speed=0.0), "invalid_value"),
        (p.Control("step", step_ns=1), "invalid_value"),
        (p.FeedEvents(()), "not_fed"),
        (p.Hello(99, "old"), "version"),
        (p.Shutdown(), "bad_request"),
    ],
)
def test_what_cannot_be_answered_is_a_definite_no(home: Path, question: p.Question, code: str) -> None:
    (answer,) = Run(home / "a.db").turn(1, question)
    assert isinstance(answer, p.Failure)
    assert answer.code == code
    assert answer.reason


def test_time_waits_for_the_market_and_not_the_other_way_round(home: Path) -> None:
    class SlowWall(ManualClock):
        """Ten milliseconds pass whenever someone looks."""

        def monotonic_ns(self) -> int:
            self.advance(10_000_000)
            return super().monotonic_ns()

    run = Run(home / "a.db", SlowWall())
    run.turn(0, p.Control("speed", speed=1000))
    before = run.exchange.market_ns
    run.turn(20_000)
    assert 0 < run.exchange.market_ns - before <= 6 * SECOND
    assert run.exchange.time.state().market_ns == run.exchange.market_ns
