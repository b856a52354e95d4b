"""What Alpaca alone does on its stream and with its lists, as numbered cases: mute, lossy, crowded, dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.servers.weather import Weather
from stockpulse_engine.marketdata.calendar import load_calendar
from tests.contract.broker_contract import Watcher, limit_order
from tests.fakes.alpaca_play import (
    Kind,
    fills,
    gather,
    gather_until,
    hurry,
    joined,
    named_bracket,
    partly,
    until,
)
from tests.fakes.alpaca_stand import ACME, KEY, SECRET, AlpacaStage, alpaca_stage

UNCLEAR = (Fault.TIMEOUT_504, Fault.RESET, Fault.HALF_BODY, Fault.GARBAGE, Fault.TIMEOUT_AFTER)


@pytest.fixture
async def stage() -> AsyncIterator[AlpacaStage]:
    """A broker of its own for each case; what it was sent must have been in order."""
    async with alpaca_stage() as made:
        yield made
        assert made.server.complaints == []


@pytest.fixture
async def broker(stage: AlpacaStage) -> AsyncIterator[AlpacaBroker]:
    """Connected, with its account."""
    made = await joined(stage)
    yield made
    await made.close()


@pytest.mark.parametrize("is_paper", [True, False])
async def test_07_frames_are_read_whether_binary_or_text(is_paper: bool) -> None:
    async with alpaca_stage(is_paper=is_paper) as stage:
        broker = await joined(stage, poll_s=60.0)
        watcher = Watcher(broker)
        await broker.submit([limit_order(stage, "c07", Side.BUY, "1", "99.00")])
        await watcher.until("c07", Kind.ACCEPT)
        stage.move("98.90", "98.95")
        report = await watcher.until("c07", Kind.FILL)
        assert report.report_seq == report.ts_event > 0
        assert stage.server.complaints == []
        await watcher.close()
        await broker.close()


@pytest.mark.covers("F10", "F22")
async def test_08_a_mute_stream_is_noticed_and_cured(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c08-0", Side.BUY, "1", "99.00")])
    await watcher.until("c08-0", Kind.ACCEPT)
    await until(lambda: any(one.is_ready for one in stage.server.stream.sessions))
    stage.server.stream.weather = Weather(is_silent=True)  # open, pings answered, nothing said
    for number in (1, 2, 3):
        await broker.submit([limit_order(stage, f"c08-{number}", Side.BUY, "1", "99.00")])
        partly(stage, f"c08-{number}", "1")
        await watcher.until(f"c08-{number}", Kind.FILL)
    connected = stage.server.stream._count
    await gather_until(watcher, lambda: stage.server.stream._count > connected)
    stage.server.stream.weather = Weather()
    assert [one.client_order_id for one in fills(watcher)] == ["c08-1", "c08-2", "c08-3"]
    await watcher.close()


@pytest.mark.covers("F10", "F09")
async def test_09_frames_lost_doubled_and_reordered_leave_each_fill_once(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    stage.server.stream.weather = Weather(drop=0.8, copies=2, window_s=0.3)
    watcher = Watcher(broker)
    for number in range(12):
        await broker.submit([limit_order(stage, f"c09-{number}", Side.BUY, "2", "99.00")])
        partly(stage, f"c09-{number}", "1")
        partly(stage, f"c09-{number}", "1")
    await gather(watcher, lambda: len(fills(watcher)) >= 24)
    assert len({one.fill_id for one in fills(watcher)}) == 24 == len(fills(watcher))
    asked = await broker.fetch_fills("alpaca", 0)
    assert {one.fill_id for one in asked} == {one.fill_id for one in fills(watcher)}
    assert sum(one.quantity for one in asked) == 24
    await watcher.close()


@pytest.mark.covers("F10")
async def test_10_executions_are_read_page_by_page_to_the_end(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    await broker.submit([limit_order(stage, "c10", Side.BUY, "230", "99.00")])
    for _ in range(230):
        partly(stage, "c10", "1")
    found = await broker.fetch_fills("alpaca", 0)
    assert len({one.fill_id for one in found}) == 230
    assert [one.ts_event for one in found] == sorted(one.ts_event for one in found)
    pages = [one for one in stage.server.rest.requests if "activities" in one.path]
    assert len(pages) >= 3


@pytest.mark.covers("F26", "R21")
async def test_11_a_dead_key_is_a_state_and_not_a_storm(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c11", Side.BUY, "1", "99.00")])
    await watcher.until("c11", Kind.ACCEPT)
    stage.server.dead_keys.add(KEY)
    stage.server.stream.cut()
    with pytest.raises(UnavailableError):
        await gather(watcher, lambda: False)
    with pytest.raises(UnavailableError):
        await broker.fetch_account("alpaca")
    assert not broker.is_connected
    asked, connections = len(stage.server.rest.requests), stage.server.stream._count
    for _ in range(20):
        with pytest.raises(UnavailableError, match="does not accept the key"):
            await broker.connect()
    with pytest.raises(UnavailableError):
        await broker.submit([limit_order(stage, "c11-b", Side.BUY, "1", "99.00")])
    assert (len(stage.server.rest.requests), stage.server.stream._count) == (asked, connections)
    assert stage.server.posts["c11-b"] == 0


@pytest.mark.covers("O15")
@pytest.mark.parametrize("word", ["trade_bust", "trade_correct", "x_never_seen"])
async def test_13_a_word_nobody_told_us_about_is_kept_and_flagged(
    stage: AlpacaStage, broker: AlpacaBroker, word: str
) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c13", Side.BUY, "2", "99.00")])
    await watcher.until("c13", Kind.ACCEPT)
    stage.server.strange = word
    partly(stage, "c13", "1")
    report = await watcher.until("c13", Kind.SUSPEND)
    assert (report.reason, report.code) == (f"Alpaca says {word}", "")
    await watcher.close()


@pytest.mark.covers("F23", "F22")
async def test_14_while_the_stream_is_down_questions_carry_on(stage: AlpacaStage) -> None:
    await stage.server.stream.refuse()
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c14", Side.BUY, "1", "99.00")])
    await watcher.until("c14", Kind.ACCEPT)
    partly(stage, "c14", "1")
    await watcher.until("c14", Kind.FILL)
    await stage.server.stream.start()
    await gather_until(watcher, lambda: any(one.is_ready for one in stage.server.stream.sessions))
    await watcher.close()
    await broker.close()


@pytest.mark.covers("F45", "R21")
async def test_18_no_secret_is_seen_anywhere(stage: AlpacaStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = []
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c18", Side.BUY, "1", "99.00")])
    await watcher.until("c18", Kind.ACCEPT)
    hurry(broker)
    for fault in (*UNCLEAR, Fault.TOKEN_DEAD):
        stage.server.rest.plan.force(fault)
        try:
            await broker.submit([limit_order(stage, f"c18-{fault.value}", Side.BUY, "1", "99.00")])
        except Exception as error:
            seen += [error, error.__cause__, error.__context__, *error.args]
    seen += [broker, vars(broker), vars(broker._rest), vars(broker._rest)["_keys"], stage.server.stream.sessions]
    seen += [f"{one.path}?{one.query}" for one in stage.server.rest.requests]
    words = caplog.text + "".join(repr(one) + str(one) for one in seen)
    assert SECRET not in words
    assert KEY not in words
    await watcher.close()
    await broker.close()


@pytest.mark.covers("F08")
async def test_20_a_fill_told_before_its_order_is_booked_to_it(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    stage.venue.arm(Trick.FILL_BEFORE_ACK)
    await broker.submit([limit_order(stage, "c20", Side.BUY, "5", "99.00")])
    report = await watcher.until("c20", Kind.FILL)
    assert report.fill is not None
    assert report.fill.quantity == 1
    await watcher.until("c20", Kind.ACCEPT)
    await watcher.close()


async def test_21_an_order_of_somebody_else_is_shown_under_its_own_id(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    other = await joined(stage)
    watcher = Watcher(broker)
    await other.submit([limit_order(stage, "904837e3-3b76-47ec-b432-046db621571b", Side.BUY, "1", "99.00")])
    report = await watcher.until("904837e3-3b76-47ec-b432-046db621571b", Kind.ACCEPT)
    assert report.terms is not None
    assert report.terms.instrument_id == ACME
    await other.cancel_all("alpaca")  # a second session cancels while the first listens
    await watcher.until("904837e3-3b76-47ec-b432-046db621571b", Kind.CANCEL)
    await watcher.close()
    await other.close()


@pytest.mark.covers("F41", "F39")
async def test_22_clocks_are_compared_and_two_calendars_must_agree(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    assert abs(broker.clock_skew_ns) < 10**10
    calendar = load_calendar()
    clock = await broker.fetch_clock()
    session = calendar.session_at(clock.at)
    is_on = session is not None and session.open <= clock.at < session.close
    assert await broker.is_market_open(calendar) is is_on
    stage.venue.is_open = False
    assert not await broker.is_market_open(calendar)


@pytest.mark.covers("F07", "O15")
async def test_24_a_word_that_needs_a_question_waits_for_its_answer(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    other = await joined(stage)
    watcher = Watcher(broker)
    await other.submit([limit_order(stage, "c24-first", Side.BUY, "1", "99.00")])
    await watcher.until("c24-first", Kind.ACCEPT)
    stage.server.rest.aim(lambda request: request.method == "GET")
    stage.server.rest.plan.force(Fault.ERROR_503, 2)
    stage.server.strange = "x_never_seen"  # of an order that may be a leg: whose it is must be asked
    await other.submit(named_bracket(stage, "c24"))
    await watcher.until("c24", Kind.SUSPEND)
    await watcher.until("c24-S", Kind.ACCEPT)
    await watcher.close()
    await other.close()


@pytest.mark.covers("F18", "F23")
async def test_26_where_another_listens_already_we_wait_and_ask(stage: AlpacaStage) -> None:
    stage.server.is_crowded = True  # one stream for each account: somebody else has it
    broker = await joined(stage)
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c26", Side.BUY, "1", "99.00")])
    await watcher.until("c26", Kind.ACCEPT)
    partly(stage, "c26", "1")
    await watcher.until("c26", Kind.FILL)
    stage.server.is_crowded = False
    await gather_until(watcher, lambda: any(one.is_ready for one in stage.server.stream.sessions))
    await watcher.close()
    await broker.close()


@pytest.mark.covers("F27")
async def test_27_a_slow_answer_holds_back_nothing_that_the_stream_tells(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    watcher = Watcher(broker)
    await broker.submit([limit_order(stage, "c27", Side.BUY, "1", "99.00")])
    await watcher.until("c27", Kind.ACCEPT)
    reading = asyncio.ensure_future(watcher.until("c27", Kind.FILL))
    await until(lambda: any(one.is_ready for one in stage.server.stream.sessions))
    stage.server.rest.plan.force(Fault.TIMEOUT_BEFORE, 99)
    await until(lambda: bool(stage.server.rest.struck))
    partly(stage, "c27", "1")
    await reading
    assert broker._follower is not None
    assert broker._follower._asking is not None, "it still waits for its answer"
    await watcher.close()
