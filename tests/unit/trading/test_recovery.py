"""Starting is recovering: replay, compare, go. Every point at which one order may be cut off has an answer."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import ConflictError, DeniedError
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.trading.resolver import NEVER_REACHED
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, ACCOUNT, OrderDesk

S = OrderStatus

POINTS = (
    "gate passed",
    "not synced",
    "durable",
    "answered",
    "at the socket",
    "arrived",
    "answer read",
    "outcome known",
)


async def cut_off_at(desk: OrderDesk, point: str) -> None:
    """Submit C1 and kill the engine at the named point of its way."""
    journal = desk.journal
    assert isinstance(journal, MemoryJournal)
    if point == "gate passed":
        return await desk.crash()
    if point == "not synced":
        journal.is_held = True
        asyncio.ensure_future(desk.submit("C1")).add_done_callback(lambda done: done.cancelled() or done.exception())
        await desk.time.settle()
        return await desk.crash()
    desk.broker.holds_reports = point != "outcome known"
    desk.broker.gate = asyncio.Event()
    if point == "durable":
        journal.is_held = True
        waiting = asyncio.ensure_future(desk.submit("C1"))
        await desk.time.settle()
        journal.is_held = False
        journal.release()
        waiting.cancel()
        return await desk.crash()
    if point == "answer read":
        desk.broker.gate.set()
    await desk.submit("C1")
    if point in ("arrived", "outcome known"):
        desk.broker.gate.set()
    if point != "answered":
        await desk.time.settle()
    return await desk.crash()


@pytest.mark.covers("F13", "F34", "O5", "O11")
@pytest.mark.parametrize("point", POINTS)
async def test_wherever_an_order_is_cut_off_it_exists_at_most_once(point: str) -> None:
    desk = await OrderDesk().start()
    await cut_off_at(desk, point)
    is_recorded = point not in ("gate passed", "not synced")
    await desk.restart()
    assert ("C1" in desk.service.book.orders) == is_recorded
    if not is_recorded:
        await desk.submit("C1")  # the same key may simply be tried again
        await desk.time.settle()
        assert desk.order("C1").status is S.ACCEPTED
    else:
        await desk.time.advance(3)
        order = desk.order("C1")
        if desk.venue.made["C1"]:
            assert (order.status, order.is_unknown) == (S.ACCEPTED, False)
        else:
            assert (order.status, order.reason) == (S.CANCELED, NEVER_REACHED)
        _, is_replay = await desk.service.submit(desk.command("C1"), "tui")
        assert is_replay
    assert desk.venue.made["C1"] <= 1
    assert desk.venue.arrived["C1"] <= 1
    await desk.crash()


async def test_fills_while_the_engine_was_dead_are_there_when_it_is_back(desk: OrderDesk) -> None:
    await desk.submit("C1", take_price=Decimal(240))
    await desk.time.settle()
    await desk.crash()
    desk.venue.fill("C1", 100, 10)
    desk.venue.end("C1-T")
    await desk.restart()
    assert desk.order("C1").status is S.FILLED
    assert desk.order("C1-T").status is S.CANCELED
    assert desk.positions("PAPER") == {AAPL: Decimal(100)}
    assert desk.service.book.reconciled["PAPER"].differences == ()


async def test_kills_are_counted_and_ordered_stops_are_not(desk: OrderDesk) -> None:
    assert desk.service.kills_survived == 0
    spans: list[tuple[int, int]] = []
    for _ in range(2):
        before = desk.clock.now_ns()
        await desk.restart()
        spans.append((before, desk.clock.now_ns()))
    assert desk.service.kills_survived == 2
    times = desk.service.kill_times
    assert all(first <= at <= last for at, (first, last) in zip(times, spans, strict=True))
    await desk.stop()
    await desk.restart()
    assert desk.service.kills_survived == 2


async def test_an_ordered_stop_takes_nothing_new_and_waits_for_what_is_under_way(desk: OrderDesk) -> None:
    desk.broker.gate = asyncio.Event()
    await desk.submit("C1")
    stopping = asyncio.ensure_future(desk.stop())
    await desk.time.settle()
    assert not stopping.done()
    desk.broker.gate.set()
    await stopping
    assert desk.venue.made["C1"] == 1


async def test_the_engine_starts_without_its_venue_and_trades_when_it_appears(desk: OrderDesk) -> None:
    await desk.crash()
    desk._make()
    desk.broker.refuses_link = True
    await desk.start(is_open=False)
    assert "cannot be reached yet" in desk.texts()
    with pytest.raises(DeniedError) as caught:
        await desk.submit("C1")
    assert caught.value.denial == "STREAM_RECONCILING"
    assert "C1" not in desk.service.book.orders
    desk.broker.refuses_link = False
    await desk.time.advance(10)
    await desk.submit("C1")
    await desk.time.settle()
    assert desk.order("C1").status is S.ACCEPTED


async def test_differences_are_recorded_and_said(desk: OrderDesk) -> None:
    await desk.crash()
    desk.venue.positions["PAPER"] = {AAPL: Decimal(7)}
    await desk.restart()
    assert desk.service.book.reconciled["PAPER"].differences == ("AAPL.XNAS: 0 here, 7 at the venue",)
    assert "differs from the venue" in desk.texts()


async def test_comparing_twice_posts_nothing_new(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()
    await desk.restart()
    orders = dict(desk.service.book.orders)
    count = len([fact for fact in desk.facts if getattr(fact, "fill", None)])
    await desk.restart()
    assert desk.service.book.orders == orders
    assert len([fact for fact in desk.facts if getattr(fact, "fill", None)]) == count


async def test_open_accounts_are_told_to_a_venue_that_lost_them(desk: OrderDesk) -> None:
    await desk.crash()
    desk.venue.accounts.clear()
    await desk.restart()
    assert "PAPER" in desk.venue.accounts


@pytest.mark.covers("O13")
async def test_an_account_is_opened_once_and_never_under_other_terms(desk: OrderDesk) -> None:
    again = await desk.service.open_account(ACCOUNT, "cli")
    assert again.account.account_id == "PAPER"
    with pytest.raises(ConflictError, match="other terms"):
        await desk.service.open_account(structs.replace(ACCOUNT, initial_cash=Decimal(1)), "cli")


@pytest.mark.covers("L12", "O12")
async def test_replaying_gives_the_live_state(desk: OrderDesk) -> None:
    await desk.submit("C1", take_price=Decimal(240))
    await desk.submit("C2", is_staged=True)
    await desk.time.settle()
    desk.venue.fill("C1", 40, 10)
    await desk.cancel("C1")
    await desk.time.advance(2)
    before = desk.service.book.facts()
    front = desk.service._recorder.front.facts()
    assert before == front
    replayed = type(desk.service.book)()
    for entry in desk.journal.scan():
        replayed.apply(entry.event, entry.seq)
    assert replayed.facts() == before
    assert replayed.entries == desk.service.book.entries
    assert desk.steps("C1")[-1] is K.CANCEL


async def test_a_start_that_failed_half_way_does_not_hide_the_kill(desk: OrderDesk) -> None:
    await desk.crash()
    desk._make()
    await desk.service.stop()
    await desk.restart()
    assert desk.service.kills_survived == 1


async def test_a_new_account_is_compared_with_the_venue_at_once(desk: OrderDesk) -> None:
    assert desk.service.book.reconciled["PAPER"].differences == ()
