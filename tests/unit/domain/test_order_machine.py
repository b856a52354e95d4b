"""The life of an order: every cell of the table, the fills' arithmetic, and the flag that only evidence lowers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.order_machine import TRANSITIONS, Rule, apply, is_surprise, transition_rows
from stockpulse_engine.domain.orders import (
    Order,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    OrderTerms,
    OrderType,
    Side,
)

K, S = OrderEventKind, OrderStatus

TERMS = OrderTerms(
    account_id="PAPER",
    instrument_id="AAPL.XNAS",
    side=Side.BUY,
    quantity=Decimal(100),
    order_type=OrderType.LIMIT,
    limit_price=Decimal("231.40"),
)
_PARTLY = {S.PARTIALLY_FILLED, S.DONE_FOR_DAY, S.SUSPENDED, S.PENDING_CANCEL, S.PENDING_UPDATE, S.CANCELED, S.EXPIRED}


def an_order(status: OrderStatus, *, filled: int | None = None, **more: object) -> Order:
    """An order in `status`, with the fills that status usually comes with."""
    if filled is None:
        filled = 100 if status is S.FILLED else 40 if status in _PARTLY or status is S.REJECTED else 0
    notional = Decimal(filled) * 10
    order = Order(
        client_order_id="C1",
        terms=TERMS,
        status=status,
        filled_quantity=Decimal(filled),
        filled_notional=notional,
        average_price=Decimal(10) if filled else None,
        resume_status=S.ACCEPTED if status in (S.PENDING_CANCEL, S.PENDING_UPDATE) else None,
        pending_terms=structs.replace(TERMS, quantity=Decimal(80)) if status is S.PENDING_UPDATE else None,
    )
    return structs.replace(order, **more)


def a_fill(quantity: int | str = 10, price: str = "10", *, fill_id: str = "F1", fee: str = "0") -> Fill:
    """An execution of the order above."""
    return Fill(
        fill_id=fill_id,
        client_order_id="C1",
        account_id="PAPER",
        instrument_id="AAPL.XNAS",
        sign=1,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
    )


def an_event(kind: OrderEventKind, **more: object) -> OrderEvent:
    """An event of `kind`, complete enough to be applied."""
    event = OrderEvent(client_order_id="C1", kind=kind, ts_event=5, recorded_at=6)
    if kind in (K.FILL, K.BUST, K.CORRECT):
        event = structs.replace(event, fill=a_fill())
    if kind in (K.UPDATE_REQUEST, K.UPDATE):
        event = structs.replace(event, terms=structs.replace(TERMS, quantity=Decimal(80)))
    return structs.replace(event, **more)


CELLS = sorted(TRANSITIONS, key=lambda key: (key[0].value, key[1].value))


def test_every_status_meets_every_event() -> None:
    assert set(TRANSITIONS) == {(status, kind) for status in S for kind in K}
    assert len(list(transition_rows())) == len(S) * len(K)


@pytest.mark.parametrize(("status", "kind"), CELLS, ids=lambda value: value.value)
def test_the_cell_does_what_the_table_says(status: OrderStatus, kind: OrderEventKind) -> None:
    order, event = an_order(status), an_event(kind)
    cell = TRANSITIONS[status, kind]
    if cell.rule is Rule.ILLEGAL:
        with pytest.raises(InvariantError, match=kind.value):
            apply(order, event)
        return
    after = apply(order, event)
    kept = {Rule.STAY, Rule.SURPRISE, Rule.LATE, Rule.UNDER, Rule.RAISE, Rule.LOWER}
    if cell.rule is Rule.GO:
        assert after.status is cell.target
    elif cell.rule in kept:
        assert after.status is status
    else:
        assert after.status in _BY_RULE[cell.rule, status]
    assert is_surprise(order, event) == (cell.rule is Rule.SURPRISE)
    assert after.is_unknown == (cell.rule in (Rule.SURPRISE, Rule.RAISE))
    assert after.has_late_fill == (cell.rule is Rule.LATE)
    assert (after.resume_status is not None) == (after.status in (S.PENDING_CANCEL, S.PENDING_UPDATE))


_BY_RULE: dict[tuple[Rule, OrderStatus], set[OrderStatus]] = {
    **{(Rule.FILL, s): {S.PARTIALLY_FILLED} for s in S},
    (Rule.FILL, S.PENDING_CANCEL): {S.PENDING_CANCEL},
    (Rule.FILL, S.PENDING_UPDATE): {S.PENDING_UPDATE},
    **{(Rule.REVISE, s): {s} for s in S},
    **{(Rule.WORK, s): {S.PARTIALLY_FILLED} for s in S},
    **{(Rule.BACK, s): {S.PARTIALLY_FILLED} for s in S},
}

_EXITS = {
    S.SUBMITTED: {S.ACCEPTED, S.TRIGGERED, S.REJECTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED},
    S.ACCEPTED: {
        S.TRIGGERED,
        S.PARTIALLY_FILLED,
        S.FILLED,
        S.CANCELED,
        S.EXPIRED,
        S.DONE_FOR_DAY,
        S.SUSPENDED,
        S.REJECTED,
    },
    S.PARTIALLY_FILLED: {S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.DONE_FOR_DAY, S.ACCEPTED},
    S.PENDING_CANCEL: {S.CANCELED, S.FILLED, S.ACCEPTED, S.PARTIALLY_FILLED, S.EXPIRED, S.REJECTED},
    S.PENDING_UPDATE: {S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED},
    S.DONE_FOR_DAY: {S.ACCEPTED, S.TRIGGERED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED},
}
_EXITS[S.TRIGGERED] = _EXITS[S.ACCEPTED]
_EXITS[S.SUSPENDED] = _EXITS[S.DONE_FOR_DAY]


def _possible_fills(status: OrderStatus) -> tuple[int, ...]:
    if status in _PARTLY:
        return (0, 40, 100)
    return (40, 100) if status in (S.PARTIALLY_FILLED, S.FILLED) else (0,)


@pytest.mark.parametrize("status", list(S), ids=lambda value: value.value)
@pytest.mark.parametrize("kind", [kind for kind in K if not kind.is_ours], ids=lambda value: value.value)
def test_no_word_of_the_venue_leads_outside_the_legal_moves(status: OrderStatus, kind: OrderEventKind) -> None:
    for filled, quantity in product(_possible_fills(status), (10, 60, 100)):
        event = an_event(kind)
        if event.fill is not None:
            event = structs.replace(event, fill=a_fill(quantity))
        after = apply(an_order(status, filled=filled), event)
        assert after.status is status or after.status in _EXITS.get(status, set())


def test_fills_accumulate_to_the_exact_average_and_the_fees() -> None:
    order = an_order(S.ACCEPTED)
    order = apply(order, an_event(K.FILL, fill=a_fill(30, "231.40", fee="0.30")))
    order = apply(order, an_event(K.FILL, fill=a_fill(70, "231.50", fill_id="F2", fee="0.70")))
    assert order.status is S.FILLED
    assert (order.filled_quantity, order.average_price, order.fees) == (
        Decimal(100),
        Decimal("231.47"),
        Decimal("1.00"),
    )
    assert order.leaves_quantity == 0


def test_a_fill_of_a_dead_order_is_booked_and_marked() -> None:
    order = apply(an_order(S.CANCELED, filled=0), an_event(K.FILL))
    assert (order.status, order.filled_quantity, order.has_late_fill) == (S.CANCELED, Decimal(10), True)


def test_more_than_was_ordered_is_booked_and_marked() -> None:
    order = apply(an_order(S.ACCEPTED), an_event(K.FILL, fill=a_fill(150)))
    assert (order.status, order.filled_quantity, order.has_overfill) == (S.FILLED, Decimal(150), True)


def test_a_bust_lowers_and_a_correction_replaces() -> None:
    order = apply(an_order(S.ACCEPTED), an_event(K.FILL, fill=a_fill(30, "10", fee="1")))
    order = apply(order, an_event(K.FILL, fill=a_fill(20, "20", fill_id="F2", fee="1")))
    restated = structs.replace(a_fill(20, "15", fill_id="F3", fee="2"), corrects="F2")
    order = apply(order, an_event(K.CORRECT, fill=restated), replaced=a_fill(20, "20", fill_id="F2", fee="1"))
    assert (order.filled_quantity, order.average_price, order.fees) == (Decimal(50), Decimal(12), Decimal(3))
    order = apply(order, an_event(K.BUST, fill=a_fill(30, "10", fee="1")))
    assert (order.filled_quantity, order.average_price, order.fees) == (Decimal(20), Decimal(15), Decimal(2))
    order = apply(order, an_event(K.BUST, fill=restated))
    assert (order.status, order.filled_quantity, order.average_price) == (S.ACCEPTED, Decimal(0), None)


def test_a_bust_of_more_than_was_executed_is_not_followed_but_flagged() -> None:
    order = apply(an_order(S.PARTIALLY_FILLED), an_event(K.BUST, fill=a_fill(90)))
    assert (order.filled_quantity, order.is_unknown) == (Decimal(40), True)


def test_a_refused_cancel_falls_back_to_what_the_fills_meanwhile_say() -> None:
    order = apply(an_order(S.ACCEPTED), an_event(K.CANCEL_REQUEST))
    order = apply(order, an_event(K.FILL))
    assert order.status is S.PENDING_CANCEL
    assert apply(order, an_event(K.CANCEL_REJECT)).status is S.PARTIALLY_FILLED


def test_a_triggered_order_stays_triggered_through_a_change() -> None:
    order = apply(an_order(S.TRIGGERED), an_event(K.UPDATE_REQUEST))
    order = apply(order, an_event(K.UPDATE))
    assert (order.status, order.terms.quantity, order.pending_terms) == (S.TRIGGERED, Decimal(80), None)


def test_a_fill_of_the_old_quantity_does_not_end_an_order_whose_increase_is_pending() -> None:
    bigger = structs.replace(TERMS, quantity=Decimal(200))
    order = apply(an_order(S.ACCEPTED), an_event(K.UPDATE_REQUEST, terms=bigger))
    order = apply(order, an_event(K.FILL, fill=a_fill(100)))
    assert order.status is S.PENDING_UPDATE
    assert apply(order, an_event(K.UPDATE, terms=bigger)).status is S.PARTIALLY_FILLED
    assert apply(order, an_event(K.UPDATE_REJECT)).status is S.FILLED


def test_a_cancel_over_a_pending_change_remembers_the_status_beneath_both() -> None:
    order = apply(an_order(S.ACCEPTED), an_event(K.UPDATE_REQUEST))
    order = apply(order, an_event(K.CANCEL_REQUEST))
    assert apply(order, an_event(K.CANCEL_REJECT)).status is S.ACCEPTED


def test_only_evidence_lowers_unknown() -> None:
    silent = apply(an_order(S.SUBMITTED), an_event(K.MARK_UNKNOWN))
    assert silent.is_unknown
    assert silent.unknown_since == 5
    assert apply(silent, an_event(K.CANCEL_REQUEST)).is_unknown
    for kind in (K.ACCEPT, K.FILL, K.REJECT, K.CANCEL, K.EXPIRE, K.TRIGGER, K.RESOLVE):
        proven = apply(silent, an_event(kind))
        assert not proven.is_unknown
        assert proven.unknown_since == 0


def test_a_refused_cancel_is_not_read_as_absence() -> None:
    silent = apply(an_order(S.SUBMITTED), an_event(K.MARK_UNKNOWN))
    asked = apply(silent, an_event(K.CANCEL_REQUEST))
    refused = apply(asked, an_event(K.CANCEL_REJECT, reason="unknown order"))
    assert (refused.status, refused.is_unknown) == (S.SUBMITTED, True)


def test_a_shrinking_change_below_what_was_filled_is_marked_not_raised() -> None:
    order = apply(an_order(S.PARTIALLY_FILLED), an_event(K.UPDATE, terms=structs.replace(TERMS, quantity=Decimal(20))))
    assert (order.status, order.has_overfill) == (S.FILLED, True)


venue_kinds = st.sampled_from([kind for kind in K if not kind.is_ours])
amounts = st.decimals(min_value="0.0001", max_value="999999", places=4)
prices = st.decimals(min_value="0.0001", max_value="99999", places=4)


@st.composite
def venue_events(draw: st.DrawFn) -> OrderEvent:
    """Anything a venue might say, in any order."""
    event = an_event(draw(venue_kinds))
    if event.fill is not None:
        event = structs.replace(event, fill=structs.replace(a_fill(), quantity=draw(amounts), price=draw(prices)))
    if event.terms is not None:
        event = structs.replace(event, terms=structs.replace(TERMS, quantity=draw(amounts)))
    return event


@given(st.sampled_from(list(S)), st.lists(venue_events(), max_size=12))
def test_the_venue_cannot_stop_the_reader(status: OrderStatus, events: list[OrderEvent]) -> None:
    order = an_order(status)
    for event in events:
        before, order = order, apply(order, event)
        assert order.filled_quantity >= 0  # O1
        assert order.leaves_quantity == 0 or not order.status.is_terminal
        if event.kind not in (K.BUST, K.CORRECT):
            assert order.filled_quantity >= before.filled_quantity  # O3


@given(st.lists(st.tuples(amounts, prices), min_size=1, max_size=40))
def test_the_average_is_the_exact_quotient_rounded_once(executions: list[tuple[Decimal, Decimal]]) -> None:
    order = an_order(S.ACCEPTED)
    for quantity, price in executions:
        order = apply(order, an_event(K.FILL, fill=structs.replace(a_fill(), quantity=quantity, price=price)))
    total = sum((Fraction(quantity) for quantity, _ in executions), Fraction(0))
    cost = sum((Fraction(quantity) * Fraction(price) for quantity, price in executions), Fraction(0))
    assert Fraction(order.filled_quantity) == total
    assert Fraction(order.filled_notional) == cost
    assert order.average_price is not None
    assert abs(Fraction(order.average_price) - cost / total) <= Fraction(order.average_price) / 10**27  # O2
