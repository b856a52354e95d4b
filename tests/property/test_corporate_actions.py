"""Splits and dividends on holdings: value and cost are kept, no money is made, and each is posted once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from stockpulse_engine.domain.accounts import LotMethod
from stockpulse_engine.domain.corporate import ActionStatement, scaled_price, split_parts
from stockpulse_engine.domain.events import ActionApplied, Event
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio.entries import EntryKind
from stockpulse_engine.portfolio.ledger import Ledger
from tests.fakes.portfolio_build import AAPL, D, busted, fill, filled, opened

MINOR = D("0.00000001")
QUANTITIES = st.integers(-300, 300).filter(bool)
PRICES = st.integers(100, 90_000).map(lambda cents: D(cents) / 100)
RATIOS = st.sampled_from(
    [(7, 1), (2, 1), (3, 2), (1, 10), (1, 7), (1, 3), (105, 100), (4, 3), (1, 30), (10, 1), (1, 100), (10001, 10000)]
)
Trades = list[tuple[int, Decimal]]
TRADES = st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=8)


def split(numerator: int, denominator: int, old_price: Decimal, action_id: str = "s1") -> ActionApplied:
    """A split, with what a new share is worth at the old price."""
    said = ActionStatement(
        action_id=action_id,
        account_id="main",
        instrument_id=AAPL,
        kind="SPLIT",
        numerator=numerator,
        denominator=denominator,
        price=scaled_price(old_price, numerator, denominator),
    )
    return ActionApplied(statement=said, ts_event=50, recorded_at=50)


def dividend(amount: Decimal) -> ActionApplied:
    """A dividend a share."""
    said = ActionStatement(action_id="d1", account_id="main", instrument_id=AAPL, kind="DIVIDEND", amount=amount)
    return ActionApplied(statement=said, ts_event=50, recorded_at=50)


def folded(events: list[Event]) -> Ledger:
    """A ledger of these events; every invariant holds after each."""
    ledger = Ledger()
    for event in [opened(cash="10000000"), *events]:
        ledger.apply(event)
        invariants.check_all(ledger)
    return ledger


def traded(trades: Trades) -> list[Event]:
    """One fill each."""
    return [filled(fill(f"f{number}", str(signed), str(price))) for number, (signed, price) in enumerate(trades)]


def equity(ledger: Ledger, price: Decimal) -> Fraction:
    """What the account is worth at a price."""
    return Fraction(ledger.book("main").cash) + Fraction(ledger.quantity("main", AAPL)) * Fraction(price)


@settings(max_examples=40)
@given(trades=TRADES, ratio=RATIOS, price=PRICES)
def test_a_split_keeps_value_and_cost_and_makes_no_money(
    trades: Trades, ratio: tuple[int, int], price: Decimal
) -> None:
    before = folded(traded(trades))
    action = split(*ratio, price)
    after = folded([*traded(trades), action])
    held, new_price = before.quantity("main", AAPL), action.statement.price
    parts = split_parts(held, *ratio, Decimal(1))
    assert after.quantity("main", AAPL) == parts.whole
    assert parts.whole == int(Fraction(held) * ratio[0] / ratio[1]) or abs(parts.fraction) > D("0.99999998")
    assert abs(parts.fraction) < 1
    books = before.book("main"), after.book("main")
    assert books[1].cash - books[0].cash == (parts.fraction * new_price).quantize(MINOR)
    # Rounding the new price and the new count to 1e-8 is all that may differ.
    slack = Fraction(MINOR) * (abs(int(held)) * ratio[0] + 2) + Fraction(new_price) * Fraction(MINOR)
    assert abs(equity(after, new_price) - equity(before, price)) <= slack
    paid_out = books[1].cash - books[0].cash
    gained = books[1].realized - books[0].realized
    assert books[0].cost - books[1].cost == paid_out - gained + books[1].rounding - books[0].rounding
    if not parts.fraction:
        assert books[0].cost == books[1].cost, "to the last digit"
        assert gained == 0
        assert all(entry.kind is not EntryKind.ACTION for entry in after.entries), "nothing moved"


@settings(max_examples=40)
@given(trades=TRADES, ratio=RATIOS, price=PRICES)
def test_an_action_is_posted_once_and_a_replay_gives_the_same_state(
    trades: Trades, ratio: tuple[int, int], price: Decimal
) -> None:
    events: list[Event] = [*traded(trades), split(*ratio, price)]
    once, twice = folded(events), folded([*events, split(*ratio, price)])
    states = [ledger.snapshot() for ledger in (once, twice)]
    assert states[0] == states[1]
    snapshot = invariants.state_bytes(folded(events[:-1]))
    invariants.check_snapshot(once, snapshot, events[-1:])
    invariants.check_snapshot(once, invariants.state_bytes(once), [])


@settings(max_examples=40)
@given(
    quantity=st.integers(2, 200),
    cost=PRICES,
    ratio=st.sampled_from([(7, 1), (3, 1), (9, 1)]),
    price=PRICES,
    cuts=st.lists(st.integers(1, 400), max_size=6),
)
def test_selling_in_parts_realizes_what_selling_at_once_does(
    quantity: int, cost: Decimal, ratio: tuple[int, int], price: Decimal, cuts: list[int]
) -> None:
    """A seventh of a price has no end; what was paid comes out whole all the same."""
    begun: list[Event] = [*traded([(quantity, cost)]), split(*ratio, cost)]
    left = quantity * ratio[0]
    sold: list[Event] = []
    for number, cut in enumerate(cuts):
        part = min(cut, left - 1)
        if part > 0:
            sold.append(filled(fill(f"c{number}", str(-part), str(price))))
            left -= part
    rest = filled(fill("rest", str(-left), str(price)))
    whole = filled(fill("all", str(-quantity * ratio[0]), str(price)))
    in_parts, at_once = folded([*begun, *sold, rest]), folded([*begun, whole])
    positions = [ledger.position("main", AAPL) for ledger in (in_parts, at_once)]
    assert positions[0] is not None
    assert positions[1] is not None
    exact = Fraction(price) * quantity * ratio[0] - Fraction(cost) * quantity
    assert positions[0].realized == positions[1].realized
    assert Fraction(positions[1].realized) == exact
    assert [ledger.book("main").cost for ledger in (in_parts, at_once)] == [0, 0]


@settings(max_examples=40)
@given(trades=TRADES, amount=st.integers(1, 2_000).map(lambda tenths: D(tenths) / 1000), price=PRICES)
def test_a_dividend_is_paid_on_what_is_held_and_is_income(trades: Trades, amount: Decimal, price: Decimal) -> None:
    before, after = folded(traded(trades)), folded([*traded(trades), dividend(amount), dividend(amount)])
    held = before.quantity("main", AAPL)
    books = before.book("main"), after.book("main")
    assert books[1].cash - books[0].cash == held * amount == books[1].income
    assert (books[1].cost, books[1].realized) == (books[0].cost, books[0].realized)


@settings(max_examples=40)
@given(trades=TRADES, ratio=RATIOS, price=PRICES, victim=st.integers(0, 7))
def test_an_execution_taken_back_after_a_split_is_as_if_it_had_never_been(
    trades: Trades, ratio: tuple[int, int], price: Decimal, victim: int
) -> None:
    assume(victim < len(trades))
    taken = fill(f"f{victim}", str(trades[victim][0]), str(trades[victim][1]))
    ledger = folded([*traded(trades), split(*ratio, price), busted(taken)])
    kept = [event for number, event in enumerate(traded(trades)) if number != victim]
    clean = folded([*kept, split(*ratio, price)])
    for name in ("cash", "cost", "realized"):
        assert getattr(ledger.book("main"), name) == getattr(clean.book("main"), name), name
    assert ledger.quantity("main", AAPL) == clean.quantity("main", AAPL)


@pytest.mark.covers("L8", "F38")
@settings(max_examples=60)
@given(trades=TRADES, ratio=RATIOS, price=PRICES, method=st.sampled_from(LotMethod))
def test_what_the_shares_cost_is_what_the_new_ones_and_the_paid_fraction_cost(
    trades: Trades, ratio: tuple[int, int], price: Decimal, method: LotMethod
) -> None:
    """Nothing of the cost is lost or made, whichever lots close first."""
    ledger = Ledger()
    for event in [opened(cash="10000000", lots=method), *traded(trades)]:
        ledger.apply(event)
    before = ledger.position("main", AAPL)
    assert before is not None
    ledger.apply(split(*ratio, price))
    invariants.check_all(ledger)
    after = ledger.position("main", AAPL)
    assert after is not None
    parts = split_parts(before.quantity, *ratio, Decimal(1))
    holding = ledger.book("main").holdings[AAPL]
    paid = parts.fraction * scaled_price(price, *ratio)
    # Realized is proceeds less cost, so the cost of the fraction is what was paid for it less what that gained.
    gained = holding.lots.realized - before.realized
    assert abs((paid - gained) - (before.cost - after.cost)) <= MINOR * 2
    assert sum((lot.cost for lot in ledger.lots("main", AAPL)), Decimal(0)) == holding.lots.cost
    assert after.quantity == parts.whole
