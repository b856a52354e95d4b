"""Binding orders followed one by one; that the sums are right after any story is `tests/property`'s to show."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.events import SessionMarked
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.portfolio.appraisal import Appraisal
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.working import Working, WorkingBook
from tests.fakes.portfolio_build import AAPL, MSFT, D, fill, filled, moved, opened, order, quote, terms

COLLAR = D("0.05")


def test_an_order_is_counted_once_however_often_it_changes() -> None:
    ledger = Ledger()
    ledger.apply(opened())
    book, working = ledger.book("main"), Working(COLLAR)
    working.put(order("a", terms("10", "100")))
    working.put(order("a", terms("4", "100")))
    assert (len(working), working.bound(book)) == (1, (D(400), D(0)))
    working.drop("a")
    working.drop("a")
    assert (len(working), working.of(AAPL), working.claims(AAPL), working.bound(book)) == (0, (), (), (D(0), D(0)))


def test_a_change_of_terms_that_names_another_instrument_moves_the_order() -> None:
    working = Working(COLLAR, orders=[order("a", terms("10", "100"))])
    working.put(order("a", terms("10", "100", instrument_id=MSFT)))
    assert working.of(AAPL) == ()
    assert [each.client_order_id for each in working.of(MSFT)] == ["a"]


def test_an_execution_elsewhere_changes_what_an_order_opens() -> None:
    ledger = Ledger()
    ledger.apply(opened())
    working = Working(COLLAR, orders=[order("a", terms("-10", "100"))])
    assert working.bound(ledger.book("main"))[0] == 1000
    ledger.apply(filled(fill("f1", "10", "100")))
    assert working.bound(ledger.book("main"))[0] == 0


def test_leaving_an_order_out_does_not_touch_the_original() -> None:
    working = Working(COLLAR, orders=[order("a", terms("10", "100")), order("b", terms("5", "100"))])
    others = working.without(lambda each: each.client_order_id == "a")
    assert (len(working), len(others)) == (2, 1)
    assert others.get("a") is None


def test_asking_about_an_account_without_orders_leaves_nothing_behind() -> None:
    book = WorkingBook(COLLAR)
    for number in range(3):
        assert len(book.of(f"nobody-{number}")) == 0
    book.drop(order("a", terms("10", "100")))
    assert book._accounts == {}


def test_without_a_quote_a_new_session_or_fill_brings_a_new_price() -> None:
    ledger, quotes = Ledger(), dict[str, Quote]()
    ledger.apply(opened())
    ledger.apply(filled(fill("f1", "10", "100", at=10)))
    appraisal = Appraisal(ledger.book("main"), quotes.get)
    assert appraisal.worth().market_value == 1000
    ledger.apply(
        SessionMarked(
            account_id="main", session_date="2", equity=D(1), marks={AAPL: D(105)}, ts_event=20, recorded_at=20
        )
    )
    assert appraisal.worth().market_value == 1050
    ledger.apply(filled(fill("f2", "1", "110", instrument_id=MSFT, at=30)))
    assert appraisal.worth().marks == {AAPL: D(105), MSFT: D(110)}
    quotes[AAPL] = quote("119.99", "120.01")
    assert appraisal.worth().market_value == 1310


def test_an_order_that_changes_costs_the_same_however_many_others_are_open() -> None:
    asked: list[int] = []

    def fee(sign: int, quantity: Decimal, notional: Decimal) -> Decimal:
        asked.append(sign)
        return D("0.35")

    ledger = Ledger()
    ledger.apply(opened(cash="10000000"))
    book, working = ledger.book("main"), Working(COLLAR, fee)
    for number in range(200):
        working.put(order(f"o{number}", terms("1", "100", instrument_id=f"S{number % 40}.XNAS")))
    assert working.bound(book) == (D(20_000), D(70))
    asked.clear()
    working.put(order("new", terms("1", "100")))
    working.drop("o7")
    assert working.bound(book) == (D(20_000), D(70))
    assert len(asked) == 1
    ledger.apply(moved("1"))
    assert working.bound(book) == (D(20_000), D(70))
    assert len(asked) == 1


def test_an_order_that_was_only_confirmed_is_not_worked_out_again() -> None:
    asked: list[int] = []

    def fee(sign: int, quantity: Decimal, notional: Decimal) -> Decimal:
        asked.append(sign)
        return D(0)

    ledger = Ledger()
    ledger.apply(opened())
    sent = order("a", terms("10", "100"), status=OrderStatus.SUBMITTED)
    working = Working(COLLAR, fee, [sent])
    assert working.bound(ledger.book("main"))[0] == 1000
    working.put(structs.replace(sent, status=OrderStatus.ACCEPTED, venue_order_id="V1"))
    assert working.bound(ledger.book("main"))[0] == 1000
    assert [each.venue_order_id for each in working.of(AAPL)] == ["V1"]
    assert len(asked) == 1
