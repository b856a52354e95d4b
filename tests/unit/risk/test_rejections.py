"""Repeated refusals are counted from the journal's facts alone, and an order that is taken ends the pause."""

from __future__ import annotations

import msgspec
import pytest

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.events import EngineStopped, LossLimitActed, SessionMarked
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms
from stockpulse_engine.risk.brakes import DAILY_LOSS, DRAWDOWN, NO_BRAKE, BrakeBook
from stockpulse_engine.risk.codes import DenialCode as Code
from stockpulse_engine.risk.rejections import MAX_WAITING, NO_REFUSALS, RejectionBook, is_same_instruction
from tests.fakes.portfolio_build import AAPL, MSFT, SECOND, D, terms
from tests.unit.risk.build import BUY, NOW, ask, view

K = OrderEventKind
MINUTE = 60 * SECOND


def told(
    book: RejectionBook,
    key: str,
    instruction: OrderTerms,
    *kinds: K,
    at: int = NOW,
    code: str = "MARGIN",
    parent: str = "",
) -> None:
    """The life of one order, from its submission on."""
    order = Order(client_order_id=key, terms=instruction, status=OrderStatus.SUBMITTED, parent_id=parent)
    book.observe(OrderEvent(client_order_id=key, kind=K.SUBMIT, ts_event=at, recorded_at=at, order=order))
    for kind in kinds:
        said = code if kind is K.REJECT else ""
        book.observe(OrderEvent(client_order_id=key, kind=kind, ts_event=at, recorded_at=at, code=said))


@pytest.mark.covers("F20")
def test_a_script_that_sends_the_same_refused_order_every_second_reaches_the_venue_once_a_minute() -> None:
    book, posts = RejectionBook(), 0
    for second in range(3600):
        now = NOW + second * SECOND
        seen = view(wall_ns=now, refusals=book.of("main", AAPL))
        if ask(BUY, seen).is_allowed:
            posts += 1
            told(book, f"o{second}", BUY, K.REJECT, at=now)
        else:
            assert ask(BUY, seen).code is Code.REPEATED_REJECTION
    assert 3 < posts <= 65


@pytest.mark.covers("F20")
def test_a_book_folded_again_from_the_same_facts_has_counted_the_same() -> None:
    before, after = RejectionBook(), RejectionBook()
    for book in (before, after):
        for number in range(3):
            told(book, f"o{number}", BUY, K.REJECT, at=NOW + number)
    assert before.of("main", AAPL) == after.of("main", AAPL)
    assert (after.of("main", AAPL).count, after.of("main", AAPL).sent_ns) == (3, NOW + 2)
    assert [name for name, _ in after.paused("main", 3)] == [AAPL]
    assert after.paused("other", 3) == ()


def test_another_order_another_reason_or_an_answer_begins_anew() -> None:
    book = RejectionBook()
    told(book, "a", BUY, K.REJECT)
    told(book, "b", BUY, K.REJECT, code="CLOSED")
    assert book.of("main", AAPL).count == 1
    told(book, "c", terms("11", "100.00"), K.REJECT, code="CLOSED")
    assert book.of("main", AAPL).count == 1
    told(book, "d", terms("11", "100.00"), K.REJECT, code="CLOSED")
    assert book.of("main", AAPL).count == 2
    told(book, "half", BUY, K.CANCEL_REQUEST)
    told(book, "e", BUY, K.ACCEPT)
    assert book.of("main", AAPL) is NO_REFUSALS
    assert book.of("main", MSFT) is NO_REFUSALS


def test_only_orders_whose_answer_is_awaited_count_and_exits_go_with_their_entry() -> None:
    book = RejectionBook()
    told(book, "child", BUY, K.REJECT, parent="entry")
    told(book, "gone", BUY, K.CANCEL, K.REJECT)
    told(book, "taken", BUY, K.ACCEPT, K.ACCEPT)
    book.observe(EngineStopped(ts_event=1, recorded_at=1))
    assert book.of("main", AAPL) is NO_REFUSALS
    for number in range(MAX_WAITING + 1):
        told(book, f"w{number}", BUY)
    told(book, "w", BUY, K.REJECT)
    book.observe(OrderEvent(client_order_id="w0", kind=K.REJECT, ts_event=1, recorded_at=1))  # forgotten by now
    assert book.of("main", AAPL).count == 1


def test_who_sends_it_and_for_which_account_makes_no_other_order() -> None:
    assert is_same_instruction(BUY, msgspec.structs.replace(BUY, strategy="trend", account_id="other"))
    assert not is_same_instruction(BUY, msgspec.structs.replace(BUY, quantity=D(11)))


def loss(kind: str, state: TradingState, amount: str = "3000") -> LossLimitActed:
    return LossLimitActed(
        account_id="main",
        kind=kind,
        state=state,
        session_date="2024-03-08",
        amount=D(amount),
        limit=D(3000),
        ts_event=NOW,
        recorded_at=NOW,
    )


def session(date: str, account_id: str = "main") -> SessionMarked:
    return SessionMarked(account_id=account_id, session_date=date, equity=D(1), marks={}, ts_event=NOW, recorded_at=NOW)


def test_a_brake_holds_until_the_next_session_or_a_persons_word() -> None:
    book = BrakeBook()
    book.observe(session("2024-03-08"))
    book.observe(EngineStopped(ts_event=1, recorded_at=1))
    assert book.of("main") is NO_BRAKE
    book.observe(loss(DAILY_LOSS, TradingState.REDUCING))
    book.observe(loss(DRAWDOWN, TradingState.REDUCING))
    assert book.of("main").is_on
    assert not book.of("other").is_on
    book.observe(loss(DAILY_LOSS, TradingState.ACTIVE, "3100"))
    assert (book.of("main").daily, book.of("main").forgiven_loss) == (None, D(3100))
    book.observe(session("2024-03-11"))
    after = book.of("main")
    assert (after.forgiven_loss, after.is_on) == (D(0), True)  # a fall from the peak is no matter of the day
    book.observe(loss(DRAWDOWN, TradingState.ACTIVE, "9000"))
    assert (book.of("main").is_on, book.of("main").forgiven_fall) == (False, D(9000))
