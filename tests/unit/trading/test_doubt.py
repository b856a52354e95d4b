"""No answer is not a no: UNKNOWN orders are asked about until there is evidence, and never sent again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.domain.reports import VenueOrder
from stockpulse_engine.trading.resolver import NEVER_REACHED
from tests.fakes.order_desk import OrderDesk

S = OrderStatus


async def test_an_order_that_arrived_without_an_answer_is_found(desk: OrderDesk) -> None:
    desk.broker.holds_reports = True
    desk.broker.fate = ["silent"]
    await desk.submit("C1")
    await desk.time.settle()
    assert desk.order("C1").is_unknown
    assert "C1 is UNKNOWN" in desk.texts()
    await desk.time.advance(1)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.ACCEPTED, False)
    assert desk.venue.arrived["C1"] == 1


@pytest.mark.covers("F01", "O5")
async def test_absence_is_proven_by_two_answers_and_frees_the_order(desk: OrderDesk) -> None:
    desk.broker.fate = ["lost"]
    await desk.submit("C1", take_price=Decimal(240))
    await desk.time.settle()
    assert desk.order("C1").is_unknown
    await desk.time.advance(0.25)  # one look says "no such order": not enough
    assert desk.order("C1").is_unknown
    await desk.time.advance(2)
    order = desk.order("C1")
    assert (order.status, order.is_unknown, order.reason) == (S.CANCELED, False, NEVER_REACHED)
    assert desk.order("C1-T").status is S.CANCELED
    assert desk.venue.arrived["C1"] == 0


@pytest.mark.covers("F07", "O5")
async def test_an_exception_proves_nothing_for_an_hour(desk: OrderDesk) -> None:
    desk.broker.fate = ["lost"]
    desk.broker.is_blind = True
    await desk.submit("C1")
    await desk.time.advance(3600)
    assert desk.order("C1").is_unknown
    assert desk.order("C1").is_open
    assert "still UNKNOWN" in desk.texts()
    assert desk.broker.queries < 3600 / 10 + 3600 / 5 + 3600 / 10 + 100  # three loops, each backed off
    desk.broker.is_blind = False
    await desk.time.advance(30)
    assert desk.order("C1").status is S.CANCELED


async def test_an_order_that_turns_up_after_all_is_shown_and_can_be_canceled(desk: OrderDesk) -> None:
    desk.broker.fate = ["lost"]
    await desk.submit("C1")
    await desk.time.advance(3)
    assert desk.order("C1").status is S.CANCELED
    desk.venue.receive([desk.order("C1")])
    await desk.time.advance(3)
    assert desk.order("C1").is_unknown
    assert "The venue says ACCEPT of C1, which was CANCELED" in desk.texts()
    await desk.cancel("C1")
    await desk.time.advance(3)
    assert not desk.order("C1").is_unknown
    assert desk.venue.orders["C1"].status == "CANCELED"


async def test_a_fill_before_the_answer_is_evidence(desk: OrderDesk) -> None:
    desk.broker.fate = ["silent"]
    desk.venue.fills_at = Decimal("231.40")
    await desk.submit("C1")
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, False)


async def test_fills_that_were_never_told_are_fetched_not_invented(desk: OrderDesk) -> None:
    desk.broker.holds_reports = True
    desk.broker.fate = ["silent"]
    desk.venue.fills_at = Decimal("231.40")
    await desk.submit("C1")
    await desk.time.advance(2)
    assert desk.order("C1").status is S.FILLED
    assert [fill.fill_id for fill in desk.service.fills(client_order_id="C1")] == ["X1"]
    desk.broker.holds_reports = False
    desk.venue.changed.set()
    await desk.time.settle()
    assert len(desk.service.fills(client_order_id="C1")) == 1


async def test_a_silent_venue_is_asked_when_it_is_overdue(desk: OrderDesk) -> None:
    desk.broker.holds_reports = True
    await desk.submit("C1")
    await desk.time.advance(desk.timing.overdue - 1)
    assert desk.order("C1").status is S.SUBMITTED
    await desk.time.advance(3)
    assert desk.order("C1").status is S.ACCEPTED


async def test_a_lost_cancel_is_asked_for_again(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.broker.cancel_fate = ["lost"]
    assert (await desk.cancel("C1")).status is S.PENDING_CANCEL
    await desk.time.advance(5)
    assert desk.order("C1").status is S.CANCELED


@pytest.mark.parametrize(("fate", "quantity"), [("lost", 100), ("silent", 60)])
async def test_a_change_without_an_answer_is_settled_by_the_terms_the_venue_shows(
    desk: OrderDesk, fate: str, quantity: int
) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.broker.holds_reports = True
    desk.broker.change_fate = [fate]
    await desk.modify("C1", quantity=Decimal(60))
    await desk.time.settle()
    assert desk.order("C1").is_unknown
    await desk.time.advance(20)
    order = desk.order("C1")
    assert (order.status, order.is_unknown, order.terms.quantity) == (S.ACCEPTED, False, Decimal(quantity))


async def test_an_order_the_venue_forgot_stays_unknown_until_a_person_decides(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    forgotten: VenueOrder = desk.venue.orders.pop("C1")
    await desk.time.advance(desk.timing.reconcile + 5)
    assert desk.order("C1").is_unknown
    assert "no longer knows C1" in desk.texts()
    desk.venue.orders["C1"] = forgotten
    await desk.time.advance(30)
    assert not desk.order("C1").is_unknown


async def test_words_that_no_venue_should_say_are_booked_flagged_and_survived(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.venue.fill("C1", 100, 10)
    desk.venue.say(K.TRIGGER, "C1")
    desk.venue.say(K.CANCEL, "C1", reason="\x1b[2Jgone")
    desk.venue.say(K.SUBMIT, "C1")
    desk.venue.say(K.SUSPEND, "C1", reason="a new word")
    desk.venue.say(K.BUST, "nobody")
    await desk.time.settle()
    assert "The venue says CANCEL of C1, which was FILLED" in desk.texts()
    assert "order nobody knows" in desk.texts()
    assert "\x1b" not in desk.order("C1").reason
    await desk.time.advance(2)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, False)
    await desk.submit("C2")
    await desk.time.settle()
    assert desk.order("C2").status is S.ACCEPTED


async def left_unknown(desk: OrderDesk) -> None:
    """C1 was sent, no answer came, and the venue cannot be asked."""
    desk.broker.fate = ["lost"]
    desk.broker.is_blind = True
    await desk.submit("C1")
    await desk.time.advance(60)
    assert desk.order("C1").is_unknown


@pytest.mark.covers("O5")
async def test_a_person_may_declare_it_dead_with_a_word_and_a_reason_and_nothing_else_does(desk: OrderDesk) -> None:
    await left_unknown(desk)
    say = desk.service.declare_dead
    with pytest.raises(InvalidValueError, match="Why"):
        await say("C1", reason=" ", word="DEAD", actor="tui/ann")
    with pytest.raises(ForbiddenError, match="DEAD"):
        await say("C1", reason="so", word="dead", actor="tui/ann")
    order = await say("C1", reason="the desk says it never came", word="DEAD", actor="tui/ann")
    assert (order.status, order.is_unknown) == (S.CANCELED, False)
    assert order.reason == "declared dead by tui/ann: the desk says it never came"
    with pytest.raises(ConflictError, match="its outcome is known"):
        await say("C1", reason="so", word="DEAD", actor="tui/ann")
    desk.broker.is_blind = False
    desk.venue.receive([order])
    desk.venue.fill("C1", 10, 10)
    await desk.time.advance(2)
    assert desk.order("C1").filled_quantity == 10, "what executes after all is booked"
    assert "filled after it was CANCELED" in desk.texts("warn")


async def test_the_venues_own_word_beats_a_persons(desk: OrderDesk) -> None:
    await left_unknown(desk)
    desk.venue.receive([desk.order("C1")])
    desk.broker.is_blind = False
    desk.broker.holds_reports = True
    with pytest.raises(ConflictError, match="shows C1 ACCEPTED"):
        await desk.service.declare_dead("C1", reason="so", word="DEAD", actor="tui")


async def test_an_order_that_is_over_and_in_doubt_is_settled_by_a_person_too(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()
    desk.broker.is_blind = True
    desk.venue.say(K.CANCEL, "C1")
    await desk.time.advance(1)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, True)
    order = await desk.service.declare_dead("C1", reason="confirmed", word="DEAD", actor="tui")
    assert (order.status, order.is_unknown) == (S.FILLED, False)
