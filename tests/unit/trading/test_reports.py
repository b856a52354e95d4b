"""The venue's words: repeated, reordered, foreign, taken back. Each execution posts once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.events import ActionApplied
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.domain.reports import ExecutionReport
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, OrderDesk

S = OrderStatus


async def working(desk: OrderDesk, key: str = "C1") -> None:
    await desk.submit(key)
    await desk.time.settle()


@pytest.mark.covers("F09", "L6")
async def test_a_repeated_execution_posts_once_even_across_a_restart(desk: OrderDesk) -> None:
    await working(desk)
    fill = desk.venue.fill("C1", 40, 10)
    for _ in range(3):
        desk.venue.say(K.FILL, "C1", fill=fill)
    await desk.time.settle()
    await desk.restart()
    desk.venue.say(K.FILL, "C1", fill=fill)
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == 40
    assert desk.steps("C1").count(K.FILL) == 1
    assert desk.positions("PAPER") == {AAPL: Decimal(40)}


async def test_a_change_told_by_a_venue_leaves_alone_what_no_venue_holds(desk: OrderDesk) -> None:
    await working(desk)
    ours = desk.order("C1").terms
    theirs = structs.replace(ours, quantity=Decimal(7), strategy="manual", lots=("L9",), is_reduce_only=True)
    desk.venue.say(K.UPDATE, "C1", terms=theirs)
    await desk.time.settle()
    assert desk.order("C1").terms == structs.replace(ours, quantity=Decimal(7))


@pytest.mark.covers("F08")
async def test_the_fill_may_come_before_the_acceptance(desk: OrderDesk) -> None:
    desk.broker.holds_reports = True
    await desk.submit("C1")
    await desk.time.settle()
    desk.venue.fill("C1", 40, 10)
    desk.venue.reports.reverse()
    desk.broker.holds_reports = False
    desk.venue.changed.set()
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").filled_quantity) == (S.PARTIALLY_FILLED, Decimal(40))
    assert not desk.order("C1").is_unknown


@pytest.mark.covers("F15")
async def test_a_late_fill_of_a_canceled_order_is_booked_and_said(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.end("C1")
    desk.venue.fill("C1", 10, 10)
    await desk.time.settle()
    order = desk.order("C1")
    assert (order.status, order.filled_quantity, order.has_late_fill) == (S.CANCELED, Decimal(10), True)
    assert "filled after it was CANCELED" in desk.texts("warn")


async def test_an_overfill_is_booked_and_alarms(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 150, 10)
    await desk.time.settle()
    assert desk.order("C1").has_overfill
    assert "beyond its quantity" in desk.texts()


async def test_a_bust_and_a_correction_reach_order_and_holdings(desk: OrderDesk) -> None:
    await working(desk)
    first, second = desk.venue.fill("C1", 30, 10), desk.venue.fill("C1", 20, 20)
    restated = structs.replace(second, fill_id="X2.01", quantity=Decimal(25), price=Decimal(16), corrects="X2")
    desk.venue.say(K.CORRECT, "C1", fill=restated)
    desk.venue.say(K.CORRECT, "C1", fill=restated)
    desk.venue.say(K.BUST, "C1", fill=first)
    desk.venue.say(K.BUST, "C1", fill=first)
    await desk.time.settle()
    order = desk.order("C1")
    assert (order.filled_quantity, order.average_price) == (Decimal(25), Decimal(16))
    assert [fill.fill_id for fill in desk.service.fills(client_order_id="C1")] == ["X2.01"]
    desk.venue.say(K.FILL, "C1", fill=first)
    desk.venue.say(K.FILL, "C1", fill=second)
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == 25


async def test_a_bust_before_its_execution_cancels_it_out(desk: OrderDesk) -> None:
    await working(desk)
    ghost = Fill(
        fill_id="G1", client_order_id="C1", account_id="PAPER", instrument_id=AAPL, sign=1,
        quantity=Decimal(5), price=Decimal(9),
    )  # fmt: skip
    desk.venue.fill("C1", 10, 10)
    desk.venue.say(K.BUST, "C1", fill=ghost)
    desk.venue.say(K.FILL, "C1", fill=ghost)
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == 10


async def test_an_order_nobody_here_sent_is_adopted_as_external(desk: OrderDesk) -> None:
    terms = desk.command("W1").terms
    desk.venue.say(K.ACCEPT, "W1", terms=terms, venue_order_id="V9")
    await desk.time.settle()
    order = desk.order("W1")
    assert (order.source, order.status, order.venue_order_id) == ("external", S.ACCEPTED, "V9")
    assert "never sent: W1" in desk.texts("warn")
    assert desk.venue.arrived["W1"] == 0
    await desk.restart()
    assert desk.order("W1").source == "external"


async def test_missing_reports_are_noticed_and_made_up_for(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.withheld = {2}
    desk.venue.fill("C1", 40, 10)
    desk.venue.fill("C1", 10, 10)
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == 10
    await desk.time.advance(1)
    assert desk.order("C1").filled_quantity == 50


async def test_a_fill_frame_that_never_comes_is_found_while_orders_are_open(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.holds_reports = True
    desk.venue.fill("C1", 40, 10)
    await desk.time.advance(desk.timing.reconcile + 2)
    assert desk.order("C1").filled_quantity == 40


@pytest.mark.parametrize("kind", [K.FILL, K.CANCEL, K.ACCEPT])
async def test_a_link_that_drops_is_joined_again_and_nothing_is_missed(desk: OrderDesk, kind: K) -> None:
    await working(desk)
    desk.broker.cut()
    await desk.time.settle()
    if kind is K.FILL:
        desk.venue.fill("C1", 100, 10)
    elif kind is K.CANCEL:
        desk.venue.end("C1")
    await desk.time.advance(2)
    expected = {K.FILL: S.FILLED, K.CANCEL: S.CANCELED, K.ACCEPT: S.ACCEPTED}[kind]
    assert desk.order("C1").status is expected
    assert not desk.order("C1").is_unknown
    assert (await desk.submit("C2")).status is S.SUBMITTED


async def test_what_is_held_is_compared_without_open_orders_and_the_journal_does_not_grow(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()
    assert not desk.order("C1").is_open
    await desk.time.advance(desk.timing.reconcile + 2)
    before, head = desk.service.matched_at("PAPER"), desk.service.journal_head
    looked = desk.clock.now_ns()
    await desk.time.advance(desk.timing.reconcile + 2)
    assert desk.service.matched_at("PAPER") > before > 0
    assert looked < desk.service.matched_wall("PAPER") <= desk.clock.now_ns()
    assert desk.service.journal_head == head, "the same answer once more is no fact"


async def test_a_comparison_that_differs_does_not_look_fresh(desk: OrderDesk) -> None:
    await working(desk)
    desk.venue.fill("C1", 100, 10)
    await desk.time.advance(desk.timing.reconcile + 2)
    before = desk.service.matched_at("PAPER")
    desk.holdings["PAPER"][AAPL] = Decimal(7)
    await desk.time.advance(desk.timing.reconcile + 2)
    assert desk.service.matched_at("PAPER") == before
    assert desk.service.book.reconciled["PAPER"].differences


def split_of(desk: OrderDesk) -> ActionStatement:
    """A split as the venue states it, and what was journalled of it before."""
    return ActionStatement(
        action_id=f"{AAPL}:SPLIT:2014-06-09",
        account_id="PAPER",
        instrument_id=AAPL,
        kind="SPLIT",
        numerator=7,
        before=Decimal(100),
        after=Decimal(700),
    )


def actions_in(desk: OrderDesk) -> list[str]:
    """Corporate actions in the journal."""
    assert isinstance(desk.journal, MemoryJournal)
    return [e.event.statement.action_id for e in desk.journal.disk if isinstance(e.event, ActionApplied)]


async def test_a_corporate_action_is_journalled_once_however_often_it_is_stated(desk: OrderDesk) -> None:
    said = split_of(desk)
    for _ in range(2):
        desk.venue.say(K.UPDATE, "", action=said)
    await desk.time.settle()
    assert desk.texts("info").count("split 7 for 1: 100 became 700") == 1
    await desk.restart()
    desk.venue.say(K.UPDATE, "", action=said)
    await desk.time.settle()
    assert actions_in(desk) == [said.action_id]


async def test_killed_before_the_action_was_durable_it_is_taken_in_at_the_next_start(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    desk.venue.say(K.UPDATE, "", action=split_of(desk))
    await desk.time.settle()
    assert actions_in(desk) == []
    await desk.restart()
    await desk.time.settle()
    assert actions_in(desk) == [f"{AAPL}:SPLIT:2014-06-09"], "the venue states it again, and floors do not hide it"


async def unnamed(desk: OrderDesk, quantity: int) -> Fill:
    """C1 is on its way, and the venue tells of an execution by its own id of the order alone."""
    desk.broker.holds_reports = True
    await working(desk)
    fill = desk.venue.fill("C1", quantity, 10)
    desk.venue.reports[:] = [
        structs.replace(one, client_order_id="", fill=structs.replace(fill, client_order_id=""))
        if one.fill is not None
        else one
        for one in desk.venue.reports
    ]
    return fill


def told(desk: OrderDesk, *reports: ExecutionReport) -> None:
    """These words come in now, numbered anew."""
    desk.venue.reports[:] = [structs.replace(one, report_seq=at) for at, one in enumerate(reports, 1)]
    desk.broker.holds_reports = False
    desk.venue.changed.set()


@pytest.mark.covers("F08")
async def test_an_execution_that_names_no_order_waits_for_the_first_answer_even_across_a_kill(desk: OrderDesk) -> None:
    await unnamed(desk, 40)
    accepted, executed = desk.venue.reports
    told(desk, executed)
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == 0
    assert desk.positions("PAPER") == {}
    assert len(desk.service.book.parked) == 1
    told(desk, executed, executed, accepted)  # it is told again, and then the answer comes
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").filled_quantity) == (S.PARTIALLY_FILLED, Decimal(40))
    assert desk.positions("PAPER") == {AAPL: Decimal(40)}
    assert desk.service.book.parked == {}


@pytest.mark.covers("F08")
async def test_killed_while_it_waits_it_is_not_lost(desk: OrderDesk) -> None:
    await unnamed(desk, 40)
    _, executed = desk.venue.reports
    told(desk, executed)
    await desk.time.settle()
    desk.venue.fills.clear()  # the journal alone remembers it
    await desk.restart()
    assert desk.order("C1").filled_quantity == 40


@pytest.mark.covers("F08")
async def test_what_no_answer_explains_becomes_external_with_an_alarm(desk: OrderDesk) -> None:
    fill = await unnamed(desk, 40)
    _, executed = desk.venue.reports
    told(desk, structs.replace(executed, venue_order_id="V-other"))
    await desk.time.advance(4)
    assert desk.service.book.parked
    desk.broker.is_blind = True
    await desk.time.advance(2)
    assert f"Execution {fill.fill_id} of {AAPL} belongs to no order of ours" in desk.texts()
    assert desk.order("ext-V-other").source == "external"
    assert desk.positions("PAPER") == {AAPL: Decimal(40)}


@pytest.mark.covers("O14")
async def test_an_execution_of_an_order_made_elsewhere_is_booked_at_once(desk: OrderDesk) -> None:
    await working(desk)
    fill = desk.venue.fill("C1", 40, 10)
    foreign = structs.replace(fill, fill_id="Y1", client_order_id="", venue_order_id="V-x")
    desk.venue.say(K.FILL, "C1", client_order_id="", venue_order_id="V-x", fill=foreign)
    named = structs.replace(fill, fill_id="Y2", client_order_id="")
    desk.venue.say(K.FILL, "C1", client_order_id="", fill=named)
    await desk.time.settle()
    assert (desk.order("ext-V-x").filled_quantity, desk.order("C1").filled_quantity) == (Decimal(40), Decimal(80))


async def test_words_about_accounts_that_are_not_open_here_are_no_fault(desk: OrderDesk) -> None:
    await working(desk)
    fill = desk.venue.fill("C1", 40, 10)
    elsewhere = structs.replace(fill, fill_id="Z1", account_id="NOBODY")
    desk.venue.say(K.FILL, "Z", fill=elsewhere)
    await desk.time.settle()
    assert "Z" not in desk.service.book.orders
    assert desk.service.trading_state.value == "ACTIVE"
