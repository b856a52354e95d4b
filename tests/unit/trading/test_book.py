"""The book is a fold: whatever happened, a replay of the journal gives the same state at every prefix (L12)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, TradingState
from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.events import (
    AccountOpened,
    EngineStarted,
    EngineStopped,
    Event,
    HomeRestored,
    TradingStateChanged,
)
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.trading.book import TradingBook

K = OrderEventKind
KEYS = ("A", "B", "C")
TERMS = OrderTerms(
    account_id="PAPER", instrument_id="AAPL.XNAS", side=Side.BUY, quantity=Decimal(10), order_type=OrderType.MARKET
)
ACCOUNT = Account(
    account_id="PAPER",
    kind=AccountKind.PAPER,
    account_type=AccountType.CASH,
    currency="USD",
    initial_cash=Decimal(1),
)


def fill_of(key: str, number: int, quantity: int, corrects: str = "") -> Fill:
    return Fill(
        fill_id=f"X{number}", client_order_id=key, account_id="PAPER", instrument_id="AAPL.XNAS", sign=1,
        quantity=Decimal(quantity), price=Decimal(10), corrects=corrects,
    )  # fmt: skip


@st.composite
def order_events(draw: st.DrawFn) -> OrderEvent:
    kind = draw(st.sampled_from(list(K)))
    key = draw(st.sampled_from(KEYS))
    event = OrderEvent(
        client_order_id=key, kind=kind, ts_event=1, recorded_at=1, report_seq=draw(st.integers(0, 50)),
        request_id=draw(st.sampled_from(["", "R1", "R2"])), body_digest=draw(st.sampled_from(["", "D1"])),
    )  # fmt: skip
    if kind in (K.INITIALIZE, K.SUBMIT, K.DENY) and draw(st.booleans()):
        parent = draw(st.sampled_from(["", *KEYS]))
        event = structs.replace(event, order=Order(client_order_id=key, terms=TERMS, parent_id=parent))
    if kind in (K.FILL, K.BUST, K.CORRECT):
        corrects = f"X{draw(st.integers(1, 6))}" if kind is K.CORRECT else ""
        number, quantity = draw(st.integers(1, 6)), draw(st.integers(1, 9))
        event = structs.replace(event, fill=fill_of(key, number, quantity, corrects))
    if kind in (K.UPDATE_REQUEST, K.UPDATE):
        event = structs.replace(event, terms=structs.replace(TERMS, quantity=Decimal(draw(st.integers(1, 20)))))
    return event


other_events = st.sampled_from(
    [
        AccountOpened(account=ACCOUNT, ts_event=1, recorded_at=1),
        TradingStateChanged(state=TradingState.HALTED, reason="x", ts_event=1, recorded_at=1),
        EngineStarted(version="1", world="sim", was_clean=False, ts_event=1, recorded_at=1),
        EngineStopped(ts_event=1, recorded_at=1),
        HomeRestored(made_at=1, ts_event=1, recorded_at=1),
    ]
)


@pytest.mark.covers("L12", "L13", "O12")
@given(st.lists(st.one_of(order_events(), order_events(), order_events(), other_events), max_size=60))
def test_replay_equals_live_at_every_prefix(events: list[Event]) -> None:
    live = TradingBook()
    journal: list[Event] = []
    for event in events:
        before = live.facts()
        try:
            live.apply(event, len(journal) + 1)
        except InvariantError:
            assert live.facts() == before  # what is refused leaves no trace
            continue
        journal.append(event)
        if len(journal) % 7 == 0:
            assert replayed(journal).facts() == live.facts()
    again = replayed(journal)
    assert again.facts() == live.facts()
    assert again.entries == live.entries
    check_books(live)


def replayed(journal: list[Event]) -> TradingBook:
    book = TradingBook()
    for seq, event in enumerate(journal, 1):
        book.apply(event, seq)
    return book


def check_books(book: TradingBook) -> None:
    """Indices and sums agree with the orders themselves."""
    assert {one.client_order_id for one in book.all_open()} == {k for k, one in book.orders.items() if one.is_open}
    assert {one.client_order_id for one in book.unknown_orders()} == {
        k for k, one in book.orders.items() if one.is_unknown
    }
    for key, order in book.orders.items():
        if not order.is_unknown:  # a venue that contradicts itself leaves a flag, not a forged sum
            assert order.filled_quantity == sum((one.quantity for one in book.fills_of(key)), ZERO)


@given(st.lists(order_events(), max_size=40), st.integers(0, 40))
def test_a_copy_is_independent(events: list[OrderEvent], at: int) -> None:
    book = TradingBook()
    twin, frozen = book.copy(), book.facts()
    for number, event in enumerate(events):
        if number == at:
            twin = book.copy()
            frozen = twin.copy().facts()
        try:
            book.apply(event, number + 1)
        except InvariantError:
            continue
    assert twin.facts() == frozen


def test_a_repeated_execution_posts_nothing() -> None:
    book = TradingBook()
    submit = OrderEvent(
        client_order_id="A", kind=K.SUBMIT, ts_event=1, recorded_at=1, order=Order(client_order_id="A", terms=TERMS)
    )
    book.apply(submit)
    fill = OrderEvent(client_order_id="A", kind=K.FILL, ts_event=1, recorded_at=1, fill=fill_of("A", 1, 4))
    assert book.apply(fill).fill is not None
    repeated = book.apply(fill)
    assert repeated.fill is None
    assert repeated.is_silent
    assert book.orders["A"].filled_quantity == 4


def test_an_order_nobody_made_cannot_change() -> None:
    with pytest.raises(InvariantError, match="before the order exists"):
        TradingBook().apply(OrderEvent(client_order_id="A", kind=K.ACCEPT, ts_event=1, recorded_at=1))
