"""What came without an execution of ours: holdings taken over from a broker, and differences a person accepted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.events import Event, HoldingsAdopted, SuspenseEnd, SuspenseExplained, SuspenseRaised
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio.entries import Book, EntryKind
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from tests.fakes.portfolio_build import AAPL, MSFT, D, busted, fill, filled, opened, quote


def adopted(*holdings: tuple[str, str, str]) -> HoldingsAdopted:
    return HoldingsAdopted(
        account_id="main",
        holdings=tuple(
            VenueHolding(instrument_id=name, quantity=D(quantity), average_price=D(price))
            for name, quantity, price in holdings
        ),
        ts_event=5,
        recorded_at=5,
    )


def raised(instrument_id: str, ours: str, theirs: str, key: str = "S1") -> SuspenseRaised:
    return SuspenseRaised(
        suspense_id=key,
        account_id="main",
        instrument_id=instrument_id,
        ours=D(ours),
        theirs=D(theirs),
        ts_event=20,
        recorded_at=20,
    )


def explained(about: SuspenseRaised, how: SuspenseEnd, price: str | None = None) -> SuspenseExplained:
    return SuspenseExplained(
        suspense_id=about.suspense_id,
        account_id="main",
        instrument_id=about.instrument_id,
        amount=about.amount,
        how=how,
        reason="so",
        price=None if price is None else D(price),
        ts_event=21,
        recorded_at=21,
    )


def folded(*events: Event) -> Ledger:
    """A ledger after these, every invariant held, and equal to itself through snapshot and replay."""
    ledger, story = Ledger(), (opened(), *events)
    for event in story:
        ledger.apply(event)
    invariants.check_all(ledger)
    invariants.check_replay(ledger, story)
    half = Ledger()
    for event in story[:2]:
        half.apply(event)
    invariants.check_snapshot(ledger, invariants.state_bytes(half), story[2:])
    return ledger


@pytest.mark.covers("L1", "L2", "L4")
def test_adopted_holdings_are_lots_at_their_cost_against_an_account_of_their_own() -> None:
    ledger = folded(adopted((AAPL, "100", "150.25"), (MSFT, "-10", "400")), adopted((AAPL, "7", "1")))
    book = ledger.book("main")
    assert book.quantity(AAPL) == 100
    assert book.quantity(MSFT) == -10
    assert book.cash == 100_000, "nothing was paid here"
    assert book.cost == D("15025") - 4000
    assert book.balances[Book.ADOPTED] == -book.cost
    assert [entry.kind for entry in ledger.entries[1:]] == [EntryKind.ADOPTION] * 2
    invariants.check_broker(book, {AAPL: D(100), MSFT: D(-10)}, D(100_000))


def test_selling_what_was_adopted_realizes_against_the_price_the_broker_named() -> None:
    ledger = folded(adopted((AAPL, "100", "150")), filled(fill("f1", "-40", "160")))
    position = ledger.position("main", AAPL)
    assert position is not None
    assert (position.quantity, position.realized, position.cost) == (D(60), D(400), D(9000))


def test_a_bust_folds_adopted_lots_again_with_the_rest() -> None:
    sale = fill("f1", "-120", "160")
    ledger = folded(adopted((AAPL, "100", "150")), filled(sale), busted(sale))
    assert ledger.quantity("main", AAPL) == 100
    assert ledger.book("main").realized == 0


def test_day_pnl_counts_from_the_adoption() -> None:
    ledger = folded(adopted((AAPL, "100", "90")))
    service = PortfolioService(ledger, orders=lambda: (), quote=lambda name: quote(), clock=lambda: 100)
    for event in service.begin_session("2014-06-09", 6):
        ledger.apply(event)
    assert service.account("main").day_pnl == 0
    assert service.account("main").equity == 110_000
    bare = PortfolioService(ledger, orders=lambda: (), quote=lambda name: None, clock=lambda: 100)
    assert bare.mark("main", AAPL) is not None, "the session's mark, and before it what the broker named"


@pytest.mark.covers("L14", "F13")
def test_a_difference_posts_nothing_until_a_person_says_who_is_right() -> None:
    about = raised(AAPL, "10", "17")
    ledger = folded(filled(fill("f1", "10", "100")), about)
    book = ledger.book("main")
    assert (ledger.quantity("main", AAPL), len(ledger.entries)) == (D(10), 2)
    invariants.check_broker(book, {AAPL: D(17)})
    with pytest.raises(InvariantError, match="L14"):
        invariants.check_broker(book, {AAPL: D(10)})


@pytest.mark.covers("L14")
@pytest.mark.parametrize(
    ("theirs", "price", "realized"), [("17", "120", "0"), ("4", "120", "120"), ("-3", "90", "-100")]
)
def test_accepting_posts_the_shares_against_suspense(theirs: str, price: str, realized: str) -> None:
    about = raised(AAPL, "10", theirs)
    once = explained(about, SuspenseEnd.ACCEPT, price)
    ledger = folded(filled(fill("f1", "10", "100")), about, once, once)
    book = ledger.book("main")
    assert book.quantity(AAPL) == D(theirs)
    assert (book.cash, book.realized) == (D(99_000), D(realized))
    assert book.balances[Book.SUSPENSE] == -about.amount * D(price)
    invariants.check_broker(book, {AAPL: D(theirs)}, D(99_000))


def test_what_was_accepted_is_no_profit_of_the_day() -> None:
    ledger = folded(filled(fill("f1", "10", "100")))
    service = PortfolioService(ledger, orders=lambda: (), quote=lambda name: quote(), clock=lambda: 100)
    for event in service.begin_session("2014-06-09", 6):
        ledger.apply(event)
    for about, price in ((raised(AAPL, "10", "17"), "100"), (raised("", "99000", "99500", "S2"), None)):
        ledger.apply(about)
        ledger.apply(explained(about, SuspenseEnd.ACCEPT, price))
    view = service.account("main")
    assert (view.day_pnl, view.equity, view.cash) == (D(0), D(101_200), D(99_500))


def test_an_ignored_difference_stays_known_and_a_cleared_one_is_gone() -> None:
    about = raised(AAPL, "10", "17")
    ledger = folded(filled(fill("f1", "10", "100")), about, explained(about, SuspenseEnd.IGNORE))
    assert ledger.quantity("main", AAPL) == 10
    invariants.check_broker(ledger.book("main"), {AAPL: D(17)})
    for _ in range(2):
        ledger.apply(explained(about, SuspenseEnd.CLEARED))
        ledger.apply(about)  # what came to an end is not raised again
    invariants.check_broker(ledger.book("main"), {AAPL: D(10)})


def test_accepted_cash_of_nothing_posts_nothing() -> None:
    about = raised("", "100000", "100000.000000001")
    ledger = folded(about, explained(about, SuspenseEnd.ACCEPT))
    assert len(ledger.entries) == 1


@pytest.mark.covers("L11")
@pytest.mark.parametrize(
    "event",
    [
        adopted((AAPL, "NaN", "1")),
        adopted((AAPL, "0", "1")),
        adopted((AAPL, "1", "-1")),
        HoldingsAdopted(
            account_id="main",
            holdings=(VenueHolding(instrument_id=AAPL, quantity=Decimal(1)),),
            ts_event=1,
            recorded_at=1,
        ),
        raised(AAPL, "0", "Infinity"),
        explained(raised(AAPL, "0", "1"), SuspenseEnd.ACCEPT),
        explained(raised("", "0", "NaN"), SuspenseEnd.IGNORE),
    ],
)
def test_what_is_no_amount_is_refused_whole(event: Event) -> None:
    ledger = folded()
    with pytest.raises(InvariantError, match="L11"):
        ledger.apply(event)
    assert len(ledger.entries) == 1


def test_shares_accepted_at_nothing_cost_nothing() -> None:
    about = raised(AAPL, "0", "3")
    ledger = folded(about, explained(about, SuspenseEnd.ACCEPT, "0"))
    assert (ledger.quantity("main", AAPL), len(ledger.entries)) == (D(3), 1)
