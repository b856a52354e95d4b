"""Numbers as people read them: fixed decimals, true minus, signs only on changes, short sizes, ages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.render.format import (
    for_copy,
    format_age,
    format_basis_points,
    format_clock,
    format_countdown,
    format_date,
    format_day,
    format_latency,
    format_minute,
    format_money,
    format_number,
    format_percent,
    format_price,
    format_quantity,
    format_size,
    iso_utc,
    price_change,
    zone_label,
)
from stockpulse_engine.render.glyphs import GLYPHS, ascii_only

D = Decimal
SECOND = 1_000_000_000
NY = "America/New_York"
NOON = 1_795_104_727_412_345_678  # 2026-11-19 16:12:07 UTC


@pytest.mark.parametrize(
    ("price", "tick", "text"),
    [("232.12", "0.01", "232.12"), ("10.985", "0.005", "10.985"), ("1.05462", "0.00001", "1.05462"),
     ("5904.25", "0.25", "5,904.25"), ("5904", "0.25", "5,904.00")],
)  # fmt: skip
def test_price_takes_its_decimals_from_the_tick(price: str, tick: str, text: str) -> None:
    assert format_price(D(price), D(tick)) == text


def test_nothing_zero_and_not_finite_look_different() -> None:
    assert format_price(None, D("0.01")) == "·"
    assert format_money(D(0)) == "0.00"
    assert format_money(None) == "·"
    assert format_money(D("NaN")) == "?"


def test_signs_stand_only_on_changes() -> None:
    assert price_change(D("1.02"), D("0.01")) == "+1.02"
    assert price_change(D("-0.5"), D("0.01")) == "−0.50"
    assert price_change(D("-0.001"), D("0.01")) == "0.00"
    assert format_percent(D("0.0044")) == "+0.44%"
    assert format_percent(D("0.78"), places=0, signed=False) == "78%"
    assert format_quantity(D(-20)) == "−20"
    assert format_quantity(D(80), signed=True) == "+80"
    assert format_basis_points(D("0.00011")) == "1.1"


@pytest.mark.parametrize(
    ("value", "text"),
    [("860", "860"), ("99999", "99,999"), ("100000", "100k"), ("123456", "123k"), ("612000000", "612m"),
     ("1400000000", "1.4b"), ("999999", "1m"), ("2449000", "2.45m"), ("-1240000", "−1.24m"), ("0.5", "0.5")],
)  # fmt: skip
def test_large_sizes_are_three_digits(value: str, text: str) -> None:
    assert format_size(D(value)) == text


@pytest.mark.parametrize(
    ("age_ns", "text"),
    [(180_000_000, "180 ms"), (400_000_000, "0.4 s"), (12 * SECOND, "12 s"), (250 * SECOND, "4:10"),
     (11 * 3600 * SECOND, "11 h"), (3 * 86_400 * SECOND, "3 d"), (-5, "0 ms")],
)  # fmt: skip
def test_ages(age_ns: int, text: str) -> None:
    assert format_age(age_ns) == text


def test_durations_of_machine_work() -> None:
    assert [format_latency(ns) for ns in (84_000, 2_140_000, 38_000_000, 3 * SECOND)] == [
        "84 µs",
        "2.1 ms",
        "38 ms",
        "3.0 s",
    ]


def test_countdowns_and_clocks() -> None:
    assert format_countdown(1624 * SECOND) == "27:04"
    assert format_countdown((5 * 3600 + 27 * 60 + 53) * SECOND) == "5:27:53"
    assert format_countdown(-1) == "0:00"
    assert format_clock(NOON, NY) == "11:12:07"
    assert format_clock(NOON, NY, digits=3) == "11:12:07.412"
    assert format_minute(NOON, NY) == "11:12"
    assert format_day(NOON, NY) == "Thu 19"
    assert format_date(NOON, NY) == "2026-11-19"
    assert iso_utc(NOON) == "2026-11-19T16:12:07.412345Z"
    assert zone_label(NY) == "ET"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15), st.integers(0, 8))
def test_copied_number_reads_back_to_the_rounded_value(value: Decimal, places: int) -> None:
    text = for_copy(format_number(value, places)).replace(",", "")
    assert abs(Decimal(text) - value) <= Decimal(1).scaleb(-places) / 2


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_sizes_stay_short(value: Decimal) -> None:
    if abs(value) > 99_999:
        assert len(format_size(value).lstrip("−")) <= 6


def test_ascii_set_holds_nothing_above_127() -> None:
    for field in GLYPHS["ascii"].__struct_fields__:
        value = getattr(GLYPHS["ascii"], field)
        assert not isinstance(value, str) or value.isascii(), field
    assert ascii_only("▲60 × −1 日") == "^60 x -1 ?"


def test_each_set_has_nine_steps() -> None:
    for glyphs in GLYPHS.values():
        assert len(glyphs.eighths_up) == len(glyphs.eighths_right) == 9
