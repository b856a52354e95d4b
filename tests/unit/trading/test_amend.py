"""Cancel and change: a cancel is pending until proven and never held back; a change passes the gate with what is left."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from stockpulse_engine.domain.commands import CancelOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, ForbiddenError, InvalidValueError
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus, OrderType
from stockpulse_engine.risk.codes import DenialCode
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import MSFT, OrderDesk

S = OrderStatus


async def working(desk: OrderDesk, key: str = "C1", **terms: object) -> None:
    await desk.submit(key, **terms)
    await desk.time.settle()


async def test_a_cancel_is_pending_until_the_venue_proves_it(desk: OrderDesk) -> None:
    await working(desk)
    assert (await desk.cancel("C1")).status is S.PENDING_CANCEL
    await desk.time.settle()
    assert desk.order("C1").status is S.CANCELED
    assert desk.steps("C1") == [K.SUBMIT, K.ACCEPT, K.CANCEL_REQUEST, K.CANCEL]


async def test_a_fill_may_win_against_the_cancel(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 100, 10)
    assert (await desk.cancel("C1")).status in (S.PENDING_CANCEL, S.FILLED)
    await desk.time.advance(2)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, False)


async def test_the_same_cancel_twice_is_one_request(desk: OrderDesk) -> None:
    await working(desk)
    await desk.cancel("C1", "R1")
    await desk.cancel("C1", "R1")
    assert desk.steps("C1").count(K.CANCEL_REQUEST) == 1
    await working(desk, "C2")
    with pytest.raises(ConflictError, match="request id R1"):
        await desk.cancel("C2", "R1")


async def test_what_is_over_cannot_be_canceled(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()
    with pytest.raises(ConflictError, match="already FILLED"):
        await desk.cancel("C1")


async def test_an_order_canceled_before_it_left_never_leaves(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    submitting = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.settle()
    canceling = asyncio.ensure_future(desk.cancel("C1"))
    await desk.time.settle()
    desk.journal.is_held = False
    desk.journal.release()
    await asyncio.gather(submitting, canceling)
    await desk.time.settle()
    assert desk.order("C1").status is S.CANCELED
    assert desk.venue.arrived["C1"] == 0


async def test_an_unknown_order_can_be_canceled_and_halted_trading_does_not_matter(desk: OrderDesk) -> None:
    desk.broker.fate = ["silent"]
    desk.broker.holds_reports = True
    await desk.submit("C1")
    await desk.time.settle()
    assert desk.order("C1").is_unknown
    desk.latch.is_latched = True
    await desk.cancel("C1")
    await desk.time.advance(2)
    assert desk.venue.orders["C1"].status == "CANCELED"
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.CANCELED, False)


async def test_a_cancel_goes_out_although_the_disk_is_broken(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await working(desk)
    desk.journal.break_down()
    await desk.cancel("C1")
    await desk.time.settle()
    assert desk.venue.orders["C1"].status == "CANCELED"
    assert "could not be recorded" in desk.texts()


async def test_cancel_by_pattern_takes_what_matches(desk: OrderDesk) -> None:
    await working(desk, "C1")
    await working(desk, "C2", instrument_id=MSFT)
    assert await desk.service.cancel_matching("aa*", "", "tui") == ("C1",)
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C2").status) == (S.CANCELED, S.ACCEPTED)
    assert await desk.service.cancel_matching("*", "PAPER", "tui") == ("C2",)


async def test_a_canceled_entry_takes_its_children_with_it(desk: OrderDesk) -> None:
    await working(desk, "C1", take_price=Decimal(240), stop_price=Decimal(225))
    await desk.cancel("C1")
    await desk.time.settle()
    assert [desk.order(key).status for key in ("C1", "C1-T", "C1-S")] == [S.CANCELED] * 3


async def test_a_change_is_pending_and_then_the_terms(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 30, 10)
    await desk.time.settle()
    order = await desk.modify("C1", "R1", quantity=Decimal(80), limit_price=Decimal(232))
    assert (order.status, order.terms.quantity) == (S.PENDING_UPDATE, Decimal(100))
    judged, excluded = desk.gate.judged[-1]
    assert (judged.terms.quantity, excluded) == (Decimal(50), "C1")  # what is left to execute
    await desk.time.settle()
    order = desk.order("C1")
    assert (order.status, order.terms.quantity, order.terms.limit_price) == (
        S.PARTIALLY_FILLED,
        Decimal(80),
        Decimal(232),
    )
    again = await desk.modify("C1", "R1", quantity=Decimal(80), limit_price=Decimal(232))
    assert again == order
    assert desk.steps("C1").count(K.UPDATE_REQUEST) == 1
    with pytest.raises(ConflictError, match="another body"):
        await desk.modify("C1", "R1", quantity=Decimal(90))


async def test_a_refused_change_leaves_the_old_terms(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.change_fate = ["refused"]
    await desk.modify("C1", quantity=Decimal(80))
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").terms.quantity) == (S.ACCEPTED, Decimal(100))
    desk.gate.deny(DenialCode.MAX_NOTIONAL)
    with pytest.raises(DeniedError):
        await desk.modify("C1", quantity=Decimal(9999))
    assert desk.order("C1").status is S.ACCEPTED


async def test_a_change_does_not_leave_while_halted(desk: OrderDesk) -> None:
    await working(desk)
    desk.latch.is_latched = True
    await desk.modify("C1", quantity=Decimal(80))
    await desk.time.settle()
    assert desk.order("C1").terms.quantity == 100
    assert desk.venue.orders["C1"].terms.quantity == 100


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"quantity": Decimal(100)},
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal(-1)},
        {"stop_price": Decimal(1)},
    ],
    ids=str,
)
async def test_a_change_must_change_something_that_is_there(desk: OrderDesk, change: dict[str, Any]) -> None:
    await working(desk)
    with pytest.raises(InvalidValueError):
        await desk.modify("C1", **change)


async def test_less_than_was_filled_is_no_change(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 30, 10)
    await desk.time.settle()
    with pytest.raises(InvalidValueError, match="30 are filled"):
        await desk.modify("C1", quantity=Decimal(30))


async def test_a_broker_that_cannot_change_orders_says_so(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.can_replace = False
    with pytest.raises(ForbiddenError, match="new one"):
        await desk.modify("C1", quantity=Decimal(80))


async def test_only_one_change_at_a_time(desk: OrderDesk) -> None:
    await working(desk)
    await desk.modify("C1", quantity=Decimal(80))
    with pytest.raises(ConflictError, match="PENDING_UPDATE"):
        await desk.modify("C1", quantity=Decimal(70))


async def test_an_entry_that_has_not_filled_is_judged_with_its_exits(desk: OrderDesk) -> None:
    await working(desk, "C1", take_price=Decimal(240), stop_price=Decimal(225))
    await desk.modify("C1", limit_price=Decimal(231))
    judged, _ = desk.gate.judged[-1]
    assert (judged.take_price, judged.stop_price) == (Decimal(240), Decimal(225))
    await desk.time.settle()
    desk.venue.fill("C1", 30, 10)
    await desk.time.settle()
    await desk.modify("C1", limit_price=Decimal(224))
    judged, _ = desk.gate.judged[-1]
    assert (judged.take_price, judged.stop_price) == (None, None), "exits that work already may have been moved past it"


async def test_an_exit_never_grows_beyond_its_entry(desk: OrderDesk) -> None:
    await working(desk, "C1", take_price=Decimal(240), stop_price=Decimal(225))
    with pytest.raises(InvalidValueError, match="at most 100"):
        await desk.modify("C1-S", quantity=Decimal(101))
    await desk.modify("C1-S", quantity=Decimal(60))
    await desk.time.settle()
    assert desk.order("C1-S").terms.quantity == 60


async def test_a_second_process_may_ask_again_under_the_same_request_id(desk: OrderDesk) -> None:
    await working(desk)
    first = CancelOrder(client_order_id="C1", request_id="R1", source="cli-1/trader")
    await desk.service.cancel(first, "cli-1/trader")
    again = await desk.service.cancel(structs.replace(first, source="cli-2/trader"), "cli-2/trader")
    assert (again.client_order_id, desk.steps("C1").count(K.CANCEL_REQUEST)) == ("C1", 1)


@pytest.mark.covers("F11")
async def test_a_partly_filled_order_is_asked_for_its_total_and_judged_for_what_is_left(desk: OrderDesk) -> None:
    await desk.submit("C1", order_type=OrderType.TRAILING_STOP, limit_price=None, trail_amount=Decimal(2))
    await desk.time.advance(1)
    desk.venue.fill("C1", 30, 231)
    await desk.time.settle()
    await desk.modify("C1", quantity=Decimal(80), trail_fraction=Decimal("0.01"))
    await desk.time.advance(1)
    asked, excluded = desk.gate.judged[-1]
    assert (asked.terms.quantity, excluded) == (Decimal(50), "C1")
    sent = desk.venue.orders["C1"].terms
    assert (sent.quantity, sent.trail_amount, sent.trail_fraction) == (Decimal(80), None, Decimal("0.01"))
    assert desk.order("C1").leaves_quantity == 50


async def test_the_trigger_of_a_trailing_stop_is_not_ours_to_set(desk: OrderDesk) -> None:
    await desk.submit("C1", order_type=OrderType.TRAILING_STOP, limit_price=None, trail_amount=Decimal(2))
    await desk.time.advance(1)
    terms = structs.replace(desk.order("C1").terms, stop_price=Decimal(230))
    desk.venue.say(K.TRAIL, "C1", terms=terms)
    await desk.time.settle()
    assert desk.order("C1").terms.stop_price == Decimal(230)
    changes: list[dict[str, Any]] = [{name: Decimal(1)} for name in ("stop_price", "limit_price", "limit_offset")]
    for change in changes:
        with pytest.raises(InvalidValueError):
            await desk.modify("C1", **change)


async def test_a_trigger_that_moves_while_a_change_is_asked_answers_nothing(desk: OrderDesk) -> None:
    await desk.submit("C1", order_type=OrderType.TRAILING_STOP, limit_price=None, trail_amount=Decimal(2))
    await desk.time.advance(1)
    desk.broker.change_fate = ["lost"]
    await desk.modify("C1", quantity=Decimal(60))
    desk.venue.say(K.TRAIL, "C1", terms=structs.replace(desk.order("C1").terms, stop_price=Decimal(230)))
    await desk.time.settle()
    order = desk.order("C1")
    assert order.pending_terms is not None
    assert (order.pending_terms.quantity, order.terms.quantity) == (Decimal(60), Decimal(100))
