"""The equity curve: bounded, honest about the peak, not fooled by deposits."""

from __future__ import annotations

from stockpulse_engine.portfolio.curve import FIRST_GAP_NS, MAX_POINTS, EquityCurve
from tests.fakes.portfolio_build import D


def test_drawdown_is_the_fall_from_the_running_peak() -> None:
    curve = EquityCurve()
    for second, equity in enumerate(("100", "120", "90", "120")):
        curve.add(second * FIRST_GAP_NS, D(equity), D(100))
    assert [point.drawdown for point in curve.points] == [0, 0, D("-0.25"), 0]


def test_money_taken_out_is_no_drawdown() -> None:
    curve = EquityCurve()
    curve.add(0, D(100), D(100))
    curve.add(FIRST_GAP_NS, D(60), D(60))
    curve.add(2 * FIRST_GAP_NS, D(54), D(60))
    assert [point.drawdown for point in curve.points] == [0, 0, D("-0.1")]


def test_points_closer_than_the_gap_replace_the_last() -> None:
    curve = EquityCurve()
    for offset in range(10):
        curve.add(offset * FIRST_GAP_NS // 10, D(100 + offset), D(100))
    assert [point.equity for point in curve.points] == [109]


def test_time_never_goes_back() -> None:
    curve = EquityCurve()
    curve.add(10 * FIRST_GAP_NS, D(100), D(100))
    curve.add(5 * FIRST_GAP_NS, D(50), D(100))
    assert [point.equity for point in curve.points] == [100]


def test_a_long_life_stays_within_the_bound_and_keeps_its_ends_and_worst_fall() -> None:
    curve = EquityCurve()
    count = 5 * MAX_POINTS
    for number in range(count):
        curve.add(number * FIRST_GAP_NS, D(50 if 3000 <= number < 3100 else 100), D(100))
    points = curve.points
    assert len(points) <= MAX_POINTS
    assert points[0].ts_event == 0
    assert count - points[-1].ts_event // FIRST_GAP_NS <= 16
    assert min(point.drawdown for point in points) == D("-0.5")
    assert [point.ts_event for point in points] == sorted(point.ts_event for point in points)


def test_a_curve_goes_on_where_the_run_before_left_it() -> None:
    before = EquityCurve()
    for second, equity in enumerate(("100", "120", "90")):
        before.add(second * FIRST_GAP_NS, D(equity), D(100))
    after = EquityCurve()  # what a replay gives: a few points at fill prices, and one fill since the last save
    after.add(0, D(100), D(100))
    after.add(9 * FIRST_GAP_NS, D(96), D(100))
    after.take_up(before.dump(), 10 * FIRST_GAP_NS)
    assert [point.equity for point in after.points] == [100, 120, 90, 96]
    assert after.points[-1].drawdown == D("-0.2"), "the peak of the run before counts"


def test_a_curve_that_ends_in_the_future_is_not_of_this_market() -> None:
    other = EquityCurve()
    other.add(50 * FIRST_GAP_NS, D(1), D(1))
    curve = EquityCurve()
    curve.add(0, D(100), D(100))
    curve.take_up(other.dump(), 10 * FIRST_GAP_NS)
    assert [point.equity for point in curve.points] == [100]
