"""What the market displays, what of it we have taken, and the order of our orders."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.market import Level
from stockpulse_engine.venue.book import Displayed
from stockpulse_engine.venue.ladder import Ladder
from stockpulse_engine.venue.orders import WorkingOrder
from tests.unit.venue.floor import new_order

D = Decimal


def asks(*levels: tuple[str, int]) -> Displayed:
    side = Displayed(-1)
    side.set_best(D(levels[0][0]), D(levels[0][1]))
    side.set_deeper(tuple(Level(D(price), D(size)) for price, size in levels))
    return side


def shown(side: Displayed) -> list[tuple[str, int]]:
    return [(str(price), int(size)) for price, size in side.levels()]


def test_levels_come_best_first_without_repeating_the_best() -> None:
    assert shown(asks(("100.02", 300), ("100.03", 200))) == [("100.02", 300), ("100.03", 200)]


def test_what_is_taken_stays_taken_while_the_level_looks_the_same() -> None:
    side = asks(("100.02", 300))
    side.take(D("100.02"), D(200))
    side.set_best(D("100.02"), D(300))
    assert shown(side) == [("100.02", 100)]
    side.set_best(D("100.02"), D(310))
    assert shown(side) == [("100.02", 310)]


def test_a_taken_deeper_level_is_remembered_when_it_becomes_the_best() -> None:
    side = asks(("100.02", 300), ("100.03", 200))
    side.take(D("100.03"), D(150))
    side.set_best(D("100.03"), D(200))
    assert shown(side) == [("100.03", 50)]


def test_a_level_that_vanished_and_came_back_is_new() -> None:
    side = asks(("100.02", 300))
    side.take(D("100.02"), D(300))
    side.set_best(D("100.05"), D(100))
    side.set_best(D("100.02"), D(300))
    assert shown(side) == [("100.02", 300)]


def test_sizes_are_known_only_where_they_are_displayed() -> None:
    side = asks(("100.02", 300), ("100.03", 200))
    assert side.size_at(D("100.02")) == 300
    assert side.size_at(D("100.03")) == 200
    assert side.size_at(D("100.01")) == 0  # nobody offers better than the best
    assert side.size_at(D("100.09")) is None


def working(number: int, limit: str) -> WorkingOrder:
    terms = new_order(str(number), "BUY", 1, limit=limit).terms
    return WorkingOrder(
        venue_order_id=str(number), number=number, account_id="A1", client_order_id=str(number), terms=terms
    )


def test_a_ladder_is_sorted_by_price_then_time() -> None:
    ladder = Ladder()
    placed = [working(1, "10"), working(2, "12"), working(3, "11"), working(5, "11"), working(4, "11")]
    for order in placed:
        ladder.add(order.terms.limit_price or D(0), order)
    assert [order.number for order in ladder.above(D("11"), inclusive=True)] == [2, 3, 4, 5]
    assert [order.number for order in ladder.above(D("11"), inclusive=False)] == [2]
    assert [order.number for order in ladder.below(D("11"), inclusive=True)] == [1, 3, 4, 5]
    assert [order.number for order in ladder.below(D("11"), inclusive=False)] == [1]
    assert len(ladder) == 5


def test_removing_leaves_no_empty_levels() -> None:
    ladder = Ladder()
    order = working(1, "10")
    ladder.add(D(10), order)
    assert ladder.remove(D(10), order)
    assert not ladder.remove(D(10), order)
    assert ladder.prices == []
