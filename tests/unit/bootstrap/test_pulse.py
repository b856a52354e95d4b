"""Signs of life: a broker or a feed whose line is up and that says nothing is late, in words, once."""

from __future__ import annotations

import asyncio

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bootstrap import pulse
from stockpulse_engine.bootstrap.health import HealthBoard
from stockpulse_engine.bootstrap.pulse import Pulse
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, PartChanged
from stockpulse_engine.trading.ports import AmbiguousOutcomeError

SECOND = 1_000_000_000


class Broker:
    """Answers, keeps silent, or has lost its line."""

    def __init__(self) -> None:
        self.is_connected = True
        self.is_mute = False
        self.is_lost = False

    async def ping(self) -> None:
        """As told."""
        if self.is_lost:
            self.is_connected = False
            raise AmbiguousOutcomeError("the link was lost")
        if self.is_mute:
            await asyncio.Event().wait()


class Bench:
    """A pulse on a board, and all that it told."""

    def __init__(self, clock: ManualClock) -> None:
        self.bus = Bus(lambda value, error: pytest.fail(f"{value}: {error}"))
        self.broker = Broker()
        self.clock = clock
        self.feed = (True, 0)
        self.failure = ""
        self.parts: list[tuple[str, str, str]] = []
        self.alerts: list[str] = []
        board = HealthBoard(world="sim", pid=1, clock=clock, bus=self.bus)
        self.bus.subscribe(PartChanged, lambda one: self.parts.append((one.name, one.state, one.detail)))
        self.bus.subscribe(AlertRaised, lambda one: self.alerts.append(one.subject))
        self.pulse = Pulse(
            board,
            self.bus,
            broker=self.broker,
            feed=lambda: self.feed,
            journal_failure=lambda: self.failure,
            market_now=lambda: 1,
            clock=clock,
        )


@pytest.fixture
def bench(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(pulse, "SILENT_S", 0.01)
    return Bench(clock)


async def test_a_broker_that_answers_is_left_alone(bench: Bench) -> None:
    await bench.pulse.feel_broker()
    assert (bench.parts, bench.alerts) == ([], [])


async def test_a_broker_whose_line_is_up_and_that_does_not_answer_is_silent_until_it_does(bench: Bench) -> None:
    await bench.pulse.feel_broker()
    bench.broker.is_mute = True
    bench.clock.advance(7 * SECOND)
    await bench.pulse.feel_broker()
    await bench.pulse.feel_broker()
    assert bench.pulse.broker_age_ns() == 7 * SECOND, "since its last answer, not since that was told"
    assert (bench.parts, bench.alerts) == ([("broker", "late", "silent")], ["broker"])
    bench.broker.is_mute = False
    await bench.pulse.feel_broker()
    assert bench.parts[1:] == [("broker", "ok", "")]


async def test_a_line_that_is_lost_is_the_links_to_tell(bench: Bench) -> None:
    bench.broker.is_mute = True
    await bench.pulse.feel_broker()
    bench.broker.is_mute, bench.broker.is_lost = False, True
    await bench.pulse.feel_broker()
    await bench.pulse.feel_broker()
    assert bench.parts == [("broker", "late", "silent")]
    bench.broker.is_connected, bench.broker.is_lost = True, False
    await bench.pulse.feel_broker()
    assert len(bench.parts) == 1, "joining it again says so"


def test_a_feed_that_says_nothing_is_silent_until_its_next_word(bench: Bench) -> None:
    for age in (0, 4 * SECOND, 5 * SECOND, 0):
        bench.feed = (True, age)
        bench.pulse.feel_feed()
    assert bench.parts == [("feed", "late", "silent"), ("feed", "ok", "venue")]


def test_a_feed_that_is_gone_has_said_so_itself(bench: Bench) -> None:
    bench.feed = (False, 9 * SECOND)
    bench.pulse.feel_feed()
    assert bench.parts == []


def test_a_journal_that_failed_is_told_once(bench: Bench) -> None:
    bench.failure = "disk full"
    bench.pulse.feel_journal()
    bench.pulse.feel_journal()
    assert (bench.parts, bench.alerts) == ([("journal", "gone", "read-only: disk full")], ["journal"])
