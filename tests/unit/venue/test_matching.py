"""How orders meet the market: sizes, queues, latency, stops, halts, hours, changes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.venue.matching import MILLISECOND_NS, Rules
from tests.unit.venue.floor import SESSION, Floor, instrument, is_accepted


def test_a_market_order_takes_the_displayed_size_and_waits_for_the_rest() -> None:
    floor = Floor()
    floor.buy("b", 500)
    assert floor.fills("b") == [("300", "100.02", "T")]
    floor.quote("100.00", "100.03", ask_size=400)
    assert floor.fills("b") == [("300", "100.02", "T"), ("200", "100.03", "T")]
    assert floor.kinds("b") == ["ACCEPT", "FILL", "FILL"]
    assert floor.order("b").status == "FILLED"


def test_what_was_taken_is_not_sold_twice_until_the_market_refreshes_the_level() -> None:
    floor = Floor()
    floor.buy("first", 250, limit="100.02")
    floor.buy("second", 250, limit="100.02")
    assert floor.fills("second") == [("50", "100.02", "T")]
    floor.quote("99.99", "100.02")  # the bid moved, the ask is the same 300 we have taken
    assert floor.order("second").filled == 50
    floor.quote("99.99", "100.02", ask_size=400)
    assert floor.order("second").status == "FILLED"


def test_a_large_order_sweeps_the_levels_the_book_shows() -> None:
    floor = Floor()
    floor.depth("100.00x500", "100.02x300 100.03x200 100.05x900")
    floor.buy("b", 600, limit="100.04")
    assert floor.fills("b") == [("300", "100.02", "T"), ("200", "100.03", "T")]
    assert floor.order("b").status == "PARTIALLY_FILLED"


def test_a_moved_quote_makes_deeper_levels_old_news() -> None:
    floor = Floor()
    floor.depth("100.00x500", "100.02x300 100.03x200")
    floor.quote("100.00", "100.01", ask_size=100)
    floor.buy("b", 300)
    assert floor.fills("b") == [("100", "100.01", "T")]
    floor.depth("100.00x500", "100.01x100 100.02x300")
    assert floor.fills("b") == [("100", "100.01", "T"), ("200", "100.02", "T")]


def test_a_resting_order_waits_behind_the_displayed_size() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="100.00")
    assert floor.order("b").ahead == 500
    floor.trade("100.00", 450, "S")
    assert floor.order("b").ahead == 50
    floor.trade("100.00", 80, "S")
    assert floor.fills("b") == [("30", "100.00", "M")]
    floor.trade("100.00", 500, "S")
    assert floor.fills("b") == [("30", "100.00", "M"), ("70", "100.00", "M")]


def test_orders_at_one_price_are_filled_in_the_order_they_came() -> None:
    floor = Floor()
    floor.buy("early", 100, limit="100.00")
    floor.buy("late", 100, limit="100.00")
    floor.trade("100.00", 650, "S")
    assert floor.fills("early") == [("100", "100.00", "M")]
    assert floor.fills("late") == [("50", "100.00", "M")]


def test_the_queue_is_never_longer_than_what_is_displayed() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="100.00")
    floor.quote("100.00", "100.02", bid_size=120)
    assert floor.order("b").ahead == 120
    floor.quote("99.99", "100.02")
    assert floor.order("b").ahead == 0


def test_a_price_out_of_sight_joins_behind_what_is_shown_when_it_comes_into_sight() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.90")
    assert floor.order("b").ahead is None
    floor.trade("99.95", 500, "S")
    floor.quote("99.90", "99.95", bid_size=800)
    assert floor.order("b").ahead == 800


def test_a_buyer_is_not_filled_by_another_buyer() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="100.01")
    floor.trade("100.01", 200, "B")
    assert floor.fills("b") == []
    floor.trade("100.01", 200, "S")
    assert floor.fills("b") == [("100", "100.01", "M")]


def test_a_print_through_the_price_fills_at_our_price() -> None:
    floor = Floor()
    floor.sell("s", 100, limit="100.05")
    floor.trade("100.07", 60, "B")
    assert floor.fills("s") == [("60", "100.05", "M")]


def test_a_quote_through_the_price_fills_at_our_price_and_no_more_than_it_shows() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.98")
    floor.quote("99.95", "99.97", ask_size=70)
    assert floor.fills("b") == [("70", "99.98", "M")]
    floor.quote("99.94", "99.97", ask_size=70)
    assert floor.order("b").filled == 70


def test_an_order_arrives_after_its_latency_and_meets_the_market_of_that_moment() -> None:
    floor = Floor(latency_ms=5)
    floor.buy("b", 100)
    floor.pass_ms(4)
    assert floor.fills("b") == []
    floor.quote("100.00", "100.09")
    floor.pass_ms(1)
    assert floor.fills("b") == [("100", "100.09", "T")]


def test_a_cancel_travels_too_and_a_fill_may_overtake_it() -> None:
    floor = Floor(latency_ms=5)
    floor.buy("b", 100, limit="100.01")
    floor.pass_ms(6)
    floor.cancel("b")
    floor.trade("100.01", 100, "S")
    assert floor.kinds("b") == ["ACCEPT", "FILL", "CANCEL_REJECT"]
    floor.pass_ms(10)
    assert floor.order("b").status == "FILLED"


def test_while_time_stands_still_a_cancel_is_immediate() -> None:
    floor = Floor(latency_ms=5)
    floor.buy("b", 100, limit="99.00")
    floor.is_still = True
    floor.cancel("b")
    assert floor.kinds("b") == ["ACCEPT", "CANCEL"]
    floor.pass_ms(10)
    assert floor.kinds("b") == ["ACCEPT", "CANCEL"]


def test_ioc_takes_what_is_there_and_cancels_the_rest() -> None:
    floor = Floor()
    floor.buy("b", 500, limit="100.02", tif="IOC")
    assert floor.kinds("b") == ["ACCEPT", "FILL", "CANCEL"]
    assert floor.order("b").filled == 300


def test_fok_takes_all_or_nothing() -> None:
    floor = Floor()
    floor.buy("all", 500, limit="100.02", tif="FOK")
    assert floor.kinds("all") == ["ACCEPT", "CANCEL"]
    floor.buy("some", 300, limit="100.02", tif="FOK")
    assert floor.kinds("some") == ["ACCEPT", "FILL"]


def test_a_stop_waits_for_a_print_and_then_takes_the_market() -> None:
    floor = Floor()
    floor.trade("100.01", 10)
    floor.sell("s", 100, stop="99.90")
    floor.quote("99.80", "99.85")  # the quote alone does not trigger where there are prints
    assert floor.kinds("s") == ["ACCEPT"]
    floor.trade("99.90", 10, "S")
    assert floor.kinds("s") == ["ACCEPT", "TRIGGER", "FILL"]
    assert floor.fills("s") == [("100", "99.80", "T")]


def test_a_stop_looks_at_the_quote_where_nothing_is_ever_printed() -> None:
    floor = Floor()
    floor.buy("b", 100, stop="100.10")
    floor.quote("100.05", "100.10")
    assert floor.kinds("b") == ["ACCEPT", "TRIGGER", "FILL"]


def test_a_triggered_stop_limit_rests_at_its_limit() -> None:
    floor = Floor()
    floor.sell("s", 100, stop="99.90", limit="99.88")
    floor.quote("99.80", "99.85")
    floor.trade("99.85", 10, "S")
    assert floor.kinds("s") == ["ACCEPT", "TRIGGER"]
    assert floor.order("s").status == "TRIGGERED"
    floor.quote("99.86", "99.88", ask_size=50)
    floor.trade("99.88", 150, "B")
    assert floor.fills("s") == [("100", "99.88", "M")]


@pytest.mark.covers("F42")
def test_nothing_executes_while_halted_and_queues_start_anew() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="100.00")
    floor.phase(MarketPhase.OPEN, is_halted=True)
    floor.quote("99.90", "99.95")
    floor.trade("99.95", 1000, "S")
    floor.buy("m", 100)
    assert floor.all_fills() == []
    floor.phase(MarketPhase.OPEN)
    assert floor.all_fills() == []  # what was displayed before no longer counts
    floor.quote("99.90", "99.95")
    assert floor.fills("m") == [("100", "99.95", "T")]
    assert floor.fills("b") == [("100", "99.95", "T")]


def test_a_crossed_quote_is_counted_and_not_traded_on() -> None:
    floor = Floor()
    floor.quote("100.10", "100.05")
    floor.buy("b", 100)
    floor.trade("100.05", 100, "S")
    assert floor.all_fills() == []
    assert floor.book.crossed == 1
    floor.quote("100.04", "100.05")
    assert floor.fills("b") == [("100", "100.05", "T")]


@pytest.mark.covers("F28")
def test_a_stale_quote_is_not_traded_on() -> None:
    floor = Floor(rules=Rules(latency_ns=0, quote_age_ns=1000 * MILLISECOND_NS))
    floor.pass_ms(1001)
    floor.buy("b", 100)
    assert floor.all_fills() == []
    floor.quote("100.00", "100.02")
    assert floor.order("b").status == "FILLED"


def test_matching_stops_when_the_feed_falls_silent() -> None:
    floor = Floor(rules=Rules(latency_ns=0, feed_silence_ns=1000 * MILLISECOND_NS))
    floor.buy("b", 100)
    assert floor.all_fills() == []
    floor.matcher.feed_lives()
    floor.quote("100.00", "100.02")
    assert floor.order("b").status == "FILLED"


def test_a_missing_side_offers_nothing() -> None:
    floor = Floor()
    floor.quote("100.00", "100.02", ask_size=0)
    floor.buy("b", 100)
    assert floor.all_fills() == []


def test_only_extended_limits_trade_outside_regular_hours() -> None:
    assert SESSION is not None
    floor = Floor(phase=MarketPhase.PRE, now=SESSION.pre_open)
    floor.buy("regular", 100, limit="100.05")
    floor.buy("extended", 100, limit="100.05", ext=True)
    assert floor.fills("regular") == []
    assert floor.fills("extended") == [("100", "100.02", "T")]
    floor.phase(MarketPhase.OPEN, at=SESSION.open)
    floor.quote("100.00", "100.03")
    assert floor.fills("regular") == [("100", "100.03", "T")]


def test_day_orders_expire_with_their_hours_and_gtc_stays() -> None:
    assert SESSION is not None
    floor = Floor()
    floor.buy("day", 100, limit="99.00")
    floor.buy("ext", 100, limit="99.00", ext=True)
    floor.buy("gtc", 100, limit="99.00", tif="GTC")
    floor.phase(MarketPhase.POST, at=SESSION.close)
    assert floor.kinds("day") == ["ACCEPT", "EXPIRE"]
    assert floor.kinds("ext") == ["ACCEPT"]
    floor.phase(MarketPhase.CLOSED, at=SESSION.post_close)
    assert floor.kinds("ext") == ["ACCEPT", "EXPIRE"]
    assert floor.kinds("gtc") == ["ACCEPT"]


def test_a_gtc_order_left_over_night_gets_the_better_opening_price() -> None:
    assert SESSION is not None
    floor = Floor()
    floor.buy("gtc", 100, limit="99.00", tif="GTC")
    floor.phase(MarketPhase.CLOSED, at=SESSION.post_close)
    floor.phase(MarketPhase.OPEN, at=SESSION.open + 24 * 3600 * 1_000_000_000)
    floor.quote("97.90", "98.00")
    assert floor.fills("gtc") == [("100", "98.00", "T")]


def test_less_quantity_keeps_the_place_in_the_queue_and_a_new_price_does_not() -> None:
    floor = Floor()
    floor.buy("b", 200, limit="100.00")
    floor.trade("100.00", 400, "S")
    floor.change("b", "r1", quantity="100")
    assert floor.order("b").ahead == 100
    floor.change("b", "r2", limit="99.99")
    floor.change("b", "r3", limit="100.00")
    assert floor.order("b").ahead == 500
    assert floor.kinds("b") == ["ACCEPT", "UPDATE", "UPDATE", "UPDATE"]


def test_a_repeated_change_has_no_second_effect() -> None:
    floor = Floor()
    floor.buy("b", 200, limit="100.00")
    floor.change("b", "r1", limit="99.99")
    floor.change("b", "r2", limit="99.98")
    floor.change("b", "r1", limit="99.99")
    assert floor.order("b").terms.limit_price == Decimal("99.98")


def test_a_change_below_what_is_filled_is_refused() -> None:
    floor = Floor()
    floor.buy("b", 500, limit="100.02")
    floor.change("b", quantity="300")
    assert floor.last("b").kind.value == "UPDATE_REJECT"
    assert floor.order("b").terms.quantity == 500


def test_a_changed_price_may_execute_at_once() -> None:
    floor = Floor()
    floor.buy("b", 100, limit="99.00")
    floor.change("b", limit="100.02")
    assert floor.kinds("b") == ["ACCEPT", "UPDATE", "FILL"]


def test_fills_come_in_whole_lots() -> None:
    floor = Floor(traded=instrument(lot="100"))
    floor.quote("100.00", "100.02", ask_size=250)
    assert is_accepted(floor.buy("b", 300))
    assert floor.order("b").filled == 200


def test_reports_are_numbered_without_gaps_and_fills_have_ids_of_their_own() -> None:
    floor = Floor()
    for number in range(5):
        floor.buy(f"b{number}", 50, limit="100.02")
    assert [report.report_seq for report in floor.reports] == list(range(1, len(floor.reports) + 1))
    ids = [fill.fill_id for fill in floor.all_fills()]
    assert len(set(ids)) == 5
    assert all(each.startswith("V") for each in ids)
