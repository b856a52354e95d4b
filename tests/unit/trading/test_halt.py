"""Halt, reduce, flatten, resume: the latch first, nothing leaves after it, and what is left is said."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from stockpulse_engine.bus.topics import TradingStateSet
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, UnavailableError
from stockpulse_engine.domain.orders import OrderStatus, OrderType, Side
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, ACCOUNT, MSFT, OrderDesk

S, T = OrderStatus, TradingState


async def working(desk: OrderDesk, key: str, **terms: object) -> None:
    await desk.submit(key, **terms)
    await desk.time.settle()


async def holding(desk: OrderDesk, key: str, quantity: int, **terms: object) -> None:
    """Buy and have it."""
    await working(desk, key, quantity=Decimal(quantity), **terms)
    desk.venue.fill(key, quantity, 10)
    await desk.time.settle()


async def test_halt_latches_records_and_cancels_everything(desk: OrderDesk) -> None:
    told: list[TradingStateSet] = []
    desk.bus.subscribe(TradingStateSet, told.append)
    await working(desk, "C1")
    await working(desk, "C2", instrument_id=MSFT)
    view = await desk.change("halt", reason="the market is mad")
    assert (view.state, view.is_latched, view.reason, view.actor) == (T.HALTED, True, "the market is mad", "tui")
    await desk.time.advance(1)
    assert [desk.order(key).status for key in ("C1", "C2")] == [S.CANCELED, S.CANCELED]
    assert [one.actor for one in told] == ["tui"]


async def test_a_halt_that_waits_for_the_disk_says_already_who_and_why(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    halting = asyncio.ensure_future(desk.change("halt", reason="flat"))
    await desk.time.settle()
    view = desk.service.halt_view()
    assert (view.state, view.reason, view.actor, view.since > 0) == (T.HALTED, "flat", "tui", True)
    desk.journal.is_held = False
    desk.journal.release()
    assert (await halting).reason == "flat"


async def test_an_order_on_its_way_to_the_disk_does_not_leave_after_the_latch(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    submitting = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.settle()
    halting = asyncio.ensure_future(desk.change("halt"))
    await desk.time.settle()
    assert desk.latch.is_latched  # before anything was written
    desk.journal.is_held = False
    desk.journal.release()
    await asyncio.gather(submitting, halting)
    await desk.time.advance(2)
    assert desk.venue.arrived["C1"] == 0
    assert desk.order("C1").status is S.CANCELED


async def test_a_latch_set_by_anybody_stops_what_was_not_sent_and_is_noticed(desk: OrderDesk) -> None:
    await working(desk, "C1")
    desk.latch.is_latched = True
    await desk.submit("C2")
    await desk.time.advance(1)
    assert desk.venue.arrived["C2"] == 0
    assert "never left: trading is HALTED" in desk.order("C2").reason
    assert desk.order("C1").status is S.CANCELED
    assert desk.service.halt_view().actor == "latch"


async def test_halt_works_with_a_broken_disk(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await working(desk, "C1")
    desk.journal.break_down()
    desk.latch.is_broken = True
    view = await desk.change("halt")
    assert view.state is T.HALTED
    await desk.time.advance(1)
    assert desk.venue.orders["C1"].status == "CANCELED"
    assert "HALTED in memory only" in desk.texts()
    with pytest.raises(UnavailableError, match="read-only"):
        await desk.change("resume", word="RESUME")


async def test_a_lost_cancel_all_is_followed_by_single_cancels(desk: OrderDesk) -> None:
    await working(desk, "C1")

    async def lost(account_id: str) -> None:
        raise TimeoutError("no answer")

    desk.broker.cancel_all = lost  # type: ignore[method-assign]  # the fault
    await desk.change("halt")
    await desk.time.advance(2)
    assert desk.order("C1").status is S.CANCELED


async def test_halted_survives_a_restart(desk: OrderDesk) -> None:
    await desk.change("halt")
    await desk.restart()
    assert desk.service.trading_state is T.HALTED


async def test_resume_needs_its_word_and_clears_the_latch(desk: OrderDesk) -> None:
    await desk.change("halt")
    for word in ("", "resume", "FLATTEN"):
        with pytest.raises(ForbiddenError, match="RESUME"):
            await desk.change("resume", word=word)
    view = await desk.change("resume", word="RESUME")
    assert (view.state, view.is_latched) == (T.ACTIVE, False)
    await working(desk, "C1")
    assert desk.order("C1").status is S.ACCEPTED


async def test_an_unknown_action_is_said(desk: OrderDesk) -> None:
    with pytest.raises(InvalidValueError, match="halt, reduce, flatten, resume"):
        await desk.change("panic")


async def test_reducing_lets_out_only_what_reduces(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    assert (await desk.change("reduce")).state is T.REDUCING
    await working(desk, "C2")
    assert desk.venue.arrived["C2"] == 0
    assert "does not reduce" in desk.order("C2").reason
    await working(desk, "C3", side=Side.SELL, quantity=Decimal(150))
    assert desk.venue.arrived["C3"] == 0
    await working(desk, "C4", side=Side.SELL, quantity=Decimal(60))
    assert desk.order("C4").status is S.ACCEPTED


async def test_loosening_halted_to_reducing_needs_the_word(desk: OrderDesk) -> None:
    await desk.change("halt")
    with pytest.raises(ForbiddenError):
        await desk.change("reduce")
    assert (await desk.change("reduce", word="RESUME")).state is T.REDUCING
    assert not desk.latch.is_latched


async def test_flatten_closes_everything_and_then_halts(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    await holding(desk, "C2", 40, instrument_id=MSFT, side=Side.SELL)
    await working(desk, "C3", quantity=Decimal(5))
    with pytest.raises(ForbiddenError, match="FLATTEN"):
        await desk.change("flatten")
    desk.venue.fills_at = Decimal(9)
    view = await desk.change("flatten", word="FLATTEN")
    assert view.state is T.REDUCING
    assert view.flattening == (AAPL, MSFT)
    await desk.time.advance(5)
    assert desk.positions("PAPER") == {}
    view = desk.service.halt_view()
    assert (view.state, view.flattening, view.reason) == (T.HALTED, (), "flat")
    closes = [order for order in desk.service.orders(scope="all") if order.source == "flatten"]
    assert sorted((one.terms.side.value, one.terms.quantity) for one in closes) == [
        ("BUY", Decimal(40)),
        ("SELL", Decimal(100)),
    ]
    assert all(one.terms.is_reduce_only and one.terms.order_type is OrderType.MARKET for one in closes)
    assert desk.order("C3").status is S.CANCELED


async def test_flatten_gives_up_after_a_minute_and_says_what_is_left(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    desk.venue.rejects = ("the market is closed", "closed")
    await desk.change("flatten", word="FLATTEN")
    await desk.time.advance(30)
    assert desk.service.halt_view().flattening == (AAPL,)
    await desk.time.advance(40)
    view = desk.service.halt_view()
    assert (view.state, view.flattening) == (T.HALTED, ())
    assert "AAPL 100" in view.reason
    assert "positions left: AAPL 100" in desk.texts()
    assert len([one for one in desk.service.orders(scope="all") if one.source == "flatten"]) == 5


async def test_halt_stops_a_running_flatten(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    await working(desk, "C2", instrument_id=AAPL)
    desk.broker.holds_reports = True
    await desk.change("flatten", word="FLATTEN")
    await desk.change("halt", reason="stop that")
    desk.broker.holds_reports = False
    desk.venue.changed.set()
    await desk.time.advance(90)
    assert not [one for one in desk.service.orders(scope="all") if one.source == "flatten"]
    assert desk.service.halt_view().reason == "stop that"


async def test_a_flatten_cut_off_by_a_crash_goes_on_and_ends_halted(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    await working(desk, "C2", instrument_id=MSFT)
    desk.venue.rejects = ("no", "no")
    await desk.change("flatten", word="FLATTEN")
    await desk.restart()
    assert (desk.service.trading_state, desk.service.halt_view().flattening) == (T.REDUCING, (AAPL,))
    assert "flatten was cut off" in desk.texts()
    desk.venue.rejects, desk.venue.fills_at = None, Decimal(9)
    await desk.time.advance(5)
    assert desk.positions("PAPER") == {}
    assert (desk.service.halt_view().state, desk.service.halt_view().reason) == (T.HALTED, "flat")
    assert desk.order("C2").status is S.CANCELED


async def test_a_close_that_was_sent_before_the_crash_is_not_sent_again(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    await desk.change("flatten", word="FLATTEN")
    await desk.time.advance(1)
    (close,) = [one for one in desk.service.orders(scope="working") if one.source == "flatten"]
    await desk.restart()
    await desk.time.advance(3)
    assert [one.client_order_id for one in desk.service.orders(scope="working")] == [close.client_order_id]
    desk.venue.fill(close.client_order_id, 100, 9)
    await desk.time.advance(3)
    assert (desk.positions("PAPER"), desk.service.halt_view().state) == ({}, T.HALTED)


async def test_a_flatten_that_is_out_of_time_at_the_start_halts_and_says_what_is_left(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    desk.venue.rejects = ("no", "no")
    await desk.change("flatten", word="FLATTEN")
    await desk.crash()
    desk.venue.rejects = None
    await desk.time.advance(61)
    sent = len(desk.venue.orders)
    await desk.restart()
    await desk.time.advance(1)
    view = desk.service.halt_view()
    assert (view.state, view.is_latched, "AAPL 100" in view.reason) == (T.HALTED, True, True)
    assert len(desk.venue.orders) == sent, "nothing is sent for an intent that has grown old"


async def test_reduce_after_a_flatten_is_not_a_flatten_at_the_next_start(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    desk.venue.rejects = ("no", "no")
    await desk.change("flatten", word="FLATTEN")
    await desk.change("reduce", reason="flatten: not any more")
    await desk.restart()
    await desk.time.advance(70)
    assert (desk.service.halt_view().state, desk.service.halt_view().flattening) == (T.REDUCING, ())


async def test_while_the_link_is_down_a_flatten_waits_instead_of_using_up_its_tries(desk: OrderDesk) -> None:
    await holding(desk, "C1", 100)
    desk.service._desk.clean.discard(ACCOUNT.account_id)
    await desk.change("flatten", word="FLATTEN")
    await desk.time.advance(20)
    assert not [one for one in desk.service.orders(scope="all") if one.source == "flatten"]
    desk.service._desk.clean.add(ACCOUNT.account_id)
    desk.venue.fills_at = Decimal(9)
    await desk.time.advance(5)
    assert (desk.positions("PAPER"), desk.service.halt_view().reason) == ({}, "flat")


async def test_a_close_whose_fill_is_on_its_way_to_the_disk_is_not_sent_again(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await holding(desk, "C1", 100)
    await desk.change("flatten", word="FLATTEN")
    await desk.time.advance(1)
    (close,) = [one for one in desk.service.orders(scope="working") if one.source == "flatten"]
    desk.journal.is_held = True
    desk.venue.fill(close.client_order_id, 100, 9)
    await desk.time.advance(2)
    desk.journal.is_held = False
    desk.journal.release()
    await desk.time.advance(2)
    assert [key for key in desk.venue.orders if key.startswith("FL-")] == [close.client_order_id]
    assert (desk.positions("PAPER"), desk.service.halt_view().reason) == ({}, "flat")


async def test_a_listener_that_fails_halts_trading(desk: OrderDesk) -> None:
    def broken(event: object) -> None:
        raise ArithmeticError("the ledger does not balance")

    desk.service._recorder._listeners = (broken,)
    await desk.submit("C1")
    await desk.time.advance(1)
    assert desk.service.trading_state is T.HALTED
    assert "the ledger does not balance" in desk.texts()


async def test_the_watch_does_not_undo_a_resume_that_waits_for_the_disk(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await desk.change("halt")
    desk.journal.is_held = True
    resuming = asyncio.ensure_future(desk.change("resume", word="RESUME"))
    await desk.time.advance(2)  # the watch looks at the latch several times
    assert desk.latch.is_latched
    desk.journal.is_held = False
    desk.journal.release()
    view = await resuming
    await desk.time.advance(2)
    assert (view.state, view.is_latched) == (T.ACTIVE, False)
    assert desk.service.trading_state is T.ACTIVE


async def test_a_halt_during_a_resume_wins(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await desk.change("halt")
    desk.journal.is_held = True
    resuming = asyncio.ensure_future(desk.change("resume", word="RESUME"))
    await desk.time.settle()
    halting = asyncio.ensure_future(desk.change("halt", reason="no, stay"))
    await desk.time.settle()
    desk.journal.is_held = False
    desk.journal.release()
    with pytest.raises(ForbiddenError, match="halted again"):
        await resuming
    await halting
    assert desk.latch.is_latched
    assert desk.service.trading_state is T.HALTED
