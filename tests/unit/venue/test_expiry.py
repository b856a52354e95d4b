"""When orders end by themselves: at a moment, or with the session they name, whatever was killed meanwhile."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.checks import Refusal
from tests.unit.venue.floor import MINUTE_NS, NOON, Floor, is_accepted

FRIDAY = load_calendar().session("2024-03-08")
MONDAY = load_calendar().session("2024-03-11")
assert FRIDAY is not None
assert MONDAY is not None
MINUTE_MS = 60_000


def test_at_its_moment_and_not_before() -> None:
    floor = Floor()
    assert is_accepted(floor.buy("g", 100, limit="99.00", tif="GTD", until=NOON + 10 * MINUTE_NS))
    floor.pass_ms(10 * MINUTE_MS - 1000)
    assert floor.order("g").is_open
    floor.pass_ms(1000)
    assert (floor.order("g").status, floor.last("g").code) == ("EXPIRED", "day_end")


@pytest.mark.parametrize("is_killed", [False, True])
def test_with_the_hours_of_its_last_session(is_killed: bool) -> None:
    assert FRIDAY is not None
    floor = Floor()
    floor.buy("g", 100, limit="99.00", tif="GTD", until="2024-03-08")
    floor.buy("day", 100, limit="99.00")
    floor.phase(MarketPhase.POST)
    assert (floor.order("g").is_open, floor.order("day").is_open) == (True, False)
    floor = floor.restarted() if is_killed else floor
    floor.phase(MarketPhase.OPEN, at=FRIDAY.open)
    assert floor.order("g").is_open
    floor.phase(MarketPhase.POST, at=FRIDAY.close)
    assert floor.order("g").status == "EXPIRED"


def test_one_that_names_a_holiday_ends_before_the_session_after() -> None:
    assert MONDAY is not None
    floor = Floor()
    floor.buy("g", 100, limit="99.00", tif="GTD", until="2024-03-09")
    floor.phase(MarketPhase.POST)
    floor.phase(MarketPhase.PRE, at=MONDAY.pre_open)
    assert floor.order("g").status == "EXPIRED"


def test_extended_hours_are_part_of_the_last_session() -> None:
    floor = Floor()
    floor.buy("g", 100, limit="99.00", tif="GTD", until="2024-03-04", ext=True)
    floor.phase(MarketPhase.POST)
    assert floor.order("g").is_open
    floor.phase(MarketPhase.CLOSED)
    assert floor.order("g").status == "EXPIRED"


def test_a_moment_that_passed_while_the_venue_was_down_ends_it_before_anything_can_fill() -> None:
    floor = Floor()
    floor.buy("g", 100, limit="101.00", tif="GTD", until=NOON + 10 * MINUTE_NS)
    assert floor.order("g").status == "FILLED"
    floor.buy("h", 100, limit="99.00", tif="GTD", until=NOON + 10 * MINUTE_NS)
    floor.now += 11 * MINUTE_NS
    twin = floor.restarted()
    assert twin.order("h").status == "EXPIRED"
    assert twin.fills("h") == []


def test_fill_or_kill_takes_all_or_nothing() -> None:
    floor = Floor()
    floor.buy("much", 301, limit="100.02", tif="FOK")
    floor.buy("fits", 300, limit="100.02", tif="FOK")
    assert (floor.order("much").status, floor.fills("much")) == ("CANCELED", [])
    assert floor.fills("fits") == [("300", "100.02", "T")]


def test_a_market_closed_for_the_night_takes_an_order_for_days() -> None:
    floor = Floor(phase=MarketPhase.CLOSED)
    assert is_accepted(floor.buy("g", 100, limit="99.00", tif="GTD", until="2024-03-08"))
    assert isinstance(floor.buy("f", 100, limit="99.00", tif="FOK"), Refusal)


def test_a_moment_that_comes_after_a_kill_ends_it_too() -> None:
    floor = Floor()
    floor.buy("g", 100, limit="99.00", tif="GTD", until=NOON + 10 * MINUTE_NS)
    twin = floor.restarted()
    twin.pass_ms(10 * MINUTE_MS)
    assert twin.order("g").status == "EXPIRED"
