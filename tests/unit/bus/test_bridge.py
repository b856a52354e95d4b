"""The bridge: quotes conflated, records complete and once until the queue is full, and a publisher that never waits."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.bus import bridge as bridge_module
from stockpulse_engine.bus.bridge import BATCH_RECORDS, Bridge
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, PartChanged
from stockpulse_engine.domain.market import Quote
from tests.fakes.fake_mirror import FakeMirror, order_change, quote

TURN_NS = 250_000_000


class Desk:
    """A bus with a bridge to a fake mirror; `says` is what the health board was told."""

    def __init__(self, clock: ManualClock, limit: int = 1000) -> None:
        self.clock = clock
        self.failures: list[Exception] = []
        self.bus = Bus(lambda _, error: self.failures.append(error))
        self.mirror = FakeMirror()
        self.says: list[PartChanged] = []
        self.bus.subscribe(PartChanged, self.says.append)
        self.bridge = Bridge(self.bus, self.mirror, clock, run_id="R", part="redis", limit=limit, rng=Random(1))

    async def turns(self, count: int = 1, apart_ns: int = TURN_NS) -> None:
        for _ in range(count):
            await self.bridge.turn()
            self.clock.advance(apart_ns)

    @property
    def state(self) -> str:
        return self.says[-1].state if self.says else ""


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    return Desk(clock)


async def test_of_many_quotes_the_latest_of_each_instrument_is_sent_once_per_turn(desk: Desk) -> None:
    for step in range(1000):
        desk.bus.publish(quote("AAPL.XNAS", f"{100 + step}", step))
        desk.bus.publish(quote("F.XNYS", f"{10 + step}", step))
    await desk.turns(4, apart_ns=TURN_NS // 4)
    sent = [batch.quotes for batch in desk.mirror.batches if batch.quotes]
    assert [[one.instrument_id for one in quotes] for quotes in sent] == [["AAPL.XNAS", "F.XNYS"]]
    assert {one.ts_event for one in sent[0]} == {999}


async def test_order_events_and_alerts_arrive_in_order_and_in_batches(desk: Desk) -> None:
    for seq in range(BATCH_RECORDS * 2 + 5):
        desk.bus.publish(order_change(seq))
    desk.bus.publish(AlertRaised(ts_event=1, level="warn", text="look"))
    assert await desk.bridge.turn() == 0.0, "a backlog is sent without a pause"
    assert desk.state == "late"
    assert "catching up; 56 wait" in desk.says[-1].detail
    await desk.turns(2)
    assert desk.mirror.seqs == list(range(BATCH_RECORDS * 2 + 5))
    assert desk.mirror.records[-1] == AlertRaised(ts_event=1, level="warn", text="look")
    assert [len(batch.records) for batch in desk.mirror.batches] == [BATCH_RECORDS, BATCH_RECORDS, 6]
    assert desk.state == "ok"


async def test_a_mirror_that_is_away_is_late_then_gone_then_gets_everything_in_order(desk: Desk) -> None:
    await desk.turns()
    assert desk.state == "ok"
    desk.mirror.is_away = True
    for seq in range(300):
        desk.bus.publish(order_change(seq))
    await desk.turns()
    assert desk.says[-1] == PartChanged(
        name="redis", state="late", detail="cannot be reached; 300 wait; trading goes on"
    )
    desk.clock.advance(3_000_000_000)
    await desk.turns()
    assert desk.state == "gone"
    assert desk.bridge.age_ns() > 3_000_000_000
    desk.mirror.is_away = False
    await desk.turns(300 // BATCH_RECORDS + 1)
    assert desk.mirror.seqs == list(range(300))
    assert desk.state == "ok"
    assert desk.bridge.waiting == desk.bridge.lost == 0


async def test_a_lost_answer_does_not_make_an_event_arrive_twice(desk: Desk) -> None:
    desk.bus.publish(order_change(1))
    desk.mirror.is_forgetful = True
    await desk.turns()
    desk.bus.publish(order_change(2))
    await desk.turns(2)
    assert desk.mirror.attempts[0] == desk.mirror.attempts[1], "the same batch under the same name"
    assert desk.mirror.seqs == [1, 2]


async def test_a_full_queue_loses_the_oldest_and_counts_them(clock: ManualClock) -> None:
    desk = Desk(clock, limit=10)
    desk.mirror.is_away = True
    await desk.turns()
    for seq in range(25):
        desk.bus.publish(order_change(seq))
    desk.clock.advance(5_000_000_000)
    await desk.turns()
    assert desk.bridge.lost == 15
    assert "10 wait, 15 lost; trading goes on" in desk.says[-1].detail
    desk.mirror.is_away = False
    await desk.turns(2)
    assert desk.mirror.seqs == list(range(15, 25))
    assert desk.mirror.batches[-1].lost == 15
    assert desk.says[-1].detail == "15 order events and alerts were lost there"


async def test_instruments_beyond_the_bound_are_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "MAX_INSTRUMENTS", 3)
    for number in range(9):
        desk.bus.publish(quote(f"I{number}.XNAS", "10"))
    desk.bus.publish(quote("I1.XNAS", "11"))
    await desk.turns()
    assert [(one.instrument_id, str(one.bid)) for one in desk.mirror.batches[0].quotes] == [
        ("I0.XNAS", "10"),
        ("I1.XNAS", "11"),
        ("I2.XNAS", "10"),
    ]


async def test_with_nothing_to_say_a_sign_of_life_is_written_every_second(desk: Desk) -> None:
    await desk.turns(12)
    assert len(desk.mirror.batches) == 3
    assert not any(batch.records or batch.quotes for batch in desk.mirror.batches)
    assert [told.state for told in desk.says] == ["ok"]


async def test_a_hanging_mirror_is_given_up_and_costs_the_publisher_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "WRITE_LIMIT_S", 0.01)
    desk.mirror.is_hanging = True
    others: list[Quote] = []
    desk.bus.subscribe(Quote, others.append)
    turn = asyncio.ensure_future(desk.bridge.turn())
    await asyncio.sleep(0)
    desk.bus.publish(quote("F.XNYS", "10"))
    assert others, "whoever listens after the bridge has heard it while the mirror hangs"
    assert await turn > 0
    assert "does not answer" in desk.says[-1].detail
    assert desk.failures == []


async def test_running_it_sends_at_once_and_stopping_it_sends_the_rest(desk: Desk) -> None:
    running = asyncio.ensure_future(desk.bridge.run())
    await desk.mirror.written.wait()
    desk.mirror.written.clear()
    desk.bus.publish(order_change(1))
    await desk.mirror.written.wait()
    assert desk.mirror.seqs == [1]
    desk.bus.publish(order_change(2))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert desk.mirror.seqs == [1, 2]
    assert desk.mirror.closed == 1


async def test_stopping_waits_for_no_mirror_that_is_away(desk: Desk) -> None:
    desk.mirror.is_away = True
    running = asyncio.ensure_future(desk.bridge.run())
    while not desk.says:
        await asyncio.sleep(0)
    tried = len(desk.mirror.attempts)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(desk.mirror.attempts) == tried


@given(st.lists(st.sampled_from(["order", "quote", "turn", "away", "back", "forget"]), max_size=120))
def test_whatever_happens_records_are_in_the_mirror_once_in_order_or_waiting_or_counted_as_lost(
    steps: list[str],
) -> None:
    async def story() -> None:
        desk = Desk(ManualClock(), limit=7)
        published = 0
        for step in steps:
            if step == "order":
                desk.bus.publish(order_change(published))
                published += 1
            elif step == "quote":
                desk.bus.publish(quote("F.XNYS", "10"))
            elif step == "turn":
                await desk.turns()
            elif step == "forget":
                desk.mirror.is_forgetful = not desk.mirror.is_away
            else:
                desk.mirror.is_away = step == "away"
        desk.mirror.is_away = desk.mirror.is_forgetful = False
        await desk.turns(4)
        seqs = desk.mirror.seqs
        assert seqs == sorted(set(seqs)), "in order, none twice"
        assert len(seqs) + desk.bridge.lost == published
        assert desk.bridge.waiting == 0
        assert desk.failures == []

    asyncio.run(story())
