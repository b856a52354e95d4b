"""Whole columns are read at once, and mean what a reader of one cell at a time would say."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.storage.importing.moments import TimeForm, moment_series
from stockpulse_engine.storage.importing.spans import Spans, told_by
from stockpulse_engine.storage.importing.values import E8_TOP, SCALE, e8

ZONED = TimeForm(is_date=False, style="zoned")
NEW_YORK = TimeForm(is_date=False, style="naive", zone="America/New_York")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

plain_numbers = st.decimals(-(10**10), 10**10, allow_nan=False, places=8).map(lambda value: format(value, "f"))
spelled_floats = st.floats(1e-6, 1e10).map(repr)
fine_numbers = st.decimals(0, 100, allow_nan=False, places=10).map(lambda value: format(value, "f"))
whole_numbers = st.integers(-(10**12), 10**12).map(str)
odd_words = st.sampled_from(["", " 12.5 ", "x", "nan", "inf", "-inf", "1e5", "1E-3", "1,5", ".5", "5.", "1_0", "1e400"])


def one_cell(text: str) -> int | None:
    """What a text says, read by itself: exact, rounded once where it is a float spelled out, or nothing."""
    try:
        value = Decimal(text.strip().replace("_", "x"))
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) > E8_TOP // SCALE:
        return None
    digits = "".join(each for each in text if each.isdigit()).lstrip("0")
    decimals = text.strip().partition(".")[2].rstrip("0")
    if len(decimals) > 8 and decimals.isdigit() and len(digits) < 12:
        return None
    return int((value * SCALE).to_integral_value(ROUND_HALF_EVEN))


@given(st.lists(st.one_of(plain_numbers, spelled_floats, fine_numbers, whole_numbers, odd_words), max_size=60))
def test_a_column_of_numbers_says_what_its_cells_say(texts: list[str]) -> None:
    assert e8(pl.Series("price", texts, pl.String)).to_list() == [one_cell(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1234.123456785", "1234.1234567750"], [123412345678, 123412345678]),  # halves go to the even neighbour
        (["12345678901.00000001"], [1234567890100000001]),
        (["11258999.06842624", "90000000000"], [1125899906842624, 9_000_000_000_000_000_000]),
        (["90000000000.00000001", None], [None, None]),
    ],
)
def test_numbers_at_the_edges_of_a_double_are_exact(texts: list[str | None], expected: list[int | None]) -> None:
    assert e8(pl.Series("price", texts, pl.String)).to_list() == expected


def test_binary_floats_are_rounded_once_and_what_does_not_fit_is_empty() -> None:
    cells = pl.Series("price", [101.25999450683594, float("nan"), float("inf"), 1e12, None, -0.5])
    assert e8(cells).to_list() == [10125999451, None, None, None, None, -50_000_000]


moments_told = st.integers(-8_500_000_000_000_000, 8_500_000_000_000_000).map(
    lambda micros: EPOCH + dt.timedelta(microseconds=micros)
)
offsets = st.sampled_from(["Z", "+00:00", "-0500", "+05:30"])


def spelled(moment: dt.datetime, offset: str, places: int) -> tuple[str, int]:
    """A moment as text with so many decimals of a second, and the nanoseconds it tells."""
    hours = 0 if offset == "Z" else int(offset[:3])
    minutes = 0 if offset == "Z" else int(offset[0] + offset[-2:])
    fraction = f".{moment.microsecond:06}"[: places + 1] if places else ""
    told = moment.replace(microsecond=int((fraction[1:] or "0").ljust(6, "0")))
    away = dt.timedelta(hours=hours, minutes=minutes)
    ns = (told - away - EPOCH) // dt.timedelta(microseconds=1) * 1000
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + offset, ns


@given(st.lists(st.tuples(moments_told, offsets, st.sampled_from([0, 1, 3, 6])), min_size=1, max_size=40))
def test_a_column_of_times_may_spell_them_in_several_ways(told: list[tuple[dt.datetime, str, int]]) -> None:
    pairs = [spelled(*each) for each in told]
    found = moment_series(pl.Series("ts", [text for text, _ in pairs]), ZONED)
    assert found.to_list() == [ns for _, ns in pairs]


@given(moments_told, st.lists(st.integers(0, 86_399_999_999), min_size=1, max_size=20), st.sampled_from([0, 3, 6]))
def test_a_column_of_one_day_is_read_as_one_of_several(day: dt.datetime, micros: list[int], places: int) -> None:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    pairs = [spelled(midnight + dt.timedelta(microseconds=each), "+00:00", places) for each in micros]
    found = moment_series(pl.Series("ts", [text for text, _ in pairs]), ZONED)
    assert found.to_list() == [ns for _, ns in pairs]


def test_a_column_of_one_day_that_there_is_not_is_empty() -> None:
    told = [f"2014-02-30T09:30:{second:02}Z" for second in range(3)]
    assert moment_series(pl.Series("ts", told), ZONED).to_list() == [None] * 3


def test_what_is_no_time_is_empty_wherever_it_stands() -> None:
    bad = [
        "x",
        None,
        "",
        "2014-13-02T03:04:05Z",
        "2014-02-30T03:04:05Z",
        "2014-01-02T24:04:05Z",
        "٢٠١٤-01-02T03:04:05Z",
    ]
    good = "2014-01-02T03:04:05Z"
    found = moment_series(pl.Series("ts", [*bad, good, *bad, f" {good} "]), ZONED)
    assert found.to_list() == [None] * 7 + [1_388_631_845_000_000_000] + [None] * 7 + [1_388_631_845_000_000_000]


def test_a_zones_own_clock_is_read_by_its_rules() -> None:
    told = ["2014-03-09 02:30:00", "2014-11-02 01:30:00", "2014-01-02 03:04", "2014-01-02T03:04:05.5"]
    found = moment_series(pl.Series("ts", told), NEW_YORK).to_list()
    half_past_five = 1_414_906_200_000_000_000  # the first of the two half past ones
    assert found == [None, half_past_five, 1_388_649_840_000_000_000, 1_388_649_845_500_000_000]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=40), st.integers(0, 40))
def test_spans_of_two_parts_are_the_span_of_the_whole(rows: list[tuple[str, int]], cut: int) -> None:
    schema: dict[str, Any] = {"instrument_id": pl.Enum(["a", "b", "c"]), "ts_event": pl.Int64}
    whole = pl.DataFrame(rows, schema=schema, orient="row")
    spans = Spans()
    for part in (whole.head(cut), whole.slice(cut)):
        spans.extend("", told_by(part))
    assert spans.known[""] == told_by(whole)
    for name, span in told_by(whole).items():
        times = [time for each, time in rows if each == name]
        ends = (min(times), max(times))
        assert (span.low, span.high) == ends
        assert (span.low_count, span.high_count) == tuple(times.count(end) for end in ends)
