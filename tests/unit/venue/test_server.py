"""One loop, many clients: answers follow their requests, a slow reader harms nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, Quote
from stockpulse_engine.domain.views import SourceCounts
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.clock import MarketTime
from stockpulse_engine.venue.connection import Connection
from stockpulse_engine.venue.exchange import Exchange
from stockpulse_engine.venue.fees import FREE
from stockpulse_engine.venue.matching import Rules
from stockpulse_engine.venue.server import Server, ServerSettings
from stockpulse_engine.venue.store import Identity, VenueStore
from tests.fakes.scripted_source import ScriptedSource
from tests.unit.venue.floor import ACME, NOON, account, instrument, new_order

SECOND = 1_000_000_000
SIM = Identity("sim", 1)


class Wire(asyncio.Transport):
    """A transport that keeps what was written; `socket` is all a connection asks it for."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[p.Message] = []
        self.is_gone = False
        self.sockets = socket.socketpair(socket.AF_UNIX)
        self._reader = p.FrameReader(p.MAX_REPLY)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.sockets[0] if name == "socket" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.messages += [p.decode_message(frame) for frame in self._reader.feed(bytes(data))]

    def is_closing(self) -> bool:
        return self.is_gone

    def abort(self) -> None:
        self.is_gone = True

    close = abort


def ticking() -> list[MarketEvent]:
    """A quote a second, each with a size of its own."""
    events: list[MarketEvent] = [InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=False, ts_event=NOON)]
    for step in range(100):
        size = Decimal(100 + step)
        events.append(Quote(ACME, Decimal("100.00"), Decimal("100.02"), size, size, NOON + step * SECOND))
    return events


class Hall:
    """A server on a manual clock, with clients of wire."""

    def __init__(self, home: Path, source: ScriptedSource | None = None) -> None:
        self.wall = ManualClock()
        source = source or ScriptedSource([instrument()], ticking())
        exchange = Exchange(SIM, source, VenueStore(home / "venue.db", SIM, "E"), rules=Rules(), fees=FREE)
        self.time = MarketTime(self.wall, NOON, session_of=source.session_date)
        exchange.open(NOON, self.time, self.wall)
        settings = ServerSettings(slow_reader_s=10.0, idle_exit_s=60.0)
        self.server = Server(exchange, home / "venue.sock", self.wall, settings)
        self.wires: list[Wire] = []

    def client(self) -> tuple[Connection, Wire]:
        """A greeted client."""
        connection, wire = self.server.connect(), Wire()
        self.wires.append(wire)
        connection.connection_made(wire)
        ask(connection, 1, p.Hello(p.VENUE_PROTOCOL, "test"))
        self.turn(0)
        wire.messages.clear()
        return connection, wire

    def turn(self, seconds: float) -> None:
        """Wall time passes, then one turn."""
        self.wall.advance(round(seconds * SECOND))
        self.server.take_turn()


@contextmanager
def opened(hall: Hall) -> Iterator[Hall]:
    """A hall whose clients' sockets are closed in the end."""
    try:
        yield hall
    finally:
        for each in (side for wire in hall.wires for side in wire.sockets):
            each.close()


@pytest.fixture
def hall(home: Path) -> Iterator[Hall]:
    with opened(Hall(home)) as hall:
        yield hall


def ask(connection: Connection, number: int, question: p.Question) -> None:
    connection.data_received(p.encode_frame(p.Request(number, question)))


def answers(wire: Wire) -> dict[int, str]:
    return {each.request_id: type(each.answer).__name__ for each in wire.messages if isinstance(each, p.Reply)}


def clock_of(wire: Wire, number: int) -> ClockState:
    """The clock a request was answered with."""
    answer = next(each.answer for each in wire.messages if isinstance(each, p.Reply) and each.request_id == number)
    assert isinstance(answer, p.Clock)
    return answer.clock


def batches(wire: Wire) -> list[p.MarketBatch]:
    return [each for each in wire.messages if isinstance(each, p.MarketBatch)]


def test_a_question_in_the_same_turn_sees_what_was_just_done(hall: Hall) -> None:
    connection, wire = hall.client()
    ask(connection, 2, p.OpenAccount(account()))
    ask(connection, 3, p.CountOrders("b"))
    ask(connection, 4, p.Submit((new_order("b", "BUY", 10),)))
    hall.turn(0.01)
    assert answers(wire) == {2: "Done", 3: "Counted", 4: "Submitted"}
    counted = next(each.answer for each in wire.messages if isinstance(each, p.Reply) and each.request_id == 3)
    assert counted == p.Counted(1, 1)


def test_subscribers_hear_reports_and_quotes_others_only_their_answers(hall: Hall) -> None:
    trader, trader_wire = hall.client()
    _, quiet_wire = hall.client()
    ask(trader, 2, p.OpenAccount(account()))
    ask(trader, 3, p.SubscribeReports("A1", 0))
    ask(trader, 4, p.SubscribeMarket())
    ask(trader, 5, p.Submit((new_order("b", "BUY", 10),)))
    hall.turn(0.01)
    hall.turn(1.0)
    kinds = [
        report.kind.value for each in trader_wire.messages if isinstance(each, p.ReportBatch) for report in each.reports
    ]
    assert kinds == ["ACCEPT", "FILL"]
    assert batches(trader_wire)[0].is_snapshot
    assert any(isinstance(event, Quote) for batch in batches(trader_wire)[1:] for event in batch.events)
    assert quiet_wire.messages == []


def test_what_led_to_the_state_shown_first_is_not_told_again(hall: Hall) -> None:
    connection, wire = hall.client()
    ask(connection, 2, p.SubscribeMarket())
    hall.turn(3.0)
    (first,) = batches(wire)
    assert first.is_snapshot
    shown = {event.instrument_id: event.ts_event for event in first.events if isinstance(event, Quote)}
    hall.turn(1.0)
    later = [event for batch in batches(wire)[1:] for event in batch.events if isinstance(event, Quote)]
    assert later
    assert all(event.ts_event > shown[event.instrument_id] for event in later)


def test_what_a_recording_left_out_is_told_with_the_clock(home: Path) -> None:
    class Recording(ScriptedSource):
        def tally(self) -> SourceCounts:
            return SourceCounts(quotes=9, crossed=2)

    with opened(Hall(home, Recording([instrument()], ticking()))) as hall:
        connection, wire = hall.client()
        ask(connection, 2, p.SubscribeMarket())
        hall.turn(1.0)
        hall.turn(1.0)
    told = [batch for batch in batches(wire) if batch.clock is not None]
    assert len(told) >= 2
    assert all(batch.counts == SourceCounts(quotes=9, crossed=2) for batch in told)


def test_a_step_is_answered_with_the_time_after_it(hall: Hall) -> None:
    connection, wire = hall.client()
    ask(connection, 2, p.Control("pause"))
    hall.turn(0)
    paused = hall.time.state().market_ns
    ask(connection, 3, p.Control("step", step_ns=5 * SECOND))
    hall.turn(0)
    assert 3 not in answers(wire), "it is not played yet"
    hall.turn(0)
    clock = clock_of(wire, 3)
    assert clock.market_ns == paused + 5 * SECOND
    assert (clock.is_paused, clock.is_stepping) == (True, False)


def test_a_long_step_is_answered_with_how_far_it_has_come(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockpulse_engine.venue.exchange.BUDGET_NS", -1)
    connection, wire = hall.client()
    ask(connection, 2, p.Control("pause"))
    hall.turn(0)
    ask(connection, 3, p.Control("step", step_ns=3600 * SECOND))
    hall.turn(0)
    hall.turn(1.0)
    assert 3 not in answers(wire)
    hall.turn(1.5)
    assert clock_of(wire, 3).is_stepping


def test_a_slow_reader_gets_the_newest_when_it_reads_again(hall: Hall) -> None:
    slow, wire = hall.client()
    ask(slow, 2, p.SubscribeMarket())
    hall.turn(0.01)
    slow.pause_writing()
    for _ in range(5):
        hall.turn(1.0)
    assert len(batches(wire)) == 1
    slow.resume_writing()
    hall.turn(0.01)
    late = batches(wire)[-1]
    assert late.is_conflated
    assert [event.ts_event for event in late.events] == [NOON + 5 * SECOND]


def test_a_reader_that_stays_slow_is_dropped_and_the_others_live_on(hall: Hall) -> None:
    slow, slow_wire = hall.client()
    _, other_wire = hall.client()
    ask(slow, 2, p.SubscribeMarket())
    hall.turn(0.01)
    slow.pause_writing()
    hall.turn(1.0)
    assert not slow_wire.is_gone
    hall.turn(11.0)
    assert slow_wire.is_gone
    assert not other_wire.is_gone


def test_reports_missed_while_slow_come_from_the_store(hall: Hall) -> None:
    trader, wire = hall.client()
    ask(trader, 2, p.OpenAccount(account()))
    ask(trader, 3, p.SubscribeReports("", 0))
    hall.turn(0.01)
    trader.pause_writing()
    for number in range(3):
        ask(trader, 10 + number, p.Submit((new_order(f"b{number}", "BUY", 10, limit="99.00"),)))
        hall.turn(0.1)
    assert not any(isinstance(each, p.ReportBatch) for each in wire.messages)
    trader.resume_writing()
    hall.turn(0.01)
    (batch,) = [each for each in wire.messages if isinstance(each, p.ReportBatch)]
    assert [report.client_order_id for report in batch.reports] == ["b0", "b1", "b2"]


def test_what_a_lost_client_asked_still_takes_effect(hall: Hall) -> None:
    trader, _ = hall.client()
    ask(trader, 2, p.OpenAccount(account()))
    ask(trader, 3, p.Submit((new_order("b", "BUY", 10),)))
    trader.connection_lost(None)
    hall.turn(0.01)
    other, wire = hall.client()
    ask(other, 2, p.CountOrders("b"))
    hall.turn(0.01)
    assert p.Reply(2, p.Counted(1, 1)) in wire.messages
