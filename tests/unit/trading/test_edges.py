"""The rare ways through the room: each guard, each refusal and each failing disk is met once on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import TypeVar

import pytest
from msgspec import structs

from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.domain.events import SuspenseEnd, SuspenseExplained, SuspenseRaised
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderEvent, OrderStatus
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.trading.book import Change, TradingBook
from stockpulse_engine.trading.intake import MAX_BACKLOG
from stockpulse_engine.trading.ports import RejectedByBrokerError
from stockpulse_engine.trading.resolver import NEVER_REACHED
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, ACCOUNT, MSFT, OrderDesk
from tests.unit.trading.test_suspense import Elsewhere

S = OrderStatus
T = TypeVar("T")


async def working(desk: OrderDesk, key: str = "C1") -> None:
    await desk.submit(key)
    await desk.time.settle()


def disk(desk: OrderDesk) -> MemoryJournal:
    assert isinstance(desk.journal, MemoryJournal)
    return desk.journal


async def held_until(desk: OrderDesk, change: Callable[[], None]) -> None:
    """Submit C1; between its record and the venue, `change` happens."""
    disk(desk).is_held = True
    sending = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.settle()
    change()
    disk(desk).is_held = False
    disk(desk).release()
    await sending
    await desk.time.settle()


# --- the last function before the venue ------------------------------------------------------------------------


@pytest.mark.covers("O7", "F16")
@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda desk: setattr(desk.latch, "is_latched", True), "trading is HALTED"),
        (lambda desk: setattr(desk.journal, "failure", "disk full"), "the journal is read-only: disk full"),
        (lambda desk: desk.service._desk.clean.clear(), "orders are being compared with the venue"),
        (lambda desk: setattr(desk.broker, "is_connected", False), "the link to the venue is down"),
    ],
)
async def test_what_happens_at_the_last_moment_stops_it(
    desk: OrderDesk, happens: Callable[[OrderDesk], None], reason: str
) -> None:
    await held_until(desk, lambda: happens(desk))
    assert desk.venue.arrived["C1"] == 0
    order = desk.service._desk.order("C1")
    recorded = desk.journal.failure == ""
    assert order.reason == f"never left: {reason}" if recorded else order.status is S.SUBMITTED


async def test_reducing_lets_nothing_out_that_opens(desk: OrderDesk) -> None:
    desk.holdings["PAPER"] = {AAPL: Decimal(10)}
    await desk.change("reduce")
    await working(desk)
    assert desk.order("C1").reason == "never left: trading is REDUCING and it does not reduce"
    await desk.submit("C2", side=desk.order("C1").terms.side.opposite, quantity=Decimal(10))
    await desk.time.settle()
    assert desk.order("C2").status is S.ACCEPTED


async def test_an_account_or_a_connection_that_is_not_there_has_a_name(desk: OrderDesk) -> None:
    router = desk.service._desk.router
    with pytest.raises(NotFoundError):
        router.account("NOBODY")
    desk.service._desk.brokers.clear()
    with pytest.raises(UnavailableError, match="no such connection"):
        router.broker_of("PAPER")


# --- the one attempt to send -----------------------------------------------------------------------------------


async def test_a_send_that_can_not_even_be_started_frees_whoever_waits_for_it(desk: OrderDesk) -> None:
    sender = desk.service._submitter._sender
    await desk.submit("C1", is_staged=True)
    sender.expect(["C1"])

    def full(work: Coroutine[object, object, None], name: str) -> None:
        work.close()
        raise RuntimeError("too many tasks")

    desk.service._desk.spawn = full  # type: ignore[method-assign] # this desk is the test's own
    with pytest.raises(RuntimeError):
        sender.on_durable(["C1"], is_durable=True)
    assert desk.service._desk.sending == {}
    sender.on_durable(["C1"], is_durable=False)  # nobody waits: nothing to free


async def refused(*_: object) -> None:
    raise RejectedByBrokerError("too late", "late")


async def test_a_refused_cancel_and_a_refused_change_are_answers(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.cancel = refused  # type: ignore[method-assign, assignment] # this broker is the test's own
    desk.broker.replace = refused  # type: ignore[method-assign, assignment] # the same
    await desk.modify("C1", quantity=Decimal(60))
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").reason) == (S.ACCEPTED, "too late")
    await desk.cancel("C1")
    await desk.time.settle()
    assert desk.steps("C1")[-1] is K.CANCEL_REJECT
    assert desk.order("C1").status is S.ACCEPTED


async def test_what_was_decided_meanwhile_is_not_sent_and_not_answered(desk: OrderDesk) -> None:
    await working(desk)
    sender = desk.service._submitter._sender
    desk.venue.end("C1")
    await desk.time.settle()
    asked = len(desk.venue.reports)
    await sender.send_cancel("C1", "Q1")
    await sender.send_change("C1", "Q2")
    await sender._refuse_change("C1", "too late")
    await sender._conclude(["C1"], K.REJECT, "too late")
    await sender._doubt(["C1"], RuntimeError("no answer"))
    assert len(desk.venue.reports) == asked
    assert desk.steps("C1")[-1] is K.CANCEL


async def test_a_change_that_may_not_leave_any_more_is_refused_here(desk: OrderDesk) -> None:
    await working(desk)
    disk(desk).is_held = True
    changing = asyncio.ensure_future(desk.modify("C1", quantity=Decimal(60)))
    await desk.time.settle()
    desk.latch.is_latched = True
    disk(desk).is_held = False
    disk(desk).release()
    await changing
    await desk.time.settle()
    assert desk.order("C1").reason == "never left: trading is HALTED"
    assert desk.venue.orders["C1"].terms.quantity == 100


async def test_a_refusal_of_a_cancel_that_was_answered_before_says_nothing(desk: OrderDesk) -> None:
    await working(desk)

    async def late(*_: object) -> None:
        desk.venue.end("C1")
        await desk.time.settle()
        raise RejectedByBrokerError("too late", "late")

    desk.broker.cancel = late  # type: ignore[method-assign, assignment] # this broker is the test's own
    await desk.cancel("C1")
    await desk.time.settle()
    assert desk.steps("C1")[-1] is K.CANCEL


async def test_an_outcome_that_can_not_be_recorded_is_told(desk: OrderDesk) -> None:
    await held_until(desk, lambda: None)
    sender = desk.service._submitter._sender
    disk(desk).break_down()
    await sender._write(K.MARK_UNKNOWN, ["C1"], "no answer")
    await sender._write(K.MARK_UNKNOWN, [], "no answer")
    assert "MARK_UNKNOWN of C1 could not be recorded" in desk.texts()


# --- words of the venue ----------------------------------------------------------------------------------------


async def test_a_reader_that_runs_far_ahead_of_the_disk_waits_for_it(desk: OrderDesk) -> None:
    await working(desk)
    disk(desk).is_held = True
    for number in range(MAX_BACKLOG + 1):
        desk.venue.fill("C1", 1, 10, fill_id=f"F{number}")
    batch = desk.venue.reports[-MAX_BACKLOG - 1 :]
    taking = asyncio.ensure_future(desk.service._intake.take("fake", batch))
    await desk.time.settle()
    assert not taking.done()
    disk(desk).release()
    await taking
    disk(desk).is_held = False


async def test_an_old_word_that_is_no_execution_says_nothing_after_a_comparison(desk: OrderDesk) -> None:
    await working(desk)
    desk.service._intake.set_floor("fake", 100)
    desk.venue.say(K.CANCEL, "C1", report_seq=5)
    desk.venue.say(K.SUSPEND, "C1", report_seq=101, reason="halted", code="H")
    await desk.time.settle()
    assert desk.order("C1").status is S.SUSPENDED


async def test_words_that_a_broken_disk_can_not_take_are_told(desk: OrderDesk) -> None:
    await working(desk)
    from tests.unit.trading.test_reports import split_of

    disk(desk).break_down()
    desk.venue.fill("C1", 10, 10)
    desk.venue.say(K.UPDATE, "", action=split_of(desk))
    await desk.time.settle()
    assert "A word of the venue could not be recorded" in desk.texts()
    assert "A corporate action could not be recorded" in desk.texts()


# --- asking ----------------------------------------------------------------------------------------------------


async def test_orders_that_are_asked_about_can_be_seen(desk: OrderDesk) -> None:
    desk.broker.fate = ["lost"]
    desk.broker.is_blind = True
    await working(desk)
    resolver = desk.service._resolver
    assert resolver.active == {"C1"}
    resolver.ask("C1")
    assert resolver.active == {"C1"}


async def test_a_question_waits_for_the_order_to_be_out(desk: OrderDesk) -> None:
    desk.broker.gate = asyncio.Event()
    await desk.submit("C1")
    desk.service._resolver.ask("C1")
    await desk.time.advance(5)
    assert desk.broker.queries == 0 or desk.order("C1").status is S.SUBMITTED
    desk.broker.gate.set()
    await desk.time.advance(2)
    assert desk.order("C1").status is S.ACCEPTED


async def test_absence_says_nothing_about_what_is_over_and_settles_what_was_only_in_doubt(desk: OrderDesk) -> None:
    await working(desk)
    resolver = desk.service._resolver
    desk.venue.end("C1")
    await desk.time.settle()
    await resolver.conclude_absence(desk.order("C1"))
    assert desk.steps("C1")[-1] is K.CANCEL
    dead = structs.replace(desk.order("C1"), is_unknown=True, venue_order_id="")
    desk.broker.fate = ["lost"]
    await desk.submit("C2")
    await desk.time.settle()
    unknown = structs.replace(desk.service._desk.order("C2"), status=S.CANCELED)
    await resolver.conclude_absence(unknown)
    assert desk.order("C2").reason == NEVER_REACHED or not desk.order("C2").is_unknown
    assert dead.is_unknown


async def test_an_answer_that_can_not_be_recorded_is_told(desk: OrderDesk) -> None:
    await working(desk)
    disk(desk).break_down()
    await desk.service._resolver._write([])
    await desk.service._resolver._write([desk.service._desk.event(K.CANCEL, "C1")])
    assert "What the venue answered could not be recorded" in desk.texts()


# --- comparing -------------------------------------------------------------------------------------------------


async def run_for(desk: OrderDesk, work: Awaitable[T]) -> T:
    """Let the time pass that the work takes."""
    running = asyncio.ensure_future(work)
    for _ in range(100):
        if running.done():
            break
        await desk.time.advance(0.25)
    return await running


async def test_an_order_that_appears_at_the_second_look_is_settled_by_it(desk: OrderDesk) -> None:
    await working(desk)
    kept = desk.venue.orders.pop("C1")
    running = asyncio.ensure_future(desk.service.comparing.run())
    await desk.time.settle()
    desk.venue.orders["C1"] = kept
    await run_for(desk, running)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.ACCEPTED, False)


async def test_a_comparison_that_can_not_be_recorded_is_told_and_one_without_a_broker_too(desk: OrderDesk) -> None:
    desk.venue.positions["PAPER"] = {AAPL: Decimal(7)}
    disk(desk).break_down()
    (view,) = await run_for(desk, desk.service.comparing.run())
    assert "journal is read-only" in view.failure
    reconciler = desk.service._links["fake"]._reconciler
    await reconciler._record("PAPER", 0, 0, ("x",), is_recorded=True)
    assert "The comparison could not be recorded" in desk.texts()
    desk.service._links.clear()
    (view,) = await desk.service.comparing.run("PAPER")
    assert view.failure == "there is no connection 'fake' now"
    assert view.rows == ()


async def test_what_holds_an_order_back_is_said_in_words(desk: OrderDesk) -> None:
    assert desk.service.comparing.suspended("PAPER", AAPL) == ""
    raised = SuspenseRaised(
        suspense_id="S1",
        account_id="PAPER",
        instrument_id=AAPL,
        ours=Decimal(1),
        theirs=Decimal(2),
        ts_event=1,
        recorded_at=1,
    )
    await desk.service._recorder.write([raised])
    assert desk.service.comparing.suspended("PAPER", AAPL) == f"{AAPL}: 1 here, 2 at the venue"
    unknown = SuspenseExplained(
        suspense_id="S9",
        account_id="PAPER",
        instrument_id=AAPL,
        amount=Decimal(1),
        how=SuspenseEnd.IGNORE,
        reason="",
        ts_event=1,
        recorded_at=1,
    )
    await desk.service._recorder.write([unknown])
    assert desk.service.book.ignored == {}


async def test_a_person_who_asks_may_be_answered_by_the_question_itself(desk: OrderDesk) -> None:
    desk.broker.fate = ["lost"]
    desk.broker.is_blind = True
    await working(desk)

    async def now_it_is_told(account_id: str, key: str) -> None:
        desk.broker.is_blind = False
        desk.venue.receive([desk.order("C1")])
        await desk.time.settle()
        raise UnavailableError("no answer")

    desk.broker.fetch_order = now_it_is_told  # type: ignore[method-assign, assignment] # this broker is the test's own
    order = await desk.service.declare_dead("C1", reason="so", word="DEAD", actor="tui")
    assert (order.status, order.is_unknown) == (S.ACCEPTED, False)


async def test_an_account_may_be_taken_over_on_a_line_that_is_down_by_what_the_broker_tells() -> None:
    desk = await OrderDesk(has_ledger=True).start()
    elsewhere = Elsewhere(desk)
    holdings: list[VenueHolding] = list(elsewhere.holdings)

    async def fetch_holdings(account_id: str) -> list[VenueHolding]:
        return holdings

    desk.broker.numbers_reports = False
    desk.broker.is_connected = False
    desk.broker.fetch_holdings = fetch_holdings  # type: ignore[attr-defined] # what few brokers can
    account = structs.replace(ACCOUNT, account_id="MINE")
    await run_for(desk, desk.service.adopt(account, None, "cli"))
    assert desk.ledger.book("MINE").cost == Decimal(9025) - 2000
    assert desk.service.book.cursor("fake") > 0
    await desk.crash()


# --- the book --------------------------------------------------------------------------------------------------


def test_a_change_without_an_order_changes_no_order() -> None:
    book = TradingBook()
    book.commit(Change(OrderEvent(client_order_id="C1", kind=K.ACCEPT, ts_event=1, recorded_at=1)))
    assert book.orders == {}
    book._advance_cursor("NOBODY", 5)
    assert book.cursor("") == 5


async def test_a_bust_of_another_orders_execution_takes_nothing_from_it(desk: OrderDesk) -> None:
    await working(desk)
    await working(desk, "C2")
    fill = desk.venue.fill("C1", 40, 10)
    desk.venue.say(K.BUST, "C2", fill=structs.replace(fill, client_order_id="C2"))
    await desk.time.settle()
    restated = structs.replace(fill, fill_id="Y1", corrects="X1", quantity=Decimal(7), client_order_id="C2")
    desk.venue.say(K.CORRECT, "C2", fill=restated)
    await desk.time.settle()
    assert (desk.order("C1").filled_quantity, desk.order("C2").filled_quantity) == (Decimal(40), Decimal(7))
    assert desk.ledger.quantity("PAPER", AAPL) == 47
    assert "The venue says BUST of C2" in desk.texts()


@pytest.mark.covers("L6")
async def test_an_execution_that_corrects_itself_and_one_that_is_busted_after_its_correction(desk: OrderDesk) -> None:
    await working(desk)
    first = desk.venue.fill("C1", 40, 10)
    second = structs.replace(first, fill_id="X1b", corrects="X1", quantity=Decimal(30))
    desk.venue.say(K.CORRECT, "C1", fill=second)
    desk.venue.say(K.BUST, "C1", fill=first)
    itself = structs.replace(first, fill_id="X9", corrects="X9", quantity=Decimal(5))
    desk.venue.say(K.CORRECT, "C1", fill=itself, venue_order_id="")
    await desk.time.settle()
    assert [fill.fill_id for fill in desk.service.fills(client_order_id="C1")] == ["X9"]
    assert desk.order("C1").filled_quantity == 5


async def test_a_dividend_is_no_split(desk: OrderDesk) -> None:
    from tests.unit.trading.test_reports import split_of

    paid = structs.replace(split_of(desk), kind="DIVIDEND", action_id="D1", numerator=1, amount=Decimal("0.24"))
    paid = structs.replace(paid, before=Decimal(0), after=Decimal(0))
    desk.venue.say(K.UPDATE, "", action=paid)
    await desk.time.settle()
    assert desk.texts("info") == "", "nobody held any"
    desk.service.book._advance_cursor("PAPER", 1)
    assert desk.service.book.cursor("fake") > 0


async def test_what_is_parked_in_one_account_does_not_answer_for_another(desk: OrderDesk) -> None:
    from tests.unit.trading.test_reports import told, unnamed

    await unnamed(desk, 40)
    told(desk, desk.venue.reports[1])
    await desk.time.settle()
    desk.service._intake.release("OTHER", is_over=True)
    assert len(desk.service.book.parked) == 1


async def test_a_question_about_what_never_reached_the_disk_ends(desk: OrderDesk) -> None:
    await desk.service._resolver._ask_until_known("NOBODY")
    assert desk.service._resolver.active == frozenset()


async def test_a_line_that_is_down_is_not_polled(desk: OrderDesk) -> None:
    await working(desk)
    desk.broker.refuses_link = True
    desk.broker.cut()
    await desk.time.advance(1)
    asked = desk.broker.queries
    await desk.time.advance(desk.timing.poll + 1)
    assert desk.broker.queries - asked <= 2 * desk.timing.poll, "the resolver may ask, the poll does not"


async def test_before_the_first_comparison_only_our_own_figures_are_known() -> None:
    desk = await OrderDesk(has_ledger=True).start()
    desk.service._desk.comparisons.clear()
    (view,) = desk.service.comparing.views("PAPER")
    assert [(row.instrument_id, row.ours, row.theirs) for row in view.rows] == [("", Decimal(100_000), None)]
    await desk.crash()


async def test_a_broker_that_tells_no_prices_is_taken_over_at_the_markets() -> None:
    desk = await OrderDesk(has_ledger=True).start()
    Elsewhere(desk)
    desk.quotes |= {name: Quote(name, Decimal(95), Decimal(95), Decimal(1), Decimal(1), 1) for name in (AAPL, MSFT)}
    await run_for(desk, desk.service.adopt(structs.replace(ACCOUNT, account_id="MINE"), None, "cli"))
    assert desk.ledger.book("MINE").cost == 95 * (100 - 5)
    await desk.crash()


async def test_absence_of_what_is_sent_once_more_decides_nothing(desk: OrderDesk) -> None:
    desk.broker.holds_reports = True
    await desk.submit("C1")
    desk.service._resolver.send_once_more = lambda _: True
    await desk.service._resolver.conclude_absence(desk.order("C1"))
    assert desk.order("C1").status is S.SUBMITTED


async def test_what_the_venue_forgot_is_marked_once(desk: OrderDesk) -> None:
    await working(desk)
    for _ in range(2):
        await desk.service._resolver.conclude_absence(desk.order("C1"))
    assert desk.steps("C1").count(K.MARK_UNKNOWN) == 1
