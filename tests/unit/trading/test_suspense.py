"""What no execution explains is never made up: it is shown with both numbers, blocks, and waits for a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
)
from stockpulse_engine.domain.events import SuspenseEnd, SuspenseExplained, SuspenseRaised
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.domain.reports import VenueOrder
from stockpulse_engine.domain.views import ReconcileView, SuspenseView
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.trading.suspense import CASH, Difference, suspense_id
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, ACCOUNT, MSFT, OrderDesk

S = OrderStatus
D = Decimal


@pytest.fixture
async def books() -> AsyncIterator[OrderDesk]:
    """A desk on the real ledger that holds 10 AAPL, bought at 100."""
    desk = await OrderDesk(has_ledger=True).start()
    await desk.submit("C0", quantity=D(10), limit_price=D(100))
    await desk.time.settle()
    desk.venue.fill("C0", 10, 100)
    await desk.time.settle()
    desk.quotes[AAPL] = Quote(AAPL, D("99.98"), D("100.02"), D(1), D(1), 1)
    yield desk
    await desk.crash()


async def compared(desk: OrderDesk) -> ReconcileView:
    """Compare now, letting the time pass that it takes."""
    seconds = 0
    running = desk.service._desk.crew.spawn(desk.service.comparing.run("PAPER"), name="compare")
    while not running.done():
        await desk.time.advance(0.25)
        seconds += 1
        assert seconds < 100
    return running.result()[0]


def only(desk: OrderDesk) -> SuspenseView:
    (one,) = desk.service.comparing.suspense("PAPER")
    return one


async def explain(desk: OrderDesk, how: SuspenseEnd, **more: object) -> None:
    asked: dict[str, object] = {"reason": "phone call", "word": how.value, "actor": "cli", **more}
    await desk.service.comparing.explain(only(desk).suspense_id, how, **asked)  # type: ignore[arg-type] # by name


def facts_of(desk: OrderDesk, kind: type) -> list[object]:
    assert isinstance(desk.journal, MemoryJournal)
    return [entry.event for entry in desk.journal.disk if isinstance(entry.event, kind)]


@pytest.mark.covers("F13", "L14")
async def test_shares_that_nothing_explains_are_suspended_with_evidence_and_nothing_is_posted(books: OrderDesk) -> None:
    books.venue.positions["PAPER"][AAPL] = D(17)
    view = await compared(books)
    one = only(books)
    assert (one.instrument_id, one.ours, one.theirs, one.is_blocking) == (AAPL, D(10), D(17), True)
    assert one.last_fills == ("X1",)
    assert one.report_seq == 2
    assert one.price == 100
    assert view.is_open
    assert view.rows[0].suspense == one
    assert books.positions("PAPER") == {AAPL: D(10)}
    assert "AAPL.XNAS: 10 here, 17 at the venue; new orders wait" in books.texts()
    invariants.check_broker(books.ledger.book("PAPER"), {AAPL: D(17)})


async def test_its_orders_wait_those_of_others_do_not_and_cancels_leave(books: OrderDesk) -> None:
    await books.submit("C1")
    await books.time.settle()
    books.venue.positions["PAPER"][AAPL] = D(17)
    await compared(books)
    with pytest.raises(DeniedError, match="10 here, 17 at the venue") as denied:
        await books.submit("C2", quantity=D(1))
    assert denied.value.denial == "SUSPENSE"
    await books.submit("C3", instrument_id=MSFT)
    await books.cancel("C1")
    await books.time.advance(1)
    assert (books.order("C1").status, books.order("C3").status) == (S.CANCELED, S.ACCEPTED)


@pytest.mark.covers("O7")
async def test_an_order_half_way_out_is_stopped_at_the_router(books: OrderDesk) -> None:
    journal = books.journal
    assert isinstance(journal, MemoryJournal)
    journal.is_held = True
    waiting = books.service._desk.crew.spawn(books.submit("C1"), name="submit")
    await books.time.settle()
    fact = SuspenseRaised(
        suspense_id="S1", account_id="PAPER", instrument_id=AAPL, ours=D(1), theirs=D(2), ts_event=1, recorded_at=1
    )
    books.service._recorder.record([fact])
    journal.is_held = False
    journal.release()
    await waiting
    await books.time.settle()
    assert books.order("C1").reason == "never left: what the broker holds of it differs from ours and is not explained"
    assert books.venue.arrived["C1"] == 0


async def test_accepting_books_the_shares_at_the_price_of_then_and_frees_the_symbol(books: OrderDesk) -> None:
    books.venue.positions["PAPER"][AAPL] = D(17)
    await compared(books)
    await explain(books, SuspenseEnd.ACCEPT)
    assert books.positions("PAPER") == {AAPL: D(17)}
    assert books.ledger.book("PAPER").cash == 99_000
    await books.submit("C1")
    assert not (await compared(books)).is_open


async def test_ignoring_leaves_it_known_across_a_restart_until_it_changes_or_is_gone(books: OrderDesk) -> None:
    books.venue.positions["PAPER"][AAPL] = D(17)
    await compared(books)
    await explain(books, SuspenseEnd.IGNORE)
    await books.restart()
    assert (only(books).is_known, only(books).is_blocking) == (True, False)
    assert not (await compared(books)).is_open
    assert books.service.matched_at("PAPER") > 0
    await books.submit("C1")
    books.venue.positions["PAPER"][AAPL] = D(18)
    assert (await compared(books)).is_open
    assert (only(books).theirs, only(books).is_known) == (D(18), False)
    books.venue.positions["PAPER"][AAPL] = D(10)
    assert not (await compared(books)).is_open
    assert books.service.comparing.suspense("PAPER") == ()
    ends = [one.how.value for one in facts_of(books, SuspenseExplained) if isinstance(one, SuspenseExplained)]
    assert ends == ["IGNORE", "CLEARED", "CLEARED"]


async def test_it_clears_by_itself_when_the_missing_execution_comes(books: OrderDesk) -> None:
    await books.submit("C1", quantity=D(7))
    await books.time.settle()
    books.broker.holds_reports = True
    late = books.venue.fill("C1", 7, 100)
    told = books.venue.fills.pop()
    await compared(books)
    assert {one.instrument_id for one in books.service.comparing.suspense("PAPER")} == {AAPL, CASH}
    books.venue.fills.append(told)
    assert not (await compared(books)).is_open
    assert books.service.comparing.suspense("PAPER") == ()
    assert books.service.book.has_fill("PAPER", late.fill_id)


async def test_positions_that_lag_behind_executions_for_a_moment_raise_nothing(books: OrderDesk) -> None:
    held = books.venue.positions["PAPER"]
    books.venue.positions["PAPER"] = {}
    running = books.service._desk.crew.spawn(books.service.comparing.run("PAPER"), name="compare")
    await books.time.settle()
    books.venue.positions["PAPER"] = held
    await books.time.advance(3)
    assert running.result()[0].is_open is False
    assert facts_of(books, SuspenseRaised) == []


async def test_a_venue_that_never_stands_still_gives_no_verdict(books: OrderDesk) -> None:
    genuine = books.broker.fetch_account

    async def restless(account_id: str):  # type: ignore[no-untyped-def] # the port's own answer, changed
        found = await genuine(account_id)
        return structs.replace(found, cash=found.cash + books.broker.queries)

    books.broker.fetch_account = restless  # type: ignore[method-assign] # this broker is the test's own
    view = await compared(books)
    assert facts_of(books, SuspenseRaised) == []
    assert not view.is_open


@pytest.mark.parametrize(("bound", "is_blocking"), [("0", True), ("5", True), ("5.01", False)])
async def test_cash_blocks_the_account_beyond_a_bound_only(books: OrderDesk, bound: str, is_blocking: bool) -> None:
    books.cash_bound = D(bound)
    books.venue.cash["PAPER"] += D("5.01")
    await compared(books)
    one = only(books)
    assert (one.instrument_id, one.is_blocking) == (CASH, is_blocking)
    if is_blocking:
        with pytest.raises(DeniedError, match=r"cash: 99000 here, 99005\.01 at the venue"):
            await books.submit("C1", instrument_id=MSFT)
        await explain(books, SuspenseEnd.ACCEPT)
    await books.submit("C2", instrument_id=MSFT)
    expected = D("99005.01") if is_blocking else D(99_000)
    assert books.ledger.book("PAPER").cash == expected


async def test_what_a_person_must_say(books: OrderDesk) -> None:
    books.venue.positions["PAPER"] |= {MSFT: D(3), AAPL: D(9)}
    await compared(books)
    shares, _ = sorted(books.service.comparing.suspense("PAPER"), key=lambda one: one.instrument_id, reverse=True)
    say = books.service.comparing.explain

    async def asked(key: str = shares.suspense_id, how: SuspenseEnd = SuspenseEnd.ACCEPT, **more: object) -> None:
        said: dict[str, object] = {"reason": "so", "word": how.value, "actor": "cli", **more}
        await say(key, how, **said)  # type: ignore[arg-type] # by name

    for key, error in (("", NotFoundError), ("SZZZ", NotFoundError), ("S", ConflictError)):
        with pytest.raises(error):
            await asked(key)
    with pytest.raises(InvalidValueError, match="stays in the journal"):
        await asked(reason=" ")
    with pytest.raises(ForbiddenError, match="ACCEPT"):
        await asked(word="yes")
    with pytest.raises(InvalidValueError, match="Only the broker"):
        await asked(how=SuspenseEnd.CLEARED)
    with pytest.raises(InvalidValueError, match="no price"):
        await asked()
    with pytest.raises(InvalidValueError, match="0 or more"):
        await asked(price=D(-1))
    await asked(shares.suspense_id[:6].lower(), price=D(400))
    assert books.positions("PAPER")[MSFT] == 3
    with pytest.raises(NotFoundError):
        await asked(price=D(400))


async def test_the_day_is_compared_once_after_its_close(desk: OrderDesk) -> None:
    asked = desk.broker.queries
    desk.day_end = desk.clock.now_ns() + 5_000_000_000
    await desk.time.advance(4)
    assert desk.broker.queries == asked
    await desk.time.advance(2)
    first = desk.broker.queries
    assert first > asked
    await desk.time.advance(30)
    assert desk.broker.queries == first


@pytest.mark.covers("F10")
async def test_an_execution_whose_report_was_the_last_and_lost_is_found_by_the_poll(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.broker.holds_reports = True
    desk.venue.fill("C1", 40, 10)
    await desk.time.advance(15)
    assert desk.order("C1").filled_quantity == 40


@pytest.mark.covers("O14")
async def test_a_foreign_order_is_shown_as_external_and_only_a_person_cancels_it(books: OrderDesk) -> None:
    terms = books.command("X", quantity=D(50)).terms
    books.venue.orders["W1"] = VenueOrder(
        client_order_id="W1",
        venue_order_id="V-W1",
        terms=terms,
        status="PARTIALLY_FILLED",
        filled_quantity=D(20),
        ts_event=1,
    )
    assert not (await compared(books)).is_open
    assert "It is shown as external" in books.texts("warn")
    order = books.order("W1")
    assert (order.source, order.leaves_quantity) == ("external", D(30))
    await books.time.advance(books.timing.reconcile * 2)
    assert books.order("W1").status.is_working
    assert not (await compared(books)).is_open
    larger = structs.replace(terms, quantity=D(60))
    books.venue.orders["W1"] = structs.replace(books.venue.orders["W1"], terms=larger)
    books.venue.say(K.UPDATE, "W1", terms=larger)
    await books.time.settle()
    assert books.order("W1").leaves_quantity == 40, "whoever made it made it larger"
    with pytest.raises(ForbiddenError, match="made elsewhere"):
        await books.modify("W1", quantity=D(40))
    await books.cancel("W1")
    await books.time.advance(1)
    assert books.order("W1").status is S.CANCELED


def test_an_id_follows_from_what_is_stated() -> None:
    first = suspense_id("A", Difference(AAPL, D("1.0"), D(2)), 0)
    assert first == suspense_id("A", Difference(AAPL, D(1), D("2.00")), 0)
    others = {suspense_id("A", Difference(AAPL, D(1), D(3)), 0), suspense_id("A", Difference(AAPL, D(1), D(2)), 1)}
    assert first not in others
    assert len(others) == 2


ADOPTED = structs.replace(ACCOUNT, account_id="MINE")


class Elsewhere:
    """An account that exists at the venue: holdings, cash, an execution of today and an older one."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk, venue = desk, desk.venue
        venue.accounts["MINE"] = ADOPTED
        venue.cash["MINE"] = D("5000.50")
        for key in ("W1", "W2"):
            terms = desk.command(key, account_id="MINE", quantity=D(30)).terms
            venue.orders[key] = VenueOrder(
                client_order_id=key, venue_order_id=f"V-{key}", terms=terms, status="ACCEPTED", ts_event=1
            )
            venue.fill(key, 20, 100)
        venue.positions["MINE"] = {AAPL: D(100), MSFT: D(-5)}
        venue.cash["MINE"] = D("5000.50")
        self.holdings = [
            VenueHolding(instrument_id=AAPL, quantity=D(100), average_price=D("90.25")),
            VenueHolding(instrument_id=MSFT, quantity=D(-5), average_price=D(400)),
        ]

    async def adopt(self, **more: object) -> None:
        account = structs.replace(ADOPTED, **more)
        running = self.desk.service._desk.crew.spawn(
            self.desk.service.adopt(account, self.holdings, "cli"), name="adopt"
        )
        while not running.done():
            await self.desk.time.advance(0.2)
        await running


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    desk = await OrderDesk(has_ledger=True).start()
    yield Elsewhere(desk)
    await desk.crash()


@pytest.mark.covers("F13", "L6")
async def test_an_account_is_taken_over_and_matches_from_the_first_moment(elsewhere: Elsewhere) -> None:
    desk = elsewhere.desk
    await elsewhere.adopt()
    assert desk.positions("MINE") == {AAPL: D(100), MSFT: D(-5)}
    assert desk.ledger.book("MINE").cash == D("5000.50")
    assert desk.service.book.reconciled["MINE"].differences == ()
    assert facts_of(desk, SuspenseRaised) == []
    assert (desk.order("W1").source, desk.order("W1").leaves_quantity) == ("external", D(10))
    desk.venue.fill("W1", 10, 100)
    await desk.time.settle()
    await desk.restart()
    await desk.time.advance(2)
    assert desk.positions("MINE") == {AAPL: D(110), MSFT: D(-5)}
    assert desk.order("W1").status is S.FILLED
    await desk.submit("C1", account_id="MINE")
    with pytest.raises(ConflictError, match="open already"):
        await elsewhere.adopt()


async def test_an_account_in_debt_is_taken_over_with_its_debt(elsewhere: Elsewhere) -> None:
    elsewhere.desk.venue.cash["MINE"] = D(-250)
    await elsewhere.adopt()
    book = elsewhere.desk.ledger.book("MINE")
    assert (book.cash, book.account.initial_cash) == (D(-250), D(0))


async def test_what_cannot_be_taken_over(elsewhere: Elsewhere) -> None:
    with pytest.raises(InvalidValueError, match="no connection"):
        await elsewhere.adopt(broker="nobody")
    elsewhere.holdings[0] = structs.replace(elsewhere.holdings[0], average_price=None)
    with pytest.raises(InvalidValueError, match="names a price"):
        await elsewhere.adopt()
    elsewhere.desk.venue.positions["MINE"][AAPL] = D(99)
    with pytest.raises(ConflictError, match="something else"):
        await elsewhere.adopt()
    elsewhere.desk.venue.positions["MINE"][AAPL] = D(100)
    elsewhere.desk.quotes[AAPL] = Quote(AAPL, D(95), D(95), D(1), D(1), 1)
    await elsewhere.adopt()
    assert elsewhere.desk.ledger.book("MINE").cost == 9500 - 2000


async def test_an_account_that_moves_while_it_is_read_is_not_taken_over(elsewhere: Elsewhere) -> None:
    broker = elsewhere.desk.broker
    genuine = broker.fetch_account

    async def restless(account_id: str):  # type: ignore[no-untyped-def] # the port's own answer, changed
        return structs.replace(await genuine(account_id), cash=D(broker.queries))

    broker.fetch_account = restless  # type: ignore[method-assign] # this broker is the test's own
    with pytest.raises(ConflictError, match="changes while"):
        await elsewhere.adopt()
    assert "MINE" not in elsewhere.desk.service.book.accounts
