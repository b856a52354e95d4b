"""Legs wait for their entry, never close more than it filled, and each uses up the other."""

from __future__ import annotations

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.venue.checks import Refusal
from tests.unit.venue.floor import SESSION, Floor, new_order


def test_legs_are_held_until_the_entry_fills() -> None:
    floor = Floor()
    floor.bracket("e", 100, "101.00", "99.00", limit="99.99")
    assert (floor.order("e-t").status, floor.order("e-s").status) == ("HELD", "HELD")
    floor.trade("101.50", 1000, "B")
    assert floor.all_fills() == []
    floor.trade("99.98", 100, "S")
    assert floor.order("e").status == "FILLED"
    assert (floor.order("e-t").status, floor.order("e-s").status) == ("ACCEPTED", "ACCEPTED")
    assert floor.kinds("e-t") == ["ACCEPT"]


def test_a_filled_take_cancels_the_stop() -> None:
    floor = Floor()
    floor.bracket("e", 100, "100.10", "99.00")
    floor.trade("100.12", 500, "B")
    assert floor.fills("e-t") == [("100", "100.10", "M")]
    assert floor.kinds("e-s") == ["ACCEPT", "CANCEL"]
    assert floor.last("e-s").code == "oco"


def test_a_triggered_stop_cancels_the_take() -> None:
    floor = Floor()
    floor.bracket("e", 100, "101.00", "99.00")
    floor.quote("98.90", "98.95")
    floor.trade("98.95", 10, "S")
    assert floor.fills("e-s") == [("100", "98.90", "T")]
    assert floor.kinds("e-t") == ["ACCEPT", "CANCEL"]


def test_a_partial_take_reduces_the_stop() -> None:
    floor = Floor()
    floor.bracket("e", 100, "100.10", "99.00")
    floor.trade("100.12", 40, "B")
    stop = floor.order("e-s")
    assert stop.terms.quantity == stop.leaves == 60
    assert floor.kinds("e-s") == ["ACCEPT", "UPDATE"]
    floor.quote("98.90", "98.95", bid_size=500)
    floor.trade("98.95", 10, "S")
    assert floor.order("e-s").status == "FILLED"
    assert floor.order("e-t").status == "CANCELED"


def test_only_what_the_entry_has_filled_is_open_in_the_legs() -> None:
    floor = Floor()
    floor.bracket("e", 500, "100.10", "99.00", limit="100.02")
    assert floor.order("e").filled == 300
    assert floor.order("e-t").leaves == floor.order("e-s").leaves == 300
    floor.trade("100.12", 1000, "B")
    assert floor.order("e-t").filled == 300
    assert floor.order("e-s").leaves == 0
    assert floor.order("e-s").terms.quantity == 200
    floor.quote("99.00", "100.02", ask_size=900)
    assert floor.order("e").status == "FILLED"
    assert floor.order("e-t").leaves == floor.order("e-s").leaves == 200


def test_a_canceled_entry_takes_its_legs_along() -> None:
    floor = Floor()
    floor.bracket("e", 100, "101.00", "98.00", limit="99.00")
    floor.cancel("e")
    assert floor.kinds("e-t") == ["ACCEPT", "CANCEL"]
    assert floor.last("e-s").reason == "the entry did not fill"


def test_a_partly_filled_entry_that_is_canceled_leaves_legs_of_its_size() -> None:
    floor = Floor()
    floor.bracket("e", 500, "101.00", "99.00", limit="100.02")
    floor.cancel("e")
    assert floor.order("e-t").terms.quantity == 300
    assert floor.order("e-s").leaves == 300
    floor.quote("98.00", "98.10", bid_size=500)
    floor.trade("98.10", 10, "S")
    assert floor.order("e-s").status == "FILLED"
    assert floor.desk.accounts["A1"].positions == {}


def test_an_entry_that_expires_with_the_day_takes_its_legs_along() -> None:
    assert SESSION is not None
    floor = Floor()
    floor.bracket("e", 100, "101.00", "98.00", limit="99.00", tif="DAY")
    floor.phase(MarketPhase.POST, at=SESSION.close)
    assert floor.kinds("e") == ["ACCEPT", "EXPIRE"]
    assert floor.kinds("e-s") == ["ACCEPT", "CANCEL"]


def test_a_held_leg_can_be_canceled_and_the_other_one_stays() -> None:
    floor = Floor()
    floor.bracket("e", 100, "101.00", "99.00", limit="99.99")
    floor.cancel("e-t")
    floor.trade("99.98", 100, "S")
    assert floor.order("e-t").status == "CANCELED"
    assert floor.order("e-s").leaves == 100


def test_a_larger_entry_makes_larger_legs() -> None:
    floor = Floor()
    floor.bracket("e", 100, "101.00", "99.00", limit="99.99")
    floor.change("e", quantity="150")
    assert floor.order("e-t").terms.quantity == 150
    assert floor.order("e-s").terms.quantity == 150


def test_closed_brackets_leave_the_memory() -> None:
    floor = Floor()
    floor.bracket("e", 100, "100.10", "99.00")
    floor.trade("100.12", 500, "B")
    assert floor.desk.orders == {}


def test_a_bracket_that_does_not_close_its_entry_is_refused_whole() -> None:
    floor = Floor()
    entry = new_order("e", "BUY", 100, role="ENTRY")
    same_side = new_order("e-s", "BUY", 100, stop="99.00", role="STOP", parent="e")
    answer = floor.send(entry, same_side)
    assert isinstance(answer, Refusal)
    assert answer.code == "bad_group"
    assert floor.kinds("e") == ["REJECT"]
    assert floor.kinds("e-s") == ["REJECT"]
    orphan = floor.send(new_order("t", "SELL", 100, limit="101.00", role="TAKE", parent="e"))
    assert isinstance(orphan, Refusal)
