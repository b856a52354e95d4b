"""Which of Alpaca's orders are ours, and which executions are one: from whatever order the words come in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.alpaca.known import Known
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, Side
from tests.unit.adapters.alpaca.samples import order, order_row

TERMS = OrderTerms(
    account_id="a", instrument_id="AAPL.XNAS", side=Side.BUY, quantity=Decimal(10), order_type=OrderType.MARKET
)
LEGS = [
    order_row(id="leg-t", client_order_id="uuid-t", type="limit", order_class="bracket"),
    order_row(id="leg-s", client_order_id="uuid-s", type="stop", order_class="bracket"),
]


def test_exits_get_our_names_whether_we_sent_them_or_a_process_before_us() -> None:
    bracket = order(id="entry", client_order_id="o", order_class="bracket", legs=LEGS)
    fresh = Known()
    fresh.learn(bracket)
    assert [fresh.owner(each).ours for each in ("entry", "leg-t", "leg-s")] == ["o", "o-T", "o-S"]  # type: ignore[union-attr]  # they are known
    sent = Known()
    sent.expect([Order(client_order_id="mine", terms=TERMS, role=OrderRole.TAKE, parent_id="o")])
    sent.learn(bracket)
    assert sent.owner("leg-t").ours == "mine"  # type: ignore[union-attr]  # as above


@pytest.mark.covers("F08")
def test_a_leg_that_speaks_first_is_not_taken_for_a_stranger() -> None:
    known = Known()
    leg = order(id="leg-t", client_order_id="uuid-t", order_class="bracket")
    assert known.find(leg) is None, "its entry must be asked for"
    known.learn(order(id="entry", client_order_id="o", order_class="bracket", legs=LEGS))
    assert known.find(leg).ours == "o-T"  # type: ignore[union-attr]  # it is known now


@pytest.mark.covers("F11")
@given(st.permutations(["old", "new"]))
def test_both_orders_of_a_change_stay_ours_in_any_order_of_words(words: list[str]) -> None:
    known = Known()
    known.learn(order(id="old", client_order_id="o"))
    told = {
        "old": order(id="old", client_order_id="o", status="replaced", replaced_by="new", filled_qty="4"),
        "new": order(id="new", client_order_id="o~1", replaces="old"),
    }
    for word in words:
        known.learn(told[word])
    entry = known.get("o")
    assert entry is not None
    assert (entry.order_id, entry.is_open) == ("new", True)
    assert known.owner("old") is entry is known.owner("new")
    spent = known.spent("old")
    assert spent is not None
    assert spent.filled_quantity == 4


@pytest.mark.covers("F11")
def test_a_refused_change_leaves_the_old_order_in_charge() -> None:
    known = Known()
    known.learn(order(id="old", client_order_id="o"))
    known.learn(order(id="new", client_order_id="o~1", replaces="old"))
    known.learn(order(id="new", client_order_id="o~1", replaces="old", status="rejected"))
    entry = known.get("o")
    assert entry is not None
    assert entry.order_id == "old"
    known.learn(order(id="old", client_order_id="o", status="filled"))
    assert known.owner("old") is entry


def test_memory_is_bounded() -> None:
    known = Known(most=10)
    for number in range(100):
        known.learn(order(id=f"id-{number}", client_order_id=f"o-{number}"))
        known.tell(f"key-{number}")
    assert known.get("o-0") is None
    assert known.get("o-99") is not None
    assert len(known.open_entries()) == 10
    assert known.tell("key-0")
    assert not known.tell("key-99")


@pytest.mark.covers("F09")
def test_the_same_execution_is_one_even_if_its_two_sources_named_it_unlike() -> None:
    known = Known()
    assert known.streamed.name("o", "s-1", Decimal(100), Decimal(100)) == "s-1"
    assert known.listed.name("o", "l-1", Decimal("100.0"), Decimal(100)) == "s-1"
    assert known.listed.name("o", "l-2", Decimal(200), Decimal(100)) == "l-2"
    assert known.streamed.name("o", "s-2", Decimal(200), Decimal(100)) == "l-2"


@pytest.mark.covers("F09", "F10")
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_no_execution_is_lost_where_both_sources_use_one_name(heard: list[bool], is_ahead: bool) -> None:
    """Even where the stream shows an order further ahead than its execution: the next list puts it right."""
    known, names = Known(), [f"e-{number}" for number in range(len(heard))]
    told: set[str] = set()
    for number, is_heard in enumerate(heard):
        total = Decimal(100 * (len(heard) if is_ahead else number + 1))
        if is_heard:
            told.add(known.streamed.name("o", names[number], total, Decimal(100)))
    for _ in range(2):
        known.listed.note(names)
        for number, name in enumerate(names):
            told.add(known.listed.name("o", name, Decimal(100 * (number + 1)), Decimal(100)))
    assert told == set(names)
